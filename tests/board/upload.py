"""Modules that are not in the image, for the tests of a ``dev`` board: compiled here, kept in its memory."""

import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

ROOT = Path(__file__).resolve().parents[2]

MPY_CROSS = ROOT / "build/mpy-cross/mpy-cross"
TWIN = ROOT / "firmware/flight/codec/twin.py"  # not in the image, which has the C
CHUNK = 256  # octets of a bytes literal
# A file system of one folder, where the board looks for modules first. Its RAM disk is too small for some.
FILE_SYSTEM = """
import io, os
class Memory:
    def __init__(self): self.files = {}
    def mount(self, readonly, mkfs): pass
    def umount(self): pass
    def chdir(self, path): pass
    def stat(self, path):
        if path.lstrip("/") not in self.files: raise OSError(2)
        return (0x8000, 0, 0, 0, 0, 0, len(self.files[path.lstrip("/")]), 0, 0, 0)
    def open(self, path, mode): return io.BytesIO(self.files[path.lstrip("/")])
memory = Memory()
os.mount(memory, "/memory")
os.chdir("/memory")
"""


def compiled(source: Path) -> bytes:
    """Bytecode of a source file for the board."""
    with TemporaryDirectory() as folder:
        target = Path(folder) / "module.mpy"
        subprocess.run([MPY_CROSS, "-march=armv7emsp", "-s", source.name, "-o", target, source], check=True)
        return target.read_bytes()


class Prompt(Protocol):
    """A board, or the prompt of one."""

    def exec(self, code: str) -> str:
        """Run code and return what it printed."""


def upload(board: Prompt, name: str, source: Path) -> None:
    """Make ``import name`` work on the board until its next reset. Once a boot."""
    code = compiled(source)
    board.exec(FILE_SYSTEM)
    board.exec(f"memory.files['{name}.mpy'] = bytearray({len(code)})")
    for at in range(0, len(code), CHUNK):
        board.exec(f"memory.files['{name}.mpy'][{at}:{at + CHUNK}] = {code[at : at + CHUNK]!r}")


def upload_twin(board: Prompt) -> str:
    """Make the Python twin of the codec importable alone, outside of its package; the module's name. Once a boot."""
    with TemporaryDirectory() as folder:
        alone = Path(folder) / TWIN.name
        text = TWIN.read_text(encoding="utf-8")
        alone.write_text(text.replace("from ..errors", "from flight.errors"), encoding="utf-8")
        upload(board, TWIN.stem, alone)
    return TWIN.stem
