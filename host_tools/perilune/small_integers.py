"""Numbers in frozen tables as small integers of the part.

MicroPython's tool for frozen code serves every target: a number beyond 14 bits in a constant tuple becomes an integer
object of any length, and each calculation with it makes another one on the heap. The part's small integers have 31 bits
(representation C), so here every such object that fits them becomes one.

Run by the firmware's build in place of MicroPython's makemanifest.py, which it calls with the same arguments:
``python -m perilune.small_integers MAKEMANIFEST -o OUTPUT ...``.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

SMALL_MIN, SMALL_MAX = -(1 << 30), (1 << 30) - 1

OBJECT = re.compile(
    r"^static const mp_obj_int_t (?P<name>\w+) = \{\{&mp_type_int\}, \{\.neg=(?P<neg>[01]), .*?"
    r"\.dig=\(uint(?P<bits>16|32)_t\*\).*?\{(?P<digits>[0-9a-fx,]+)\}\}\};\n",
    re.MULTILINE,
)


def shrink(text: str) -> str:
    """Frozen code (C text) with every integer object that fits 31 bits replaced by its value."""
    small: dict[str, int] = {}

    def replace(found: re.Match[str]) -> str:
        value = 0
        for digit in reversed(found["digits"].split(",")):
            value = value << int(found["bits"]) | int(digit, 16)
        value = -value if found["neg"] == "1" else value
        if not SMALL_MIN <= value <= SMALL_MAX:
            return found[0]
        small[found["name"]] = value
        return ""

    text = OBJECT.sub(replace, text)
    return re.sub(
        r"MP_ROM_PTR\(&(\w+)\)",
        lambda found: f"MP_ROM_INT({small[found[1]]})" if found[1] in small else found[0],
        text,
    )


def main(argv: list[str]) -> int:
    """Make the frozen code, then shrink its integers. The exit code is makemanifest's."""
    code = subprocess.run([sys.executable, *argv], check=False).returncode
    if code == 0:
        output = Path(argv[argv.index("-o") + 1])
        text = output.read_text(encoding="utf-8")
        shrunk = shrink(text)
        if shrunk != text:
            output.write_text(shrunk, encoding="utf-8")
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
