// What happens every millisecond: the only place that knows who wants to.
//
// It also looks whether the port's own memory is as it was left: a bit that turns over there could make the board deaf, dumb
// or timeless for good, with a watchdog that is fed. Whatever is wrong, a reset makes it right.
#include "clock.h"
#include "fault.h"
#include "storage.h"
#include "timebase.h"
#include "uart.h"
#include "watchdog.h"

extern uint32_t _stack_bottom[], _stack_top[];

void systick_handler(const uint32_t *frame);

// Called by the SysTick vector with the interrupted context's stack frame (startup.c).
void systick_handler(const uint32_t *frame) {
    // A stack pointer that is not in the stack: this handler is writing over something else.
    bool intact = frame >= _stack_bottom && frame < _stack_top;
    intact = intact && clock_is_intact() && timebase_is_intact() && uart_is_intact() && storage_is_intact();
    if (!intact) {
        fault_record_and_reset(CRASH_MEMORY, frame);
    }
    uint32_t now_us = (uint32_t)timebase_us(); // also keeps count of TIM2's wraps
    uart_tick(now_us);
    watchdog_tick(now_us, frame);
}
