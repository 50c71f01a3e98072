# Frozen into both images: the flight package, the mission's tables and its apps. The build writes them into this
# folder, the flight package without the codec's Python twin (the board has the C module).
freeze("$(MISSION_DIR)")
