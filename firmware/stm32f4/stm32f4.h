// Registers of STM32F405/F407 that the port uses, and nothing else.
// Source: ST RM0090 rev 19 (register maps), ST DS8626 rev 9 (memory map), ARMv7-M ARM DDI 0403E (system control space).
//
// Every access is 32 bits wide: the emulators turn narrower ones into read-modify-write of the whole register.
#ifndef PERILUNE_STM32F4_H
#define PERILUNE_STM32F4_H

#include <stdint.h>

typedef volatile uint32_t reg_t;

// Memory (DS8626 figure 18)
#define FLASH_BASE 0x08000000u
#define SRAM_BASE 0x20000000u
#define SRAM_SIZE 0x00020000u
#define CCM_BASE 0x10000000u
#define CCM_SIZE 0x00010000u
#define UID_BASE 0x1FFF7A10u // 96 bits, RM0090 39.1

// Reset and clock control (RM0090 7.3)
typedef struct {
    reg_t CR, PLLCFGR, CFGR, CIR;
    reg_t AHB1RSTR, AHB2RSTR, AHB3RSTR, reserved0;
    reg_t APB1RSTR, APB2RSTR, reserved1[2];
    reg_t AHB1ENR, AHB2ENR, AHB3ENR, reserved2;
    reg_t APB1ENR, APB2ENR, reserved3[2];
    reg_t AHB1LPENR, AHB2LPENR, AHB3LPENR, reserved4;
    reg_t APB1LPENR, APB2LPENR, reserved5[2];
    reg_t BDCR, CSR, reserved6[2];
    reg_t SSCGR, PLLI2SCFGR;
} rcc_regs_t;
#define RCC ((rcc_regs_t *)cpu_at(0x40023800u))
#define RCC_CR_HSIRDY (1u << 1)
#define RCC_CR_HSEON (1u << 16)
#define RCC_CR_HSERDY (1u << 17)
#define RCC_CR_HSEBYP (1u << 18)
#define RCC_CR_CSSON (1u << 19)
#define RCC_CR_PLLON (1u << 24)
#define RCC_CR_PLLRDY (1u << 25)
#define RCC_PLLCFGR_SRC_HSE (1u << 22)
#define RCC_CFGR_SW_HSI (0u << 0)
#define RCC_CFGR_SW_PLL (2u << 0)
#define RCC_CFGR_SW_MASK (3u << 0)
#define RCC_CFGR_SWS_MASK (3u << 2)
#define RCC_CFGR_SWS_PLL (2u << 2)
#define RCC_CFGR_PPRE1_DIV4 (5u << 10)
#define RCC_CFGR_PPRE2_DIV2 (4u << 13)
#define RCC_CIR_CSSC (1u << 23)
#define RCC_CSR_RMVF (1u << 24)
#define RCC_CSR_BORRSTF (1u << 25)
#define RCC_CSR_PORRSTF (1u << 27)
#define RCC_CSR_SFTRSTF (1u << 28)
#define RCC_CSR_IWDGRSTF (1u << 29)
#define RCC_CSR_WWDGRSTF (1u << 30)
#define RCC_AHB1ENR_GPIO(port) (1u << (port)) // port 0 = A .. 8 = I
#define RCC_APB1ENR_TIM2 (1u << 0)
#define RCC_APB1ENR_SPI2 (1u << 14)
#define RCC_APB1ENR_SPI3 (1u << 15)
#define RCC_APB1ENR_USART2 (1u << 17)
#define RCC_APB1ENR_USART3 (1u << 18)
#define RCC_APB1ENR_I2C(n) (1u << (20 + (n))) // n = 1..3
#define RCC_APB1ENR_PWR (1u << 28)
#define RCC_APB2ENR_USART1 (1u << 4)
#define RCC_APB2ENR_ADC1 (1u << 8)
#define RCC_APB2ENR_SPI1 (1u << 12)
#define RCC_APB2ENR_SYSCFG (1u << 14)

