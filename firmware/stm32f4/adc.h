// ADC1, one conversion at a time. No Python here: machine_adc_stm32f4.c binds it.
#ifndef PERILUNE_ADC_H
#define PERILUNE_ADC_H

#include <stdbool.h>
#include <stdint.h>

// Channels 0..15 are pins; the rest is inside the part (RM0090 13.3.3).
#define ADC_CHANNELS 19u
#define ADC_CHANNEL_TEMPERATURE 16u
#define ADC_CHANNEL_VREFINT 17u
#define ADC_CHANNEL_VBAT 18u // half of it
#define ADC_FULL_SCALE 4095u

// The pin of a channel below 16: 0..7 are PA0..PA7, 8 and 9 PB0 and PB1, 10..15 PC0..PC5 (DS8626 table 7).
uint32_t adc_pin_of_channel(uint32_t channel);

// Convert `channel` once, sampling for at least `sample_ns` (at most 22 us; inner channels always take that long). Blocks
// for about 30 us. False when no result came within 2 ms.
bool adc_convert(uint32_t channel, uint32_t sample_ns, uint32_t *value);

#endif
