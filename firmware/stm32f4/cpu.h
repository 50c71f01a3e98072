// The processor's own: addresses, and the instructions for barriers, sleep and interrupt masks. Apart from stm32f4.h so that
// drivers can be compiled for a workstation against a model of the registers.
#ifndef PERILUNE_CPU_H
#define PERILUNE_CPU_H

#include <stdint.h>

// Where the bus's address is reached. A workstation's registers and flash lie where its memory has room.
#define cpu_at(address) (address)

// The compiler keeps accesses on their side of this; the processor keeps them in order anyway.
static inline void cpu_compiler_barrier(void) {
    __asm volatile ("" ::: "memory");
}
static inline void cpu_dsb(void) {
    __asm volatile ("dsb" ::: "memory");
}
static inline void cpu_isb(void) {
    __asm volatile ("isb" ::: "memory");
}
static inline void cpu_wfi(void) {
    __asm volatile ("dsb\n wfi" ::: "memory");
}

// Mask every interrupt, SysTick too; for a few instructions only.
static inline uint32_t cpu_mask_all(void) {
    uint32_t state;
    __asm volatile ("mrs %0, primask\n cpsid i" : "=r" (state) :: "memory");
    return state;
}
static inline void cpu_unmask_all(uint32_t state) {
    __asm volatile ("msr primask, %0" :: "r" (state) : "memory");
}

// Mask the interrupts of this priority and those below it.
static inline uint32_t cpu_mask_from(uint32_t priority) {
    uint32_t state;
    __asm volatile ("mrs %0, basepri" : "=r" (state));
    __asm volatile ("msr basepri_max, %0" :: "r" (priority) : "memory");
    return state;
}
// The device interrupts; time and the watchdog's early warning go on.
static inline uint32_t cpu_mask_irqs(void) {
    return cpu_mask_from(PRIORITY_IRQ);
}
static inline void cpu_unmask_irqs(uint32_t state) {
    __asm volatile ("msr basepri, %0" :: "r" (state) : "memory");
}

#endif