// Turn clocks on. Reading back lets them arrive before the first access to the peripheral, which would be lost otherwise
// (ES0182, "delay after an RCC peripheral clock enabling").
static inline void rcc_enable(reg_t *enable, uint32_t mask) {
    *enable |= mask;
    (void)*enable;
}

// Power control (RM0090 5.4)
typedef struct {
    reg_t CR, CSR;
} pwr_regs_t;
#define PWR ((pwr_regs_t *)cpu_at(0x40007000u))
#define PWR_CR_VOS (1u << 14) // scale 1: needed above 144 MHz

// Flash interface (RM0090 3.9)
typedef struct {
    reg_t ACR, KEYR, OPTKEYR, SR, CR, OPTCR;
} flash_regs_t;
#define FLASH ((flash_regs_t *)cpu_at(0x40023C00u))
#define FLASH_ACR_LATENCY_MASK 0x7u
#define FLASH_ACR_PRFTEN (1u << 8)
#define FLASH_ACR_ICEN (1u << 9)
#define FLASH_ACR_DCEN (1u << 10)
#define FLASH_ACR_DCRST (1u << 12)
#define FLASH_SR_BSY (1u << 16)
#define FLASH_SR_ERRORS 0xF2u // PGSERR PGPERR PGAERR WRPERR OPERR
#define FLASH_CR_PG (1u << 0)
#define FLASH_CR_SER (1u << 1)
#define FLASH_CR_SNB_POS 3
#define FLASH_CR_SNB_MASK (0xFu << FLASH_CR_SNB_POS)
#define FLASH_CR_PSIZE_MASK (3u << 8)
#define FLASH_CR_PSIZE_32 (2u << 8)
#define FLASH_CR_STRT (1u << 16)
#define FLASH_CR_LOCK (1u << 31)
#define FLASH_KEY1 0x45670123u
#define FLASH_KEY2 0xCDEF89ABu

// GPIO (RM0090 8.4)
typedef struct {
    reg_t MODER, OTYPER, OSPEEDR, PUPDR, IDR, ODR, BSRR, LCKR, AFR[2];
} gpio_regs_t;
#define GPIO(port) ((gpio_regs_t *)cpu_at(0x40020000u + 0x400u * (port))) // port 0 = A .. 8 = I

// USART (RM0090 30.6)
typedef struct {
    reg_t SR, DR, BRR, CR1, CR2, CR3, GTPR;
} usart_regs_t;
#define USART1 ((usart_regs_t *)cpu_at(0x40011000u))
#define USART2 ((usart_regs_t *)cpu_at(0x40004400u))
#define USART3 ((usart_regs_t *)cpu_at(0x40004800u))
#define USART_SR_PE (1u << 0)
#define USART_SR_FE (1u << 1)
#define USART_SR_NF (1u << 2)
#define USART_SR_ORE (1u << 3)
#define USART_SR_RXNE (1u << 5)
#define USART_SR_TC (1u << 6)
#define USART_SR_TXE (1u << 7)
#define USART_CR1_SBK (1u << 0)
#define USART_CR1_RE (1u << 2)
#define USART_CR1_TE (1u << 3)
#define USART_CR1_RXNEIE (1u << 5)
#define USART_CR1_TXEIE (1u << 7)
#define USART_CR1_PS (1u << 9)
#define USART_CR1_PCE (1u << 10)
#define USART_CR1_M (1u << 12)
#define USART_CR1_UE (1u << 13)
#define USART_CR2_STOP_2 (2u << 12)

// System configuration (RM0090 9.2): which port drives an EXTI line
typedef struct {
    reg_t MEMRMP, PMC, EXTICR[4];
} syscfg_regs_t;
#define SYSCFG ((syscfg_regs_t *)cpu_at(0x40013800u))

// External interrupts (RM0090 12.3)
typedef struct {
    reg_t IMR, EMR, RTSR, FTSR, SWIER, PR;
} exti_regs_t;
#define EXTI ((exti_regs_t *)cpu_at(0x40013C00u))
#define EXTI_LINES 16u // those of the pins

