// Watchdog: IWDG where the part has one, and a deadline in SysTick that speaks a little earlier and leaves an address.
#ifndef PERILUNE_WATCHDOG_H
#define PERILUNE_WATCHDOG_H

#include <stdbool.h>
#include <stdint.h>

#define WATCHDOG_MIN_MS 10u
#define WATCHDOG_MAX_MS 22000u // IWDG: 4095 ticks of LSI/256 with the fastest LSI (47 kHz), less the margin

// Start with a timeout of WATCHDOG_MIN_MS..WATCHDOG_MAX_MS; it cannot be stopped again, only given a new timeout.
void watchdog_start(uint32_t timeout_ms);
void watchdog_feed(void);
bool watchdog_running(void);

// Move the deadline by a time in which the program could not have fed.
void watchdog_excuse(uint32_t us);

// From SysTick: write the crash record and reset when the time is up, or when what is kept of it is damaged. now_us: TIM2's
// count; `frame` is the interrupted context.
void watchdog_tick(uint32_t now_us, const uint32_t *frame);

#endif
