// MicroPython for the payload computer. Two variants: `flight` has no compiler and no REPL, `dev` has both.
#include <stdint.h>
#include <alloca.h>
#include "board.h"

#define MICROPY_CONFIG_ROM_LEVEL (MICROPY_CONFIG_ROM_LEVEL_EXTRA_FEATURES)

// Objects: floats are 30 bits wide and lie in the object word, so arithmetic on them does not allocate.
#define MICROPY_OBJ_REPR (MICROPY_OBJ_REPR_C)
#define MICROPY_FLOAT_IMPL (MICROPY_FLOAT_IMPL_FLOAT)
#define MICROPY_LONGINT_IMPL (MICROPY_LONGINT_IMPL_MPZ)

// Memory: the heap begins in SRAM; core-coupled memory is added at start where it exists.
#define MICROPY_ENABLE_GC (1)
#define MICROPY_GC_SPLIT_HEAP (1)
#define MICROPY_GC_STACK_ENTRY_TYPE uint16_t
#define MICROPY_STACK_CHECK (1)
// Frames of Python functions: without this every function with more than eleven locals allocates at each call.
#define MICROPY_ENABLE_PYSTACK (1)
#define MICROPY_STACK_CHECK_MARGIN (1024)
#define MICROPY_MALLOC_USES_ALLOCATED_SIZE (1)
#define MICROPY_MEM_STATS (0)
#define MICROPY_ENABLE_EMERGENCY_EXCEPTION_BUF (1)
#define MICROPY_EMERGENCY_EXCEPTION_BUF_SIZE (256)

// Language and frozen code. Line numbers and assertions stay in flight.
#define MICROPY_ENABLE_COMPILER (PERILUNE_DEV)
#define MICROPY_ENABLE_SOURCE_LINE (1)
#define MICROPY_PERSISTENT_CODE_LOAD (1)
#define MICROPY_OPT_COMPUTED_GOTO (1)
// names.c remembers where names are, and asks the interpreter's look-up for the others.
#define MICROPY_OPT_MAP_LOOKUP_CACHE (0)
#define MICROPY_WRAP_MP_MAP_LOOKUP(f) f##_search
#if !PERILUNE_DEV
#undef MICROPY_MODULE_FROZEN_STR // the build asks for it; there is no compiler to read it
#define MICROPY_MODULE_FROZEN_STR (0)
#endif
#define MICROPY_ENABLE_EXTERNAL_IMPORT (1) // frozen packages are found by it too
#define MICROPY_WARNINGS (1)
#define MICROPY_USE_INTERNAL_ERRNO (1)
#define MICROPY_ERROR_REPORTING (MICROPY_ERROR_REPORTING_NORMAL)
#define MICROPY_REPL_EVENT_DRIVEN (0)
#define MICROPY_HELPER_REPL (PERILUNE_DEV)
#define MICROPY_REPL_AUTO_INDENT (PERILUNE_DEV)
#define MICROPY_KBD_EXCEPTION (1)
#define MICROPY_PY_BUILTINS_HELP (PERILUNE_DEV)
#define MICROPY_PY_BUILTINS_HELP_MODULES (PERILUNE_DEV)
#define MICROPY_PY_BUILTINS_EVAL_EXEC (PERILUNE_DEV)
#define MICROPY_PY_BUILTINS_EXECFILE (PERILUNE_DEV)
#define MICROPY_PY_BUILTINS_INPUT (PERILUNE_DEV)

#if PERILUNE_DEV
#define MICROPY_EMIT_THUMB (1)
#define MICROPY_EMIT_INLINE_THUMB (1)
#endif
#define MICROPY_MAKE_POINTER_CALLABLE(p) ((void *)((mp_uint_t)(p) | 1))

#define MICROPY_SCHEDULER_DEPTH (8)
#define MICROPY_HW_BOARD_NAME BOARD_DESCRIPTION
#define MICROPY_HW_MCU_NAME BOARD_MCU
#define MICROPY_PY_SYS_PLATFORM "perilune"
#define MICROPY_PY_SYS_STDFILES (PERILUNE_DEV)
#define MICROPY_PY_SYS_STDIO_BUFFER (PERILUNE_DEV)
#define MICROPY_PY_SYS_EXC_INFO (0)
#define MICROPY_PY_MICROPYTHON_HEAP_LOCKED (1)

