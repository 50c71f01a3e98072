#include <stddef.h>
#include "shared/runtime/interrupt_char.h"
#include "pin.h"
#include "stm32f4.h"
#include "timebase.h"

// Device interrupts off; SysTick, and with it time and the watchdog, goes on.
#define MICROPY_BEGIN_ATOMIC_SECTION() cpu_mask_irqs()
#define MICROPY_END_ATOMIC_SECTION(state) cpu_unmask_irqs(state)
#define mp_hal_quiet_timing_enter() MICROPY_BEGIN_ATOMIC_SECTION()
#define mp_hal_quiet_timing_exit(state) MICROPY_END_ATOMIC_SECTION(state)

static inline mp_uint_t mp_hal_ticks_us(void) {
    return timebase_us32();
}
static inline mp_uint_t mp_hal_ticks_cpu(void) {
    return timebase_cycles();
}

// Pins, for the drivers that MicroPython brings along. A pin is its number.
#define mp_hal_pin_obj_t uint32_t
#define MP_HAL_PIN_FMT "P%c%u"
#define mp_hal_pin_name(pin) (int)('A' + PIN_PORT(pin)), (unsigned)PIN_BIT(pin)
#define mp_hal_get_pin_obj(id) machine_pin_number(id)
#define mp_hal_pin_read(pin) ((int)pin_read(pin))
#define mp_hal_pin_write(pin, value) pin_write(pin, value)
#define mp_hal_pin_od_low(pin) pin_write(pin, false)
#define mp_hal_pin_od_high(pin) pin_write(pin, true)
#define mp_hal_delay_us_fast(us) mp_hal_delay_us(us)
uint32_t machine_pin_number(void *id); // machine_pin.c
void mp_hal_pin_input(uint32_t pin);
void mp_hal_pin_output(uint32_t pin);
void mp_hal_pin_open_drain(uint32_t pin);
