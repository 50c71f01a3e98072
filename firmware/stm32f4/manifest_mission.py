# Frozen into both images: the flight package and the mission's tables and apps. The codec's Python twin stays out: the
# board has the C module. hal/host.py stays in, for tests on the board.
from pathlib import Path

package(
    "flight",
    files=sorted(
        str(path.relative_to("../flight"))
        for path in Path("../flight").rglob("*.py")
        if path.name != "twin.py"
    ),
    base_path="..",
)
freeze("$(MISSION_DIR)")
