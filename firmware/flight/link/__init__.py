"""The space link on board: serial bytes to telecommand data, telemetry packets to frames. No I/O lives here."""
