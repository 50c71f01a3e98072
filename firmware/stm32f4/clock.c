// RM0090 7.2 (clock tree), 3.5.1 (wait states), 5.1.3 (voltage scaling).
//
// One ELF runs on silicon, in Renode, whose RCC answers at once, and in QEMU, which models no RCC: there HSIRDY reads 0,
// which no real part ever shows after reset.
#include "clock.h"
#include "board.h"
#include "stm32f4.h"

#define HSI_HZ 16000000u
#define SYSCLK_HZ 168000000u
#define PLL_INPUT_HZ 1000000u // RM0090 7.3.2 asks for 1..2 MHz
#define PLL_N 336u            // VCO 336 MHz
#define PLL_P_DIV2 (0u << 16) // SYSCLK 168 MHz
#define PLL_Q 7u              // 48 MHz
#define FLASH_WAIT_STATES 5u  // 150..168 MHz at 2.7..3.6 V, RM0090 table 10

// HSE needs up to 2 ms (DS8626 table 31), the PLL 0.3 ms (table 36); at 16 MHz a turn of the loop takes at least
// four cycles, so this bound is above 10 ms.
#define READY_TURNS 50000u

clock_rates_t clock_rates = { SYSCLK_HZ, SYSCLK_HZ / 4, SYSCLK_HZ / 2 };
static uint32_t status;
static uint32_t seal; // of both, from the end of clock_init on

static uint32_t seal_now(void) {
    return ~(status ^ clock_rates.hclk_hz ^ clock_rates.pclk1_hz << 1 ^ clock_rates.pclk2_hz << 2);
}

static bool wait_set(reg_t *reg, uint32_t mask, uint32_t value) {
    for (uint32_t i = 0; i < READY_TURNS; i++) {
        if ((*reg & mask) == value) {
            return true;
        }
    }
    return false;
}

static bool start_hse(void) {
    #if BOARD_HSE_BYPASS
    RCC->CR |= RCC_CR_HSEBYP;
    #endif
    RCC->CR |= RCC_CR_HSEON;
    return wait_set(&RCC->CR, RCC_CR_HSERDY, RCC_CR_HSERDY);
}

// Lock the PLL on `source_hz` and run from it.
static bool start_pll(uint32_t source_hz, uint32_t source_bit) {
    RCC->CR &= ~RCC_CR_PLLON;
    wait_set(&RCC->CR, RCC_CR_PLLRDY, 0);
    RCC->PLLCFGR = (source_hz / PLL_INPUT_HZ) | (PLL_N << 6) | PLL_P_DIV2 | source_bit | (PLL_Q << 24);
    RCC->CR |= RCC_CR_PLLON;
    if (!wait_set(&RCC->CR, RCC_CR_PLLRDY, RCC_CR_PLLRDY)) {
        return false;
    }
    RCC->CFGR = RCC_CFGR_PPRE1_DIV4 | RCC_CFGR_PPRE2_DIV2 | RCC_CFGR_SW_HSI;
    RCC->CFGR |= RCC_CFGR_SW_PLL;
    return wait_set(&RCC->CFGR, RCC_CFGR_SWS_MASK, RCC_CFGR_SWS_PLL);
}

bool clock_is_intact(void) {
    return seal == seal_now();
}

static void start_clocks(void) {
    status = 0;
    if (!(RCC->CR & RCC_CR_HSIRDY)) {
        status = BOOT_QEMU;
        return;
    }
    bool revision_a = DBGMCU_IDCODE == DBGMCU_F40X_REVISION_A;
    if ((DBGMCU_IDCODE & DBGMCU_DEVICE_MASK) != DBGMCU_DEVICE_F40X && !revision_a) {
        status |= BOOT_RENODE;
    }
    rcc_enable(&RCC->APB1ENR, RCC_APB1ENR_PWR);
    PWR->CR |= PWR_CR_VOS;
    // Revision A, on early STM32F4DISCOVERY boards, must not prefetch (ES0182).
    FLASH->ACR = (revision_a ? 0 : FLASH_ACR_PRFTEN) | FLASH_ACR_ICEN | FLASH_ACR_DCEN | FLASH_WAIT_STATES;
    wait_set(&FLASH->ACR, FLASH_ACR_LATENCY_MASK, FLASH_WAIT_STATES);

    bool running = false;
    if (start_hse()) {
        running = start_pll(BOARD_HSE_HZ, RCC_PLLCFGR_SRC_HSE);
    }
    if (running) {
        RCC->CR |= RCC_CR_CSSON; // a crystal that dies later raises NMI: see fault.c
    } else {
        status |= BOOT_HSE_FAILED;
        RCC->CR &= ~RCC_CR_HSEON;
        RCC->CFGR &= ~RCC_CFGR_SW_MASK;
        running = start_pll(HSI_HZ, 0);
    }
    if (!running) {
        status |= BOOT_PLL_FAILED;
        RCC->CFGR = RCC_CFGR_SW_HSI; // no prescalers
        clock_rates = (clock_rates_t) { HSI_HZ, HSI_HZ, HSI_HZ };
    }
}

uint32_t clock_init(void) {
    start_clocks();
    seal = seal_now();
    return status;
}

bool clock_is_qemu(void) {
    return status & BOOT_QEMU;
}

bool clock_is_emulated(void) {
    return status & (BOOT_QEMU | BOOT_RENODE);
}
