// RM0090 8.3. The mode comes last, so that the pin drives nothing before all the rest is right.
#include "pin.h"
#include "board.h"

#define SPEED_HIGH 2u // 50 MHz at 40 pF (DS8626 table 50)

static const uint16_t pins_of_port[PIN_COUNT / 16] = BOARD_PORT_PINS;

bool pin_exists(uint32_t pin) {
    return pin < PIN_COUNT && (pins_of_port[PIN_PORT(pin)] >> PIN_BIT(pin) & 1u);
}

static void set_field(reg_t *reg, uint32_t index, uint32_t width, uint32_t value) {
    uint32_t mask = (1u << width) - 1u;
    *reg = (*reg & ~(mask << width * index)) | value << width * index;
}

void pin_configure(uint32_t pin, const pin_config_t *config) {
    gpio_regs_t *port = GPIO(PIN_PORT(pin));
    uint32_t n = PIN_BIT(pin);
    uint32_t state = cpu_mask_irqs();
    rcc_enable(&RCC->AHB1ENR, RCC_AHB1ENR_GPIO(PIN_PORT(pin)));
    set_field(&port->OTYPER, n, 1, config->drive);
    set_field(&port->OSPEEDR, n, 2, SPEED_HIGH);
    set_field(&port->PUPDR, n, 2, config->pull);
    if (config->mode == PIN_ALTERNATE) {
        set_field(&port->AFR[n >> 3], n & 7, 4, config->alternate);
    }
    set_field(&port->MODER, n, 2, config->mode);
    cpu_unmask_irqs(state);
}

static uint32_t get_field(const reg_t *reg, uint32_t index, uint32_t width) {
    return *reg >> width * index & ((1u << width) - 1u);
}

void pin_get_config(uint32_t pin, pin_config_t *config) {
    rcc_enable(&RCC->AHB1ENR, RCC_AHB1ENR_GPIO(PIN_PORT(pin))); // without its clock a port reads zero
    const gpio_regs_t *port = GPIO(PIN_PORT(pin));
    uint32_t n = PIN_BIT(pin);
    config->mode = (pin_mode_t)get_field(&port->MODER, n, 2);
    config->drive = (pin_drive_t)get_field(&port->OTYPER, n, 1);
    config->pull = (pin_pull_t)get_field(&port->PUPDR, n, 2);
    config->alternate = get_field(&port->AFR[n >> 3], n & 7, 4);
}