// General-purpose timer (RM0090 18.4)
typedef struct {
    reg_t CR1, CR2, SMCR, DIER, SR, EGR, CCMR1, CCMR2, CCER, CNT, PSC, ARR;
} tim_regs_t;
#define TIM2 ((tim_regs_t *)cpu_at(0x40000000u))
#define TIM_CR1_CEN (1u << 0)
#define TIM_EGR_UG (1u << 0)

// ADC1 and the registers common to all ADCs (RM0090 13.13)
typedef struct {
    reg_t SR, CR1, CR2, SMPR1, SMPR2, JOFR[4], HTR, LTR, SQR1, SQR2, SQR3, JSQR, JDR[4], DR;
} adc_regs_t;
#define ADC1 ((adc_regs_t *)cpu_at(0x40012000u))
#define ADC_SR_EOC (1u << 1)
#define ADC_CR2_ADON (1u << 0)
#define ADC_CR2_SWSTART (1u << 30)
#define ADC_CCR (*(reg_t *)cpu_at(0x40012304u))
#define ADC_CCR_PRESCALE_4 (1u << 16)
#define ADC_CCR_VBATE (1u << 22)
#define ADC_CCR_TSVREFE (1u << 23)

// I2C (RM0090 27.6)
typedef struct {
    reg_t CR1, CR2, OAR1, OAR2, DR, SR1, SR2, CCR, TRISE, FLTR;
} i2c_regs_t;
#define I2C(n) ((i2c_regs_t *)cpu_at(0x40005400u + 0x400u * ((n) - 1))) // n = 1..3

#define I2C_CR1_PE (1u << 0)
#define I2C_CR1_START (1u << 8)
#define I2C_CR1_STOP (1u << 9)
#define I2C_CR1_ACK (1u << 10)
#define I2C_CR1_POS (1u << 11)
#define I2C_CR1_SWRST (1u << 15)
#define I2C_SR1_SB (1u << 0)
#define I2C_SR1_ADDR (1u << 1)
#define I2C_SR1_BTF (1u << 2)
#define I2C_SR1_RXNE (1u << 6)
#define I2C_SR1_BERR (1u << 8)
#define I2C_SR1_ARLO (1u << 9)
#define I2C_SR1_AF (1u << 10)
#define I2C_SR2_BUSY (1u << 1)
#define I2C_CCR_FAST (1u << 15)

// SPI (RM0090 28.5)
typedef struct {
    reg_t CR1, CR2, SR, DR, CRCPR, RXCRCR, TXCRCR, I2SCFGR, I2SPR;
} spi_regs_t;
#define SPI1 ((spi_regs_t *)cpu_at(0x40013000u))
#define SPI2 ((spi_regs_t *)cpu_at(0x40003800u))
#define SPI3 ((spi_regs_t *)cpu_at(0x40003C00u))

#define SPI_CR1_CPHA (1u << 0)
#define SPI_CR1_CPOL (1u << 1)
#define SPI_CR1_MSTR (1u << 2)
#define SPI_CR1_BR_POS 3
#define SPI_CR1_SPE (1u << 6)
#define SPI_CR1_LSBFIRST (1u << 7)
#define SPI_CR1_SSI (1u << 8)
#define SPI_CR1_SSM (1u << 9)
#define SPI_SR_RXNE (1u << 0)
#define SPI_SR_TXE (1u << 1)
#define SPI_SR_BSY (1u << 7)

// Independent watchdog (RM0090 21.4)
typedef struct {
    reg_t KR, PR, RLR, SR;
} iwdg_regs_t;
#define IWDG ((iwdg_regs_t *)cpu_at(0x40003000u))
#define IWDG_KEY_RELOAD 0xAAAAu
#define IWDG_KEY_UNLOCK 0x5555u
#define IWDG_KEY_START 0xCCCCu

