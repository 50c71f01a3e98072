"""Start of the `dev` image: a small file system in RAM, so that tools can copy files to the board."""

import os

import board
import vfs

_BLOCK = 256


class RamDisk:
    """Block device with littlefs' block size over memory that a reset leaves alone."""

    def __init__(self):
        self.data = board.ram_disk()

    def readblocks(self, block, buf, offset=0):
        start = block * _BLOCK + offset
        buf[:] = memoryview(self.data)[start : start + len(buf)]

    def writeblocks(self, block, buf, offset=None):
        start = block * _BLOCK + (offset or 0)
        self.data[start : start + len(buf)] = buf

    def ioctl(self, op, arg):
        if op == 4:
            return len(self.data) // _BLOCK
        if op == 5:
            return _BLOCK
        return 0


_disk = RamDisk()
try:
    vfs.mount(vfs.VfsLfs2(_disk, progsize=32), "/ram")
except OSError:  # the first boot since power came
    vfs.VfsLfs2.mkfs(_disk, progsize=32)
    vfs.mount(vfs.VfsLfs2(_disk, progsize=32), "/ram")
os.chdir("/ram")
