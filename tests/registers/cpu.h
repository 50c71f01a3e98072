// In place of firmware/stm32f4/cpu.h: a workstation masks no interrupts, but the models want to know; and its addresses are
// taken by whatever runs there, so registers and storage lie in memory of their own (registers.c).
#ifndef PERILUNE_CPU_H
#define PERILUNE_CPU_H

#include <stdint.h>

#define PERIPHERALS_AT 0x40000000u
#define SYSTEM_AT 0xE000E000u
#define STORAGE_AT 0x080C0000u
#define PERIPHERALS_SIZE 0x80000u
#define SYSTEM_SIZE 0x1000u
#define STORAGE_SIZE 0x40000u

// Aligned, for the sanitizer has no function for a word at an odd place.
#define IN_WORDS __attribute__((aligned(8)))
extern IN_WORDS uint8_t registers_peripherals[PERIPHERALS_SIZE];
extern IN_WORDS uint8_t registers_system[SYSTEM_SIZE];
extern IN_WORDS uint8_t registers_storage[STORAGE_SIZE];

#define cpu_at(address) ((address) >= SYSTEM_AT ? &registers_system[(address) - SYSTEM_AT] \
    : (address) >= PERIPHERALS_AT ? &registers_peripherals[(address) - PERIPHERALS_AT] \
    : &registers_storage[(address) - STORAGE_AT])

uint32_t registers_mask(void);
void registers_unmask(uint32_t state);

#define cpu_compiler_barrier() ((void)0)
#define cpu_dsb() ((void)0)
#define cpu_mask_all() registers_mask()
#define cpu_unmask_all(state) registers_unmask(state)
#define cpu_mask_irqs() registers_mask()
#define cpu_mask_from(priority) ((void)(priority), 0u) // interrupts that are masked here do not matter to the models
#define cpu_unmask_irqs(state) registers_unmask(state)

#endif
