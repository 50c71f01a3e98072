"""How cffi builds the extension ``perilune_codec._codec`` from the board's C and the batch functions beside this file.

setup.py runs it on install; ``make setup`` builds it again after a change of the C.
Without a compiler the installation goes on without the extension (``optional``), and `flight.codec` takes the twin.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from cffi import FFI

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
CODEC = ROOT / "firmware" / "cmodules" / "codec"
BOARD_SOURCES = ("cltu.c", "crc.c", "field.c", "randomise.c", "sha256.c", "sync.c", "telecommand.c", "telemetry.c")
HOST_SOURCES = ("columns.c", "crc16_wide.c", "frames.c")


def declarations(header: Path) -> str:
    """Text of a header as cffi wants it: no directives, no comments; constants of directives become int constants."""
    text = re.sub(r"//.*", "", header.read_text(encoding="utf-8"))
    constants = re.findall(r"^#define (PL_\w+) \(?(?:0x)?[0-9A-Fa-f]+u?\)?\s*$", text, flags=re.MULTILINE)
    text = re.sub(r"^#.*$", "", text, flags=re.MULTILINE)
    # An array bound of a prototype says what the caller owes; cffi only needs the type.
    text = re.sub(r"\[PL_\w+\]", "[]", text)
    return text + "".join(f"#define {name} ...\n" for name in constants)


def relative(path: Path) -> str:
    """Path as setuptools wants it: from where it runs, which is the project's root."""
    return os.path.relpath(path, Path.cwd())


ffibuilder = FFI()
ffibuilder.cdef(
    declarations(CODEC / "codec.h").replace("uint32_t counts[]", "uint32_t counts[...]")
    + declarations(HERE / "batch.h")
)
ffibuilder.set_source(
    "perilune_codec._codec",
    '#include "codec.h"\n#include "batch.h"\n',
    sources=[relative(CODEC / name) for name in BOARD_SOURCES] + [relative(HERE / name) for name in HOST_SOURCES],
    include_dirs=[relative(CODEC), relative(HERE)],
    depends=[relative(path) for path in (*CODEC.glob("*.h"), *HERE.glob("*.h"))],
    extra_compile_args=["-std=gnu99", "-O3", "-Wall", "-Wextra", "-Wno-unused-parameter"] if os.name == "posix" else [],
    optional=True,
)
