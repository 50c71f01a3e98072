"""Temporary flight program of a board without a mission: says that it lives, once a second."""

import time

import board

print("perilune", board.NAME, "boot", board.boot_count())
while True:
    time.sleep_ms(1000)
