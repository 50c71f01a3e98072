# The interpreter of the flight tests on the workstation: the board's word size, none of the desktop's extras.
MICROPY_FORCE_32BIT = 1
# Floats in SSE registers round as the board's do; the x87 of a plain 32-bit build keeps more digits, and from GCC 14 on it
# lacks the 16-bit floats that the interpreter uses.
CFLAGS += -msse2 -mfpmath=sse
FROZEN_MANIFEST =
MICROPY_PY_BTREE = 0
MICROPY_PY_FFI = 0
MICROPY_PY_SOCKET = 0
MICROPY_PY_THREAD = 0
MICROPY_PY_TERMIOS = 0
MICROPY_PY_SSL = 0
MICROPY_USE_READLINE = 0
MICROPY_VFS_FAT = 0
MICROPY_VFS_LFS1 = 0
MICROPY_VFS_LFS2 = 0
