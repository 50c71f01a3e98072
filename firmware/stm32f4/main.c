// Start of everything: hardware, heap, interpreter; then the flight program, or the REPL in `dev`.
#include "py/builtin.h"
#include "py/compile.h"
#include "py/cstack.h"
#include "py/gc.h"
#include "py/mperrno.h"
#include "py/mphal.h"
#include "py/pystack.h"
#include "py/runtime.h"
#include "shared/runtime/gchelper.h"
#include "shared/runtime/pyexec.h"

#include "board.h"
#include "boot.h"
#include "clock.h"
#include "fault.h"
#include "machine_pin.h"
#include "storage.h"
#include "timebase.h"
#include "uart.h"

#define CONSOLE 3
// Words. Telecommands to every service of the core took 292 at the deepest; the rest is for missions' apps.
#define PYSTACK_WORDS 768
#define PROBE_PATTERN 0xC3A5F00Fu
// QEMU 7 has the part's 192 KiB of memory in one piece: what is core-coupled on silicon lies behind the SRAM.
#define QEMU_CCM_BASE 0x20020000u

extern uint8_t _stack_top[], _stack_bottom[], _heap_start[], _heap_end[];

static uint32_t status;
static uint32_t pystack[PYSTACK_WORDS];
static uint32_t program_at_us;
static uint32_t ccm_base; // 0: there is none

uint32_t boot_status(void) {
    return status;
}

uint32_t boot_duration_us(void) {
    return program_at_us;
}

// Core-coupled memory is on the parts, not in every emulator: look before using it.
static bool memory_at(uint32_t base) {
    uint32_t first, last;
    return fault_probe_word(base, PROBE_PATTERN, &first) && first == PROBE_PATTERN
           && fault_probe_word(base + CCM_SIZE - 4, ~PROBE_PATTERN, &last) && last == ~PROBE_PATTERN;
}

static uint32_t find_ccm(void) {
    if (memory_at(CCM_BASE)) {
        return CCM_BASE;
    }
    return clock_is_qemu() && memory_at(QEMU_CCM_BASE) ? QEMU_CCM_BASE : 0;
}

static void init_hardware(void) {
    status = clock_init();
    status |= fault_init();
    timebase_init();
    const uart_config_t console = { BOARD_CONSOLE_BAUD, 8, 1, UART_PARITY_NONE };
    uart_open(CONSOLE, &console);
    status |= storage_init();
    ccm_base = find_ccm();
    if (ccm_base == 0) {
        status |= BOOT_NO_CCM;
    }
}

// What the program before left running, so that every program begins alike: only the console stays.
static void init_devices(void) {
    machine_pin_init0();
    for (int id = 1; id <= UART_COUNT; id++) {
        if (id != CONSOLE && uart_is_open(id)) {
            uart_close(id);
        }
    }
}

static void init_heap(void) {
    gc_init(_heap_start, _heap_end);
    if (ccm_base != 0) {
        gc_add((void *)ccm_base, (void *)(ccm_base + CCM_SIZE));
    }
}

#if PERILUNE_DEV
static void run_program(void) {
    pyexec_frozen_module("_boot.py", false);
    for (;;) {
        int stop = pyexec_mode_kind == PYEXEC_MODE_RAW_REPL ? pyexec_raw_repl() : pyexec_friendly_repl();
        if (stop) {
            return;
        }
    }
}
#else
// The flight program does not return: if it does, by an exception or otherwise, the next boot hears of it.
static void run_program(void) {
    pyexec_frozen_module("main.py", false);
    mp_hal_delay_ms(20); // let the traceback leave the log UART
    fault_record_and_reset(CRASH_PYTHON, NULL);
}
#endif

int main(void) {
    init_hardware();
    for (;;) {
        mp_cstack_init_with_top(_stack_top, _stack_top - _stack_bottom);
        mp_pystack_init(pystack, pystack + MP_ARRAY_SIZE(pystack));
        init_devices();
        init_heap();
        mp_init();
        if (program_at_us == 0) {
            program_at_us = timebase_us32();
        }
        run_program();
        mp_printf(&mp_plat_print, "MPY: soft reboot\n");
        gc_sweep_all();
        mp_deinit();
    }
}

void gc_collect(void) {
    gc_collect_start();
    gc_helper_collect_regs_and_stack();
    gc_collect_end();
}

void nlr_jump_fail(void *val) {
    (void)val;
    fault_record_and_reset(CRASH_PYTHON, NULL);
}

#if !MICROPY_VFS
static mp_obj_t no_open(size_t n_args, const mp_obj_t *args, mp_map_t *kwargs) {
    mp_raise_OSError(MP_ENODEV);
}
MP_DEFINE_CONST_FUN_OBJ_KW(mp_builtin_open_obj, 1, no_open);

mp_lexer_t *mp_lexer_new_from_file(qstr filename) {
    (void)filename;
    mp_raise_OSError(MP_ENOENT);
}

mp_import_stat_t mp_import_stat(const char *path) {
    (void)path;
    return MP_IMPORT_STAT_NO_EXIST;
}
#endif

#ifndef NDEBUG
void __assert_func(const char *file, int line, const char *func, const char *expr) {
    mp_printf(&mp_plat_print, "assertion %s failed: %s:%d in %s\n", expr, file, line, func);
    fault_record_and_reset(CRASH_PYTHON, NULL);
}
#endif
