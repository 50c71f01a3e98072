// System clock: 168 MHz from the board's HSE through the PLL, or the best that answers.
#ifndef PERILUNE_CLOCK_H
#define PERILUNE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

// Bits of boot_status(): how this boot differs from a healthy one on silicon.
#define BOOT_HSE_FAILED (1u << 0)  // HSE did not start or stopped: the PLL runs from HSI, +-1 %
#define BOOT_PLL_FAILED (1u << 1)  // PLL did not lock: 16 MHz HSI
#define BOOT_QEMU (1u << 2)        // RCC is not modelled: the clock is taken as 168 MHz
#define BOOT_RENODE (1u << 3)      // RCC answers, but the device id is not an STM32F40x
#define BOOT_NO_CCM (1u << 4)      // no core-coupled memory: the heap is SRAM only
#define BOOT_NO_STORAGE (1u << 5)  // no flash to program and no host file
#define BOOT_CRASHED (1u << 6)     // the run before ended in a crash record
#define BOOT_WATCHDOG (1u << 7)    // the run before ended by the watchdog

typedef struct {
    uint32_t hclk_hz, pclk1_hz, pclk2_hz;
} clock_rates_t;
extern clock_rates_t clock_rates;

// Set up flash wait states and the clock tree. Called once, first. Returns BOOT_* bits. Every wait is bounded.
uint32_t clock_init(void);
bool clock_is_qemu(void);     // valid after clock_init
bool clock_is_emulated(void); // QEMU or Renode
bool clock_is_intact(void);   // none of this has changed since

#endif
