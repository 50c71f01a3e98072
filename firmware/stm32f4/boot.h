// What start-up found out.
#ifndef PERILUNE_BOOT_H
#define PERILUNE_BOOT_H

#include <stdint.h>

uint32_t boot_status(void); // BOOT_* bits of clock.h

// Microseconds from the start of the time base, shortly after reset, to the first line of Python.
uint32_t boot_duration_us(void);

#endif
