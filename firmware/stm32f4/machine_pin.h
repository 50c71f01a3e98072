// machine.Pin for the other drivers, and the pin part of mphal.h for those of MicroPython (SoftI2C, SoftSPI, Signal).
#ifndef PERILUNE_MACHINE_PIN_H
#define PERILUNE_MACHINE_PIN_H

#include "py/obj.h"
#include "pin.h"

// Number of the pin that a Pin, a name or a number means. ValueError when the part has no such pin.
uint32_t machine_pin_number(mp_obj_t id);

// A driver's pin argument where the board decides: None or that pin, else ValueError.
void machine_pin_check_fixed(const char *name, mp_obj_t pin, uint32_t board_pin);

// The Pin with this number, for error texts and print.
mp_obj_t machine_pin_object(uint32_t pin);

// Forget all handlers and mask their lines: at start, and before the heap that they live in is made anew.
void machine_pin_init0(void);

#endif
