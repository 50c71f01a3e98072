"""Hardware-in-the-loop: targets, the lunar plant, faults and the test plugin."""
