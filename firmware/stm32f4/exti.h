// Interrupts on pin edges (RM0090 12). One line for each pin number, shared by the ports.
#ifndef PERILUNE_EXTI_H
#define PERILUNE_EXTI_H

#include <stdbool.h>
#include <stdint.h>

// Take the line of `pin` and interrupt on these edges. An edge that came before is forgotten.
void exti_enable(uint32_t pin, bool rising, bool falling);
void exti_disable(uint32_t line);

// Supplied by machine_pin.c, called from the interrupt.
void exti_fired(uint32_t line);

#endif
