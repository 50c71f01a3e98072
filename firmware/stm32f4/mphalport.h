#include <stddef.h>
#include "shared/runtime/interrupt_char.h"
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

