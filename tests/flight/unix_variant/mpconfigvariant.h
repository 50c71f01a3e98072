// MicroPython's unix port as near to the board as a workstation gets: 32-bit words, 31-bit small integers, floats
// that live in the object word (representation C) and therefore do not allocate, long integers only on the heap.
// Whatever allocates on the board allocates here, so a locked heap proves the same thing on both.

#define MICROPY_CONFIG_ROM_LEVEL (MICROPY_CONFIG_ROM_LEVEL_EXTRA_FEATURES)
#define MICROPY_OBJ_REPR (MICROPY_OBJ_REPR_C)
#define MICROPY_FLOAT_IMPL (MICROPY_FLOAT_IMPL_FLOAT)

// The port leaves these to a variant that names its own object representation.
#include <stdint.h>
typedef int32_t mp_int_t;
typedef uint32_t mp_uint_t;
#define INT_FMT "%d"
#define UINT_FMT "%u"

#define MICROPY_LONGINT_IMPL (MICROPY_LONGINT_IMPL_MPZ)

// No native emitters: flight code is bytecode.
#define MICROPY_EMIT_X86 (0)
#define MICROPY_EMIT_X64 (0)

// Frames of Python functions have a stack of their own, as on the board; else large ones would allocate at each call.
#define MICROPY_ENABLE_PYSTACK (1)

// What the test runner reads.
#define MICROPY_PY_MICROPYTHON_HEAP_LOCKED (1)
#define MICROPY_PY_GC_COLLECT_RETVAL (1)
#define MICROPY_MEM_STATS (1)
#define MICROPY_MALLOC_USES_ALLOCATED_SIZE (1)
#define MICROPY_ENABLE_EMERGENCY_EXCEPTION_BUF (1)
#define MICROPY_EMERGENCY_EXCEPTION_BUF_SIZE (256)
#define MICROPY_ERROR_REPORTING (MICROPY_ERROR_REPORTING_DETAILED)
#define MICROPY_STREAMS_POSIX_API (1)

// The unix port builds these files, and its main() uses this flag, always.
#define MICROPY_DEBUG_PRINTERS (1)
#define MICROPY_PY_OS_INCLUDEFILE "ports/unix/modos.c"
#define MICROPY_PY_TIME (1)
#define MICROPY_PY_TIME_TIME_TIME_NS (1)
#define MICROPY_PY_TIME_CUSTOM_SLEEP (1)
#define MICROPY_PY_TIME_INCLUDEFILE "ports/unix/modtime.c"
#define MICROPY_PY_MACHINE (0)
