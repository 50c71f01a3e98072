"""Space packets and PUS-C headers as the ground builds and reads them. No I/O lives here."""
