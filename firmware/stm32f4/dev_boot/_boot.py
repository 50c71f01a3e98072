"""Start of the `dev` image: a small file system in RAM, so that tools can copy files to the board."""

import os

import board
import vfs

_BLOCK = 256


class RamDisk:
    """Block device with littlefs' block size over memory that a reset leaves alone."""

    def __init__(self) -> None:
        self.data = board.ram_disk()

    def readblocks(self, block: int, buf: bytearray, offset: int = 0) -> None:
        start = block * _BLOCK + offset
        buf[:] = memoryview(self.data)[start : start + len(buf)]

    def writeblocks(self, block: int, buf: bytearray, offset: int | None = None) -> None:
        start = block * _BLOCK + (offset or 0)
        self.data[start : start + len(buf)] = buf

    def ioctl(self, op: int, arg: int) -> int:
        if op == 4:
            return len(self.data) // _BLOCK
        if op == 5:
            return _BLOCK
        return 0


# The stubs ask for a subclass; MicroPython asks for the methods only.
_disk = RamDisk()
try:
    _files = vfs.VfsLfs2(_disk, progsize=32)  # type: ignore[arg-type]
except OSError:  # the first boot since power came
    vfs.VfsLfs2.mkfs(_disk, progsize=32)  # type: ignore[arg-type]
    _files = vfs.VfsLfs2(_disk, progsize=32)  # type: ignore[arg-type]
vfs.mount(_files, "/ram")
os.chdir("/ram")
