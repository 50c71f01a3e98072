"""Space packets and PUS-C headers: what a frame's data means. No I/O and no service lives here."""
