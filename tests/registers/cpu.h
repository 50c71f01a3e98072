// In place of firmware/stm32f4/cpu.h: a workstation masks no interrupts, but the models want to know.
#ifndef PERILUNE_CPU_H
#define PERILUNE_CPU_H

#include <stdint.h>

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
