"""`perilune console`: a board's housekeeping, commands, events, sequences and link on one terminal."""
