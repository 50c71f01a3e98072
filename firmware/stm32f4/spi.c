// RM0090 28.3.3 (master), 28.3.8 (disabling). One byte at a time: nothing can overrun, whatever interrupts.
#include "spi.h"
#include "clock.h"
#include "pin.h"
#include "stm32f4.h"
#include "timebase.h"

#define PRESCALER_MAX 256u
#define FUNCTION_1_2 5u // AF5: SPI1, SPI2; AF6: SPI3 (DS8626 table 9)
#define FUNCTION_3 6u
#define BYTE_LIMIT_US 2000u // the slowest byte takes 49 us: 42 MHz / 256

static spi_config_t configs[SPI_COUNT];

static spi_regs_t *registers(int id) {
    return id == 1 ? SPI1 : id == 2 ? SPI2 : SPI3;
}

static uint32_t clock_hz(int id) {
    return id == 1 ? clock_rates.pclk2_hz : clock_rates.pclk1_hz;
}

uint32_t spi_baud_min(int id) {
    return clock_hz(id) / PRESCALER_MAX;
}

// BR: the clock is divided by 2 << BR.
static uint32_t prescaler(int id) {
    uint32_t br = 0;
    while (br < 7 && clock_hz(id) >> (br + 1) > configs[id - 1].baud) {
        br++;
    }
    return br;
}

uint32_t spi_actual_baud(int id) {
    return clock_hz(id) >> (prescaler(id) + 1);
}

static void connect_pins(int id, const spi_config_t *config) {
    uint32_t function = id == 3 ? FUNCTION_3 : FUNCTION_1_2;
    const pin_config_t line = { .mode = PIN_ALTERNATE, .alternate = function };
    pin_configure(config->sck, &line);
    pin_configure(config->mosi, &line);
    pin_configure(config->miso, &(pin_config_t) { .mode = PIN_ALTERNATE, .alternate = function, .pull = PIN_PULL_UP });
}

static bool wait_for(int id, uint32_t flag, uint32_t value) {
    for (uint32_t start = timebase_us32();;) {
        bool late = timebase_us32() - start > BYTE_LIMIT_US;
        if ((registers(id)->SR & flag) == value) {
            return true;
        }
        if (late) {
            return false;
        }
    }
}

void spi_close(int id) {
    if (registers(id)->CR1 & SPI_CR1_SPE) {
        wait_for(id, SPI_SR_BSY, 0);
    }
    registers(id)->CR1 = 0;
}

void spi_open(int id, const spi_config_t *config) {
    configs[id - 1] = *config;
    if (id == 1) {
        rcc_enable(&RCC->APB2ENR, RCC_APB2ENR_SPI1);
    } else {
        rcc_enable(&RCC->APB1ENR, id == 2 ? RCC_APB1ENR_SPI2 : RCC_APB1ENR_SPI3);
    }
    spi_close(id);
    registers(id)->CR2 = 0;
    // Software slave select, held high: the controller stays master.
    uint32_t cr1 = SPI_CR1_MSTR | SPI_CR1_SSM | SPI_CR1_SSI | prescaler(id) << SPI_CR1_BR_POS;
    cr1 |= (config->idle_high ? SPI_CR1_CPOL : 0) | (config->second_edge ? SPI_CR1_CPHA : 0);
    cr1 |= config->lsb_first ? SPI_CR1_LSBFIRST : 0;
    registers(id)->CR1 = cr1;
    registers(id)->CR1 = cr1 | SPI_CR1_SPE;
    connect_pins(id, config); // last: the clock already idles at its level
}

bool spi_transfer(int id, const uint8_t *from, uint8_t *to, size_t size) {
    spi_regs_t *regs = registers(id);
    if (regs->SR & SPI_SR_RXNE) {
        (void)regs->DR; // left by a transfer that took too long
    }
    for (size_t i = 0; i < size; i++) {
        if (!wait_for(id, SPI_SR_TXE, SPI_SR_TXE)) {
            return false;
        }
        regs->DR = from[i];
        if (!wait_for(id, SPI_SR_RXNE, SPI_SR_RXNE)) {
            return false;
        }
        uint32_t byte = regs->DR;
        if (to != NULL) {
            to[i] = (uint8_t)byte;
        }
    }
    return wait_for(id, SPI_SR_BSY, 0); // the caller may raise its chip select now
}