#define DBGMCU_IDCODE (*(reg_t *)cpu_at(0xE0042000u)) // RM0090 38.6.1; device 0x413 is STM32F405/407/415/417
#define DBGMCU_DEVICE_MASK 0xFFFu
#define DBGMCU_DEVICE_F40X 0x413u
#define DBGMCU_F40X_REVISION_A 0x10000411u // ES0182: revision A names a wrong device

// Cortex-M4 system control space (DDI 0403E B3.2)
#define SCB_VTOR (*(reg_t *)cpu_at(0xE000ED08u))
#define SCB_AIRCR (*(reg_t *)cpu_at(0xE000ED0Cu))
#define SCB_AIRCR_SYSRESETREQ 0x05FA0004u
#define SCB_CCR (*(reg_t *)cpu_at(0xE000ED14u))
#define SCB_CCR_DIV_0_TRP (1u << 4)
#define SCB_SHPR3 (*(reg_t *)cpu_at(0xE000ED20u))
#define SCB_SHCSR (*(reg_t *)cpu_at(0xE000ED24u))
#define SCB_SHCSR_FAULTS (7u << 16) // MemManage, BusFault, UsageFault
#define SCB_CFSR (*(reg_t *)cpu_at(0xE000ED28u))
#define SCB_HFSR (*(reg_t *)cpu_at(0xE000ED2Cu))
#define SCB_MMFAR (*(reg_t *)cpu_at(0xE000ED34u))
#define SCB_BFAR (*(reg_t *)cpu_at(0xE000ED38u))
#define MPU_CTRL (*(reg_t *)cpu_at(0xE000ED94u))
#define MPU_RNR (*(reg_t *)cpu_at(0xE000ED98u))
#define MPU_RBAR (*(reg_t *)cpu_at(0xE000ED9Cu))
#define MPU_RASR (*(reg_t *)cpu_at(0xE000EDA0u))
#define SYST_CSR (*(reg_t *)cpu_at(0xE000E010u))
#define SYST_RVR (*(reg_t *)cpu_at(0xE000E014u))
#define SYST_CVR (*(reg_t *)cpu_at(0xE000E018u))
#define NVIC_ISER(n) (*(reg_t *)cpu_at(0xE000E100u + 4u * (n)))
#define NVIC_ICER(n) (*(reg_t *)cpu_at(0xE000E180u + 4u * (n)))
#define NVIC_IPR(n) (*(reg_t *)cpu_at(0xE000E400u + 4u * (n)))
#define DEMCR (*(reg_t *)cpu_at(0xE000EDFCu))
#define DEMCR_TRCENA (1u << 24)
#define DWT_CTRL (*(reg_t *)cpu_at(0xE0001000u))
#define DWT_CYCCNT (*(reg_t *)cpu_at(0xE0001004u))

// Interrupt numbers (RM0090 table 62)
#define IRQ_EXTI0 6 // .. IRQ_EXTI0 + 4 for lines 0..4
#define IRQ_EXTI9_5 23
#define IRQ_EXTI15_10 40
#define IRQ_USART1 37
#define IRQ_USART2 38
#define IRQ_USART3 39
#define IRQ_COUNT 82

// Priorities: SysTick alone at 0, so that neither an interrupt handler nor an atomic section that hangs can hide from
// the watchdog's early warning. Atomic sections raise BASEPRI to PRIORITY_IRQ. Pin interrupts, which may run Python, stand
// below the UARTs, which lose a byte after 11 us.
#define PRIORITY_SYSTICK 0x00u
#define PRIORITY_IRQ 0x40u
#define PRIORITY_PIN_IRQ 0x80u

#include "cpu.h"

static inline void nvic_enable(uint32_t irq, uint32_t priority) {
    reg_t *four = &NVIC_IPR(irq >> 2);
    *four = (*four & ~(0xFFu << 8 * (irq & 3))) | priority << 8 * (irq & 3);
    NVIC_ISER(irq >> 5) = 1u << (irq & 31);
}

#endif
