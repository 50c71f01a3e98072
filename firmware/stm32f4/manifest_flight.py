# Frozen into the `flight` image.
freeze("flight_boot", "main.py")
