// What happens every millisecond: the only place that knows who wants to.
#include "timebase.h"
#include "uart.h"
#include "watchdog.h"

void systick_handler(const uint32_t *frame);

// Called by the SysTick vector with the interrupted context's stack frame (startup.c).
void systick_handler(const uint32_t *frame) {
    uint64_t now_us = timebase_us(); // also keeps count of TIM2's wraps
    uart_tick((uint32_t)now_us);
    watchdog_tick(now_us, frame);
}
