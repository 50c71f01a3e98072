"""Device interfaces: SI values with validity, whatever part is behind them."""
