// Pins by number: port * 16 + bit, so PA0 is 0 and PD12 is 60 (RM0090 8). No Python here: machine_pin.c binds it.
#ifndef PERILUNE_PIN_H
#define PERILUNE_PIN_H

#include <stdbool.h>
#include <stdint.h>

#include "stm32f4.h"

#define PIN_COUNT (9 * 16) // ports A to I
#define PIN_PORT(pin) ((pin) >> 4)
#define PIN_BIT(pin) ((pin) & 15u)

// Values of MODER and PUPDR.
typedef enum { PIN_INPUT, PIN_OUTPUT, PIN_ALTERNATE, PIN_ANALOG } pin_mode_t;
typedef enum { PIN_PULL_NONE, PIN_PULL_UP, PIN_PULL_DOWN } pin_pull_t;
typedef enum { PIN_PUSH_PULL, PIN_OPEN_DRAIN } pin_drive_t;

typedef struct {
    pin_mode_t mode;
    pin_drive_t drive;
    pin_pull_t pull;
    uint32_t alternate; // 0..15 (DS8626 table 9); for PIN_ALTERNATE only
} pin_config_t;

// Does the part have this pin? Any number may be asked for.
bool pin_exists(uint32_t pin);

void pin_configure(uint32_t pin, const pin_config_t *config);
void pin_get_config(uint32_t pin, pin_config_t *config);

static inline uint32_t pin_read(uint32_t pin) {
    return GPIO(PIN_PORT(pin))->IDR >> PIN_BIT(pin) & 1u;
}

// One store changes one pin and no other, whatever interrupts.
static inline void pin_write(uint32_t pin, bool high) {
    GPIO(PIN_PORT(pin))->BSRR = 1u << (PIN_BIT(pin) + (high ? 0 : 16));
}

static inline bool pin_driven_high(uint32_t pin) {
    return GPIO(PIN_PORT(pin))->ODR >> PIN_BIT(pin) & 1u;
}

#endif
