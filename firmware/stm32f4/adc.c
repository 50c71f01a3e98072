// RM0090 13. The converter is off between conversions: Renode takes the channel over when ADON rises, and off it draws
// nothing. Timing: DS8626 table 67 (tSTAB 3 us) and tables 69, 71 (temperature sensor: 10 us to start, 10 us to sample).
#include "adc.h"
#include "clock.h"
#include "stm32f4.h"
#include "timebase.h"

#define PRESCALER 4u // 21 MHz from 84 MHz PCLK2; at most 36 MHz (DS8626 table 67)
#define STABILISE_US 4u
#define INNER_STABILISE_US 11u
#define CONVERSION_LIMIT_US 2000u // the longest takes 24 us, in Renode 100 us
#define LONGEST_SAMPLE 7u

// SMPR values: cycles of the ADC's clock.
static const uint16_t sample_cycles[] = { 3, 15, 28, 56, 84, 112, 144, 480 };

uint32_t adc_pin_of_channel(uint32_t channel) {
    return channel < 8 ? channel : channel < 10 ? 16 + channel - 8 : 32 + channel - 10;
}

static uint32_t sample_code(uint32_t sample_ns) {
    uint32_t clock_khz = clock_rates.pclk2_hz / PRESCALER / 1000u;
    for (uint32_t code = 0; code < LONGEST_SAMPLE; code++) {
        if (sample_cycles[code] * 1000000u / clock_khz >= sample_ns) {
            return code;
        }
    }
    return LONGEST_SAMPLE;
}

static void wait_us(uint32_t us) {
    for (uint32_t start = timebase_us32(); timebase_us32() - start < us;) {
    }
}

static bool wait_for_result(void) {
    for (uint32_t start = timebase_us32(); timebase_us32() - start < CONVERSION_LIMIT_US;) {
        if (ADC1->SR & ADC_SR_EOC) {
            return true;
        }
    }
    return false;
}

bool adc_convert(uint32_t channel, uint32_t sample_ns, uint32_t *value) {
    bool inner = channel >= ADC_CHANNEL_TEMPERATURE;
    uint32_t code = inner ? LONGEST_SAMPLE : sample_code(sample_ns);
    rcc_enable(&RCC->APB2ENR, RCC_APB2ENR_ADC1);
    // The bridge on VBAT is loaded only while it is measured.
    uint32_t sources = channel == ADC_CHANNEL_VBAT ? ADC_CCR_VBATE : inner ? ADC_CCR_TSVREFE : 0;
    ADC_CCR = ADC_CCR_PRESCALE_4 | sources;
    ADC1->CR2 = 0;
    ADC1->CR1 = 0;  // 12 bits
    ADC1->SQR1 = 0; // a sequence of one
    ADC1->SQR3 = channel;
    ADC1->SMPR1 = channel >= 10 ? code << 3 * (channel - 10) : 0;
    ADC1->SMPR2 = channel < 10 ? code << 3 * channel : 0;
    ADC1->SR = 0;
    ADC1->CR2 = ADC_CR2_ADON;
    wait_us(inner ? INNER_STABILISE_US : STABILISE_US);
    ADC1->CR2 = ADC_CR2_ADON | ADC_CR2_SWSTART;
    bool done = wait_for_result();
    if (done) {
        *value = ADC1->DR & ADC_FULL_SCALE;
    }
    ADC1->CR2 = 0;
    ADC_CCR = ADC_CCR_PRESCALE_4;
    return done;
}
