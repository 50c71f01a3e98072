"""Modules that are not in the image, for the tests of a ``dev`` board: compiled here, kept there in memory."""

import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.board.conftest import ROOT, Board

MPY_CROSS = ROOT / "build/mpy-cross/mpy-cross"
CHUNK = 256  # octets of a bytes literal; several are in the board's memory at once
# A read-only file system of one folder; files are bytearrays.
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
import sys
sys.path.append("/memory")
"""


def compiled(source: Path) -> bytes:
    """Bytecode of a source file for the board."""
    with TemporaryDirectory() as folder:
        target = Path(folder) / "module.mpy"
        subprocess.run([MPY_CROSS, "-march=armv7emsp", "-s", source.name, "-o", target, source], check=True)
        return target.read_bytes()


def upload(board: Board, name: str, source: Path) -> None:
    """Make ``import name`` work on the board."""
    board.exec(FILE_SYSTEM)
    code = compiled(source)
    board.exec(f"data = bytearray({len(code)})")
    for at in range(0, len(code), CHUNK):
        board.exec(f"data[{at}:{at + CHUNK}] = {code[at : at + CHUNK]!r}")
    board.exec(f"memory.files['{name}.mpy'] = data\ndel data")
