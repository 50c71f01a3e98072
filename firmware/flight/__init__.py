"""Flight software: the same files run on the board, on unix MicroPython and on CPython."""
