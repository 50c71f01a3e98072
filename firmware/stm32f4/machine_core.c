// Included by extmod/modmachine.c: the parts of `machine` that are the processor's own.
#include "board.h"
#include "clock.h"
#include "fault.h"
#include "stm32f4.h"
#include "timebase.h"

// MicroPython's constants; the causes beyond them (crash, brown-out) are told by board.reset_cause().
enum {
    MACHINE_PWRON_RESET = 1,
    MACHINE_HARD_RESET = 2,
    MACHINE_WDT_RESET = 3,
    MACHINE_DEEPSLEEP_RESET = 4,
    MACHINE_SOFT_RESET = 5,
};

#define MICROPY_PY_MACHINE_EXTRA_GLOBALS \
    { MP_ROM_QSTR(MP_QSTR_Pin), MP_ROM_PTR(&machine_pin_type) }, \
    { MP_ROM_QSTR(MP_QSTR_PWRON_RESET), MP_ROM_INT(MACHINE_PWRON_RESET) }, \
    { MP_ROM_QSTR(MP_QSTR_HARD_RESET), MP_ROM_INT(MACHINE_HARD_RESET) }, \
    { MP_ROM_QSTR(MP_QSTR_WDT_RESET), MP_ROM_INT(MACHINE_WDT_RESET) }, \
    { MP_ROM_QSTR(MP_QSTR_DEEPSLEEP_RESET), MP_ROM_INT(MACHINE_DEEPSLEEP_RESET) }, \
    { MP_ROM_QSTR(MP_QSTR_SOFT_RESET), MP_ROM_INT(MACHINE_SOFT_RESET) }, \

static void mp_machine_idle(void) {
    timebase_wait_for_interrupt();
}

NORETURN static void mp_machine_reset(void) {
    fault_reset();
}

static mp_int_t mp_machine_reset_cause(void) {
    switch (fault_reset_cause()) {
        case RESET_POWER_ON:
        case RESET_BROWN_OUT:
            return MACHINE_PWRON_RESET;
        case RESET_WATCHDOG:
            return MACHINE_WDT_RESET;
        default:
            return MACHINE_HARD_RESET;
    }
}

// The 96-bit number of the part; QEMU has none there and faults, so it answers the board's name instead.
static mp_obj_t mp_machine_unique_id(void) {
    if (clock_is_qemu()) {
        static const byte emulated[12] = "QEMU-STM32F4";
        return mp_obj_new_bytes(emulated, sizeof(emulated));
    }
    return mp_obj_new_bytes((const byte *)UID_BASE, 12);
}

static mp_obj_t mp_machine_get_freq(void) {
    mp_obj_t rates[] = {
        mp_obj_new_int_from_uint(clock_rates.hclk_hz),
        mp_obj_new_int_from_uint(clock_rates.hclk_hz),
        mp_obj_new_int_from_uint(clock_rates.pclk1_hz),
        mp_obj_new_int_from_uint(clock_rates.pclk2_hz),
    };
    return mp_obj_new_tuple(MP_ARRAY_SIZE(rates), rates);
}

static void mp_machine_set_freq(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    (void)args;
    mp_raise_NotImplementedError(MP_ERROR_TEXT("the clock is fixed by the board"));
}

static void mp_machine_lightsleep(size_t n_args, const mp_obj_t *args) {
    if (n_args == 0) {
        timebase_wait_for_interrupt();
    } else {
        mp_hal_delay_ms(mp_obj_get_int(args[0]));
    }
}

NORETURN static void mp_machine_deepsleep(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    (void)args;
    mp_raise_NotImplementedError(MP_ERROR_TEXT("deep sleep would lose the watchdog's record"));
}
