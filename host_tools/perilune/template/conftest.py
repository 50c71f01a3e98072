"""The boards of the tests come from Perilune: fixtures target, ground, plant, faults (hil/README.md there)."""

pytest_plugins = ["hil.plugin"]
