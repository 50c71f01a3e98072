// TIM2 (RM0090 18) as a free-running 32-bit counter at 1 MHz, extended to 64 bits in software.
//
// The counter wraps every 71 minutes; SysTick reads it every millisecond, so no wrap is missed. SysTick itself is never
// counted: an emulator under load merges ticks, and TIM2 does not slip.
#include "timebase.h"
#include "clock.h"
#include "stm32f4.h"

#define TICK_HZ 1000u
#define QEMU_TIM2_HZ 1000000000u // its model takes the timer clock as 1 GHz

static uint32_t last_count;
static uint32_t wraps;
static uint32_t seal; // of both

static uint32_t seal_now(void) {
    return ~(last_count ^ wraps << 16 ^ wraps >> 16);
}

void timebase_init(void) {
    rcc_enable(&RCC->APB1ENR, RCC_APB1ENR_TIM2);
    // Timers on APB1 run at twice PCLK1 when its prescaler is not 1 (RM0090 7.2).
    uint32_t timer_hz = clock_rates.pclk1_hz == clock_rates.hclk_hz ? clock_rates.pclk1_hz : 2 * clock_rates.pclk1_hz;
    if (clock_is_qemu()) {
        timer_hz = QEMU_TIM2_HZ;
    }
    TIM2->PSC = timer_hz / 1000000u - 1;
    TIM2->ARR = 0xFFFFFFFFu;
    TIM2->EGR = TIM_EGR_UG;
    TIM2->CR1 = TIM_CR1_CEN;
    last_count = TIM2->CNT;
    wraps = 0;
    seal = seal_now();

    DEMCR |= DEMCR_TRCENA;
    DWT_CYCCNT = 0;
    DWT_CTRL |= 1;

    SCB_SHPR3 = PRIORITY_SYSTICK << 24 | (uint32_t)PRIORITY_IRQ << 16;
    SYST_RVR = clock_rates.hclk_hz / TICK_HZ - 1;
    SYST_CVR = 0;
    SYST_CSR = 7; // processor clock, interrupt, enable
}

bool timebase_is_intact(void) {
    return seal == seal_now();
}

// The seal is made from what it was, so that one which is broken stays broken until SysTick sees it.
uint64_t timebase_us(void) {
    uint32_t state = cpu_mask_all();
    uint32_t now = TIM2->CNT;
    uint32_t before = seal_now();
    if (now < last_count) {
        wraps++;
    }
    last_count = now;
    seal ^= before ^ seal_now();
    uint64_t us = (uint64_t)wraps << 32 | now;
    cpu_unmask_all(state);
    return us;
}

uint32_t timebase_us32(void) {
    return TIM2->CNT;
}

uint32_t timebase_cycles(void) {
    return DWT_CTRL & 1 && !clock_is_qemu() ? DWT_CYCCNT : TIM2->CNT;
}

void timebase_wait_for_interrupt(void) {
    cpu_wfi();
}
