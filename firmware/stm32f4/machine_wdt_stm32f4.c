// Included by extmod/machine_wdt.c: machine.WDT over watchdog.c. There is one, WDT(0); made anew with another timeout it
// takes that one, and it never stops.
#include "watchdog.h"

struct _machine_wdt_obj_t {
    mp_obj_base_t base;
};

static const machine_wdt_obj_t wdt_object = { { &machine_wdt_type } };

static machine_wdt_obj_t *mp_machine_wdt_make_new_instance(mp_int_t id, mp_int_t timeout_ms) {
    if (id != 0) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("WDT(%d) doesn't exist"), (int)id);
    }
    if (timeout_ms < (mp_int_t)WATCHDOG_MIN_MS || timeout_ms > (mp_int_t)WATCHDOG_MAX_MS) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("timeout must be %u..%u ms"), (unsigned)WATCHDOG_MIN_MS,
            (unsigned)WATCHDOG_MAX_MS);
    }
    watchdog_start((uint32_t)timeout_ms);
    return (machine_wdt_obj_t *)&wdt_object;
}

static void mp_machine_wdt_feed(machine_wdt_obj_t *self) {
    (void)self;
    watchdog_feed();
}