// Time
#define MICROPY_PY_TIME (1)
#define MICROPY_PY_TIME_GMTIME_LOCALTIME_MKTIME (0)
#define MICROPY_PY_TIME_TIME_TIME_NS (0)
#define MICROPY_EPOCH_IS_1970 (1)

// Modules that flight does without
#define MICROPY_PY_ASYNCIO (PERILUNE_DEV)
#define MICROPY_PY_SELECT (PERILUNE_DEV)
#define MICROPY_PY_FRAMEBUF (PERILUNE_DEV)
#define MICROPY_PY_JSON (PERILUNE_DEV)
#define MICROPY_PY_RE (PERILUNE_DEV)
#define MICROPY_PY_HEAPQ (PERILUNE_DEV)
#define MICROPY_PY_HASHLIB (PERILUNE_DEV)
#define MICROPY_PY_DEFLATE (PERILUNE_DEV)
#define MICROPY_PY_DEFLATE_COMPRESS (PERILUNE_DEV)
#define MICROPY_PY_BINASCII (1)
#define MICROPY_PY_RANDOM (PERILUNE_DEV)
#define MICROPY_PY_MATH_SPECIAL_FUNCTIONS (PERILUNE_DEV)
#define MICROPY_PY_UCTYPES (PERILUNE_DEV)
#define MICROPY_PY_PLATFORM (PERILUNE_DEV)
#define MICROPY_PY_ERRNO (1)

// Files: in `dev` a small file system in RAM for tools that copy files
#define MICROPY_VFS (PERILUNE_DEV)
#define MICROPY_READER_VFS (PERILUNE_DEV)
#define MICROPY_PY_OS (PERILUNE_DEV)
#define MICROPY_PY_OS_STATVFS (PERILUNE_DEV)
#define MICROPY_PY_OS_SYNC (0)
#define MICROPY_PY_OS_DUPTERM (0)
#define MICROPY_PY_IO (1)

// machine
#define MICROPY_PY_MACHINE (1)
#define MICROPY_PY_MACHINE_INCLUDEFILE "machine_core.c"
#define MICROPY_PY_MACHINE_RESET (1)
#define MICROPY_PY_MACHINE_BARE_METAL_FUNCS (1)
#define MICROPY_PY_MACHINE_DISABLE_IRQ_ENABLE_IRQ (1)
#define MICROPY_PY_MACHINE_BOOTLOADER (0)
#define MICROPY_PY_MACHINE_PULSE (0)
#define MICROPY_PY_MACHINE_SIGNAL (1)
#define MICROPY_PY_MACHINE_PIN_BASE (1)
#define MICROPY_PY_MACHINE_PIN_MAKE_NEW mp_pin_make_new
#define MICROPY_PY_MACHINE_UART (1)
#define MICROPY_PY_MACHINE_UART_INCLUDEFILE "machine_uart_stm32f4.c"
#define MICROPY_PY_MACHINE_UART_SENDBREAK (1)
#define MICROPY_PY_MACHINE_ADC (1)
#define MICROPY_PY_MACHINE_ADC_INCLUDEFILE "machine_adc_stm32f4.c"
#define MICROPY_PY_MACHINE_ADC_INIT (1)
#define MICROPY_PY_MACHINE_I2C (1)
#define MICROPY_PY_MACHINE_I2C_TRANSFER_WRITE1 (1)
#define MICROPY_PY_MACHINE_SOFTI2C (1)
#define MICROPY_PY_MACHINE_SPI (1)
#define MICROPY_PY_MACHINE_SOFTSPI (1)
#define MICROPY_PY_MACHINE_WDT (1)
#define MICROPY_PY_MACHINE_WDT_INCLUDEFILE "machine_wdt_stm32f4.c"
#define MICROPY_PY_MACHINE_PWM (0)
#define MICROPY_PY_MACHINE_TIMER (0)

typedef int32_t mp_int_t;
typedef uint32_t mp_uint_t;
typedef long mp_off_t;
#define MP_SSIZE_MAX (0x7fffffff)
#define UINT_FMT "%lu"
#define INT_FMT "%ld"

#define MP_STATE_PORT MP_STATE_VM
#define MP_NEED_LOG2 (1)

// Waiting is WFI; SysTick ends it after a millisecond at most.
#define MICROPY_INTERNAL_WFE(timeout_ms) timebase_wait_for_interrupt()
