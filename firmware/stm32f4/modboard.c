// Module `board`: what flight code needs of this port beyond `machine`. Nothing here allocates unless it says so.
#include "py/runtime.h"
#include "py/gc.h"
#include "py/objstr.h"

#include "board.h"
#include "boot.h"
#include "clock.h"
#include "fault.h"
#include "i2c.h"
#include "machine_objects.h"
#include "stm32f4.h"
#include "storage.h"
#include "timebase.h"
#include "uart.h"

static MP_DEFINE_STR_OBJ(board_name_obj, BOARD_NAME);

// boot_status() -> int: BOOT_* bits
static mp_obj_t board_boot_status(void) {
    return MP_OBJ_NEW_SMALL_INT(boot_status());
}
static MP_DEFINE_CONST_FUN_OBJ_0(board_boot_status_obj, board_boot_status);

// boot_us() -> int: microseconds from reset, without the start of the oscillator, to the first line of Python
static mp_obj_t board_boot_us(void) {
    return MP_OBJ_NEW_SMALL_INT(boot_duration_us());
}
static MP_DEFINE_CONST_FUN_OBJ_0(board_boot_us_obj, board_boot_us);

// uptime(out): out[0] = whole seconds, out[1] = microseconds of the second, since this boot. `out` is an array('i' or
// 'l') or a list of two items; both values stay small integers for 34 years.
static mp_obj_t board_uptime(mp_obj_t out) {
    uint64_t us = timebase_us();
    mp_obj_subscr(out, MP_OBJ_NEW_SMALL_INT(0), MP_OBJ_NEW_SMALL_INT((mp_int_t)(us / 1000000u)));
    mp_obj_subscr(out, MP_OBJ_NEW_SMALL_INT(1), MP_OBJ_NEW_SMALL_INT((mp_int_t)(us % 1000000u)));
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(board_uptime_obj, board_uptime);

// uptime_us() -> int: microseconds since this boot, 64 bits. Allocates after 18 minutes.
static mp_obj_t board_uptime_us(void) {
    return mp_obj_new_int_from_ull(timebase_us());
}
static MP_DEFINE_CONST_FUN_OBJ_0(board_uptime_us_obj, board_uptime_us);

// reset_cause() -> int: POWER_ON, HARD, WATCHDOG, BROWN_OUT or CRASH
static mp_obj_t board_reset_cause(void) {
    return MP_OBJ_NEW_SMALL_INT(fault_reset_cause());
}
static MP_DEFINE_CONST_FUN_OBJ_0(board_reset_cause_obj, board_reset_cause);

// boot_count() -> int: boots since power-on, this one included
static mp_obj_t board_boot_count(void) {
    return mp_obj_new_int_from_uint(fault_boot_count());
}
static MP_DEFINE_CONST_FUN_OBJ_0(board_boot_count_obj, board_boot_count);

// crash_record() -> dict or None: what the run before left. Allocates.
static mp_obj_t board_crash_record(void) {
    const crash_record_t *r = fault_last_record();
    if (r == NULL) {
        return mp_const_none;
    }
    mp_obj_t dict = mp_obj_new_dict(11);
    const struct {
        qstr name;
        uint32_t value;
    } words[] = {
        { MP_QSTR_cause, r->cause }, { MP_QSTR_pc, r->pc }, { MP_QSTR_lr, r->lr }, { MP_QSTR_sp, r->sp },
        { MP_QSTR_psr, r->psr }, { MP_QSTR_cfsr, r->cfsr }, { MP_QSTR_hfsr, r->hfsr }, { MP_QSTR_mmfar, r->mmfar },
        { MP_QSTR_bfar, r->bfar },
    };
    for (size_t i = 0; i < MP_ARRAY_SIZE(words); i++) {
        mp_obj_dict_store(dict, MP_OBJ_NEW_QSTR(words[i].name), mp_obj_new_int_from_uint(words[i].value));
    }
    mp_obj_dict_store(dict, MP_OBJ_NEW_QSTR(MP_QSTR_uptime_us), mp_obj_new_int_from_ull(r->uptime_us));
    mp_obj_dict_store(dict, MP_OBJ_NEW_QSTR(MP_QSTR_breadcrumb), mp_obj_new_bytes(r->breadcrumb, BREADCRUMB_SIZE));
    return dict;
}
static MP_DEFINE_CONST_FUN_OBJ_0(board_crash_record_obj, board_crash_record);

// crash_clear(): forget the record
static mp_obj_t board_crash_clear(void) {
    fault_clear_record();
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_0(board_crash_clear_obj, board_crash_clear);

// breadcrumb(bytes): eight bytes for the next crash record; ValueError on another length
static mp_obj_t board_breadcrumb(mp_obj_t bytes) {
    mp_buffer_info_t b;
    mp_get_buffer_raise(bytes, &b, MP_BUFFER_READ);
    if (b.len != BREADCRUMB_SIZE) {
        mp_raise_ValueError(MP_ERROR_TEXT("breadcrumb must be 8 bytes"));
    }
    fault_set_breadcrumb(b.buf);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(board_breadcrumb_obj, board_breadcrumb);

// heap() -> (total, used, free) in bytes. Allocates.
static mp_obj_t board_heap(void) {
    gc_info_t info;
    gc_info(&info);
    mp_obj_t items[] = {
        mp_obj_new_int_from_uint(info.total), mp_obj_new_int_from_uint(info.used), mp_obj_new_int_from_uint(info.free),
    };
    return mp_obj_new_tuple(MP_ARRAY_SIZE(items), items);
}
static MP_DEFINE_CONST_FUN_OBJ_0(board_heap_obj, board_heap);

// uart_counters(id, out): fill out[0..7] with rx_bytes, tx_bytes, rx_overflow, overrun, framing, noise, parity, tx_dropped
// of USART 1..3. `out` is a list or an array of eight.
static mp_obj_t board_uart_counters(mp_obj_t id_in, mp_obj_t out) {
    mp_int_t id = mp_obj_get_int(id_in);
    if (id < 1 || id > UART_COUNT) {
        mp_raise_ValueError(MP_ERROR_TEXT("UART must be 1..3"));
    }
    const uint32_t *c = (const uint32_t *)uart_counters(id);
    for (size_t i = 0; i < sizeof(uart_counters_t) / sizeof(uint32_t); i++) {
        mp_obj_subscr(out, MP_OBJ_NEW_SMALL_INT(i), MP_OBJ_NEW_SMALL_INT(c[i]));
    }
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_2(board_uart_counters_obj, board_uart_counters);

// --- parts of the board: a negative answer is a failure (i2c.h); the hardware raises nothing -------------------------------

// adc_read(adc) -> int: 0..65535, or -1 when no conversion ended. `adc` is a machine.ADC.
static mp_obj_t board_adc_read(mp_obj_t adc) {
    return MP_OBJ_NEW_SMALL_INT(machine_adc_read(adc));
}
static MP_DEFINE_CONST_FUN_OBJ_1(board_adc_read_obj, board_adc_read);

// i2c_read(i2c, address, register, buffer) -> status: fill `buffer` from a register. `i2c` is a machine.I2C.
static mp_obj_t board_i2c_read(size_t n_args, const mp_obj_t *args) {
    uint8_t number = (uint8_t)mp_obj_get_int(args[2]);
    mp_buffer_info_t b;
    mp_get_buffer_raise(args[3], &b, MP_BUFFER_WRITE);
    const i2c_piece_t pieces[] = { { sizeof(number), &number }, { b.len, b.buf } };
    return MP_OBJ_NEW_SMALL_INT(
        i2c_write_read(machine_i2c_id(args[0]), mp_obj_get_int(args[1]), &pieces[0], &pieces[1], 1, true));
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(board_i2c_read_obj, 4, 4, board_i2c_read);

// i2c_write(i2c, address, register, buffer) -> status: write all of `buffer` to a register.
static mp_obj_t board_i2c_write(size_t n_args, const mp_obj_t *args) {
    uint8_t number = (uint8_t)mp_obj_get_int(args[2]);
    mp_buffer_info_t b;
    mp_get_buffer_raise(args[3], &b, MP_BUFFER_READ);
    const i2c_piece_t pieces[] = { { sizeof(number), &number }, { b.len, b.buf } };
    size_t acknowledged;
    i2c_status_t status = i2c_write(machine_i2c_id(args[0]), mp_obj_get_int(args[1]), pieces, 2, true, &acknowledged);
    bool refused = status == I2C_OK && acknowledged < sizeof(number) + b.len;
    return MP_OBJ_NEW_SMALL_INT(refused ? I2C_REFUSED : status);
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(board_i2c_write_obj, 4, 4, board_i2c_write);

// --- storage: every call answers a status, 0 or negative (storage.h) -----------------------------------------------------

// storage_kind() -> int: 0 none, 1 internal flash, 2 host file
static mp_obj_t board_storage_kind(void) {
    return MP_OBJ_NEW_SMALL_INT(storage_kind());
}
static MP_DEFINE_CONST_FUN_OBJ_0(board_storage_kind_obj, board_storage_kind);

// storage_sectors() -> int: number of sectors of STORAGE_SECTOR_SIZE bytes
static mp_obj_t board_storage_sectors(void) {
    return MP_OBJ_NEW_SMALL_INT(storage_sectors());
}
static MP_DEFINE_CONST_FUN_OBJ_0(board_storage_sectors_obj, board_storage_sectors);

// storage_erase(sector) -> status
static mp_obj_t board_storage_erase(mp_obj_t sector) {
    mp_int_t n = mp_obj_get_int(sector);
    return MP_OBJ_NEW_SMALL_INT(n < 0 ? STORAGE_RANGE : storage_erase(n));
}
static MP_DEFINE_CONST_FUN_OBJ_1(board_storage_erase_obj, board_storage_erase);

// The part buffer[start:end] of the arguments (offset, buffer[, start[, end]]). False when it is not one.
static bool storage_part(size_t n_args, const mp_obj_t *args, mp_uint_t flags, uint32_t *offset, uint8_t **at, size_t *size) {
    mp_int_t where = mp_obj_get_int(args[0]);
    mp_buffer_info_t b;
    mp_get_buffer_raise(args[1], &b, flags);
    mp_int_t start = n_args > 2 ? mp_obj_get_int(args[2]) : 0;
    mp_int_t end = n_args > 3 ? mp_obj_get_int(args[3]) : (mp_int_t)b.len;
    if (where < 0 || start < 0 || start > end || end > (mp_int_t)b.len) {
        return false;
    }
    *offset = where;
    *at = (uint8_t *)b.buf + start;
    *size = end - start;
    return true;
}

// storage_program(offset, buffer[, start[, end]]) -> status
static mp_obj_t board_storage_program(size_t n_args, const mp_obj_t *args) {
    uint32_t offset;
    uint8_t *at;
    size_t size;
    bool ok = storage_part(n_args, args, MP_BUFFER_READ, &offset, &at, &size);
    return MP_OBJ_NEW_SMALL_INT(ok ? storage_program(offset, at, size) : STORAGE_RANGE);
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(board_storage_program_obj, 2, 4, board_storage_program);

// storage_read(offset, buffer[, start[, end]]) -> status
static mp_obj_t board_storage_read(size_t n_args, const mp_obj_t *args) {
    uint32_t offset;
    uint8_t *at;
    size_t size;
    bool ok = storage_part(n_args, args, MP_BUFFER_WRITE, &offset, &at, &size);
    return MP_OBJ_NEW_SMALL_INT(ok ? storage_read(offset, at, size) : STORAGE_RANGE);
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(board_storage_read_obj, 2, 4, board_storage_read);

#if PERILUNE_DEV
// ram_disk() -> bytearray: memory for a small file system. It survives a reset, soft or hard, and no power cut.
#define RAM_DISK_SIZE 6144
static uint8_t ram_disk[RAM_DISK_SIZE] __attribute__((section(".noinit"), aligned(4)));

static mp_obj_t board_ram_disk(void) {
    return mp_obj_new_bytearray_by_ref(sizeof(ram_disk), ram_disk);
}
static MP_DEFINE_CONST_FUN_OBJ_0(board_ram_disk_obj, board_ram_disk);

// provoke(kind): end this run by a real fault, for tests; `dev` only. 1..4 as crash_cause_t, 7 hang with device
// interrupts masked.
static int overflow_stack(volatile int depth) {
    volatile uint8_t frame[64];
    frame[0] = depth;
    return depth < 0 ? frame[0] : overflow_stack(depth + 1) + frame[0];
}

static mp_obj_t board_provoke(mp_obj_t kind) {
    switch (mp_obj_get_int(kind)) {
        case CRASH_HARD_FAULT:
            SCB_SHCSR &= ~SCB_SHCSR_FAULTS;
            *(volatile uint32_t *)0x60000000u = 1;
            break;
        case CRASH_MEM_MANAGE:
            // An interrupt at the guard would find it first, by its frame. SysTick's is never masked: it only counts on.
            cpu_mask_irqs();
            SYST_CSR = 5;
            return MP_OBJ_NEW_SMALL_INT(overflow_stack(0));
        case CRASH_BUS_FAULT:
            *(volatile uint32_t *)0x60000000u = 1;
            break;
        case CRASH_USAGE_FAULT:
            __asm volatile ("udf #0");
            break;
        case CRASH_WATCHDOG:
            cpu_mask_irqs();
            for (;;) {
            }
        default:
            mp_raise_ValueError(MP_ERROR_TEXT("kind must be 1..4 or 7"));
    }
    cpu_dsb();
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(board_provoke_obj, board_provoke);
#endif

static const mp_rom_map_elem_t board_globals_table[] = {
    { MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR_board) },
    { MP_ROM_QSTR(MP_QSTR_NAME), MP_ROM_PTR(&board_name_obj) },
    { MP_ROM_QSTR(MP_QSTR_boot_status), MP_ROM_PTR(&board_boot_status_obj) },
    { MP_ROM_QSTR(MP_QSTR_HSE_FAILED), MP_ROM_INT(BOOT_HSE_FAILED) },
    { MP_ROM_QSTR(MP_QSTR_PLL_FAILED), MP_ROM_INT(BOOT_PLL_FAILED) },
    { MP_ROM_QSTR(MP_QSTR_QEMU), MP_ROM_INT(BOOT_QEMU) },
    { MP_ROM_QSTR(MP_QSTR_RENODE), MP_ROM_INT(BOOT_RENODE) },
    { MP_ROM_QSTR(MP_QSTR_NO_CCM), MP_ROM_INT(BOOT_NO_CCM) },
    { MP_ROM_QSTR(MP_QSTR_NO_STORAGE), MP_ROM_INT(BOOT_NO_STORAGE) },
    { MP_ROM_QSTR(MP_QSTR_CRASHED), MP_ROM_INT(BOOT_CRASHED) },
    { MP_ROM_QSTR(MP_QSTR_WATCHDOG_FIRED), MP_ROM_INT(BOOT_WATCHDOG) },
    { MP_ROM_QSTR(MP_QSTR_boot_us), MP_ROM_PTR(&board_boot_us_obj) },
    { MP_ROM_QSTR(MP_QSTR_uptime), MP_ROM_PTR(&board_uptime_obj) },
    { MP_ROM_QSTR(MP_QSTR_uptime_us), MP_ROM_PTR(&board_uptime_us_obj) },
    { MP_ROM_QSTR(MP_QSTR_reset_cause), MP_ROM_PTR(&board_reset_cause_obj) },
    { MP_ROM_QSTR(MP_QSTR_POWER_ON), MP_ROM_INT(RESET_POWER_ON) },
    { MP_ROM_QSTR(MP_QSTR_HARD), MP_ROM_INT(RESET_HARD) },
    { MP_ROM_QSTR(MP_QSTR_WATCHDOG), MP_ROM_INT(RESET_WATCHDOG) },
    { MP_ROM_QSTR(MP_QSTR_BROWN_OUT), MP_ROM_INT(RESET_BROWN_OUT) },
    { MP_ROM_QSTR(MP_QSTR_CRASH), MP_ROM_INT(RESET_CRASH) },
    { MP_ROM_QSTR(MP_QSTR_boot_count), MP_ROM_PTR(&board_boot_count_obj) },
    { MP_ROM_QSTR(MP_QSTR_crash_record), MP_ROM_PTR(&board_crash_record_obj) },
    { MP_ROM_QSTR(MP_QSTR_crash_clear), MP_ROM_PTR(&board_crash_clear_obj) },
    { MP_ROM_QSTR(MP_QSTR_breadcrumb), MP_ROM_PTR(&board_breadcrumb_obj) },
    { MP_ROM_QSTR(MP_QSTR_heap), MP_ROM_PTR(&board_heap_obj) },
    { MP_ROM_QSTR(MP_QSTR_uart_counters), MP_ROM_PTR(&board_uart_counters_obj) },
    { MP_ROM_QSTR(MP_QSTR_adc_read), MP_ROM_PTR(&board_adc_read_obj) },
    { MP_ROM_QSTR(MP_QSTR_i2c_read), MP_ROM_PTR(&board_i2c_read_obj) },
    { MP_ROM_QSTR(MP_QSTR_i2c_write), MP_ROM_PTR(&board_i2c_write_obj) },
    { MP_ROM_QSTR(MP_QSTR_STORAGE_SECTOR_SIZE), MP_ROM_INT(STORAGE_SECTOR_SIZE) },
    { MP_ROM_QSTR(MP_QSTR_storage_kind), MP_ROM_PTR(&board_storage_kind_obj) },
    { MP_ROM_QSTR(MP_QSTR_storage_sectors), MP_ROM_PTR(&board_storage_sectors_obj) },
    { MP_ROM_QSTR(MP_QSTR_storage_erase), MP_ROM_PTR(&board_storage_erase_obj) },
    { MP_ROM_QSTR(MP_QSTR_storage_program), MP_ROM_PTR(&board_storage_program_obj) },
    { MP_ROM_QSTR(MP_QSTR_storage_read), MP_ROM_PTR(&board_storage_read_obj) },
    #if PERILUNE_DEV
    { MP_ROM_QSTR(MP_QSTR_ram_disk), MP_ROM_PTR(&board_ram_disk_obj) },
    { MP_ROM_QSTR(MP_QSTR_provoke), MP_ROM_PTR(&board_provoke_obj) },
    #endif
};
static MP_DEFINE_CONST_DICT(board_globals, board_globals_table);

const mp_obj_module_t mp_module_board = {
    .base = { &mp_type_module },
    .globals = (mp_obj_dict_t *)&board_globals,
};
MP_REGISTER_MODULE(MP_QSTR_board, mp_module_board);
