"""Ctrl-C where a script runs tests or benchmarks in its background: it is ignored there, also by what they start."""

import signal


def heed() -> None:
    """Be ended with Ctrl-C, and let what is started be; unless somebody has chosen what it does."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
