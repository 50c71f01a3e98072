"""What the `flight` image runs."""

from flight.main import main

main()
