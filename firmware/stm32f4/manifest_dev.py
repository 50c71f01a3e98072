# Frozen into the `dev` image.
freeze("dev_boot", "_boot.py")
include("$(MPY_DIR)/extmod/asyncio")
module("unittest.py", base_path="../../tests/flight/unittest_mpy")
# For tests on the board; nothing starts by itself.
include("manifest_mission.py")
