# Frozen into the `flight` image: the mission and the program that starts it.
include("manifest_mission.py")
freeze("flight_boot", "main.py")
