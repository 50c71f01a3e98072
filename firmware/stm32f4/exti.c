// RM0090 12.2.5, 9.2.3.
#include "exti.h"
#include "pin.h"
#include "stm32f4.h"

static uint32_t irq_of_line(uint32_t line) {
    return line < 5 ? IRQ_EXTI0 + line : line < 10 ? IRQ_EXTI9_5 : IRQ_EXTI15_10;
}

void exti_disable(uint32_t line) {
    uint32_t bit = 1u << line;
    uint32_t state = cpu_mask_irqs();
    EXTI->IMR &= ~bit;
    EXTI->RTSR &= ~bit;
    EXTI->FTSR &= ~bit;
    EXTI->PR = bit; // write one to clear
    cpu_unmask_irqs(state);
}

void exti_enable(uint32_t pin, bool rising, bool falling) {
    uint32_t line = PIN_BIT(pin);
    uint32_t bit = 1u << line;
    exti_disable(line);
    uint32_t state = cpu_mask_irqs();
    rcc_enable(&RCC->APB2ENR, RCC_APB2ENR_SYSCFG);
    reg_t *source = &SYSCFG->EXTICR[line >> 2];
    uint32_t shift = 4 * (line & 3);
    *source = (*source & ~(15u << shift)) | PIN_PORT(pin) << shift;
    EXTI->RTSR |= rising ? bit : 0;
    EXTI->FTSR |= falling ? bit : 0;
    EXTI->PR = bit; // the change of port may have been an edge
    EXTI->IMR |= bit;
    cpu_unmask_irqs(state);
    nvic_enable(irq_of_line(line), PRIORITY_PIN_IRQ);
}

static void serve(uint32_t first, uint32_t last) {
    uint32_t pending = EXTI->PR & EXTI->IMR;
    for (uint32_t line = first; line <= last; line++) {
        if (pending & 1u << line) {
            EXTI->PR = 1u << line;
            exti_fired(line);
        }
    }
    cpu_dsb(); // the flag is down before the interrupt is left, which would be taken again otherwise
}

void exti0_irq_handler(void) {
    serve(0, 0);
}
void exti1_irq_handler(void) {
    serve(1, 1);
}
void exti2_irq_handler(void) {
    serve(2, 2);
}
void exti3_irq_handler(void) {
    serve(3, 3);
}
void exti4_irq_handler(void) {
    serve(4, 4);
}
void exti9_5_irq_handler(void) {
    serve(5, 9);
}
void exti15_10_irq_handler(void) {
    serve(10, 15);
}
