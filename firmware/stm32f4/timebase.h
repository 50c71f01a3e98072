// Time: TIM2 counts microseconds, SysTick wakes the processor every millisecond.
#ifndef PERILUNE_TIMEBASE_H
#define PERILUNE_TIMEBASE_H

#include <stdbool.h>
#include <stdint.h>

void timebase_init(void);

// Microseconds since this boot: 64 bits, monotonic, never wraps in practice (584 000 years). Safe from interrupts.
uint64_t timebase_us(void);

// What the wraps are counted with is undamaged.
bool timebase_is_intact(void);

// Low 32 bits of the same, for differences below 71 minutes. Cheaper.
uint32_t timebase_us32(void);

// Free-running processor cycles where DWT counts them, microseconds elsewhere.
uint32_t timebase_cycles(void);

// Sleep (WFI) until the next interrupt, at most about 1 ms.
void timebase_wait_for_interrupt(void);

#endif
