"""Housekeeping as operators look at it: a check with a verdict (check.py), a live table (table.py)."""
