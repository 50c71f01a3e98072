"""What operators' tools stand on: texts of commands, and one board with its link, dictionary and telemetry."""
