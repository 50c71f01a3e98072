"""Start of the `dev` image: a small file system in RAM, so that tools can copy files to the board."""

import os

import vfs

_BLOCK = 256
_BLOCKS = 48


class RamDisk:
    """Block device of 12 KiB with littlefs' block size."""

    def __init__(self):
        self.data = bytearray(_BLOCK * _BLOCKS)

    def readblocks(self, block, buf, offset=0):
        start = block * _BLOCK + offset
        buf[:] = memoryview(self.data)[start : start + len(buf)]

    def writeblocks(self, block, buf, offset=None):
        start = block * _BLOCK + (offset or 0)
        self.data[start : start + len(buf)] = buf

    def ioctl(self, op, arg):
        if op == 4:
            return _BLOCKS
        if op == 5:
            return _BLOCK
        return 0


_disk = RamDisk()
vfs.VfsLfs2.mkfs(_disk, progsize=32)
vfs.mount(_disk, "/ram")
os.chdir("/ram")
