"""What flight code needs of its surroundings: clock, ports, storage, watchdog, reset. null.py states the interface."""
