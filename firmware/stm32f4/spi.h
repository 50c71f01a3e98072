// SPI1..3 as master, eight bits, polled. Chip select is a pin of the caller's. No Python here: machine_spi_stm32f4.c binds it.
#ifndef PERILUNE_SPI_H
#define PERILUNE_SPI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SPI_COUNT 3

typedef struct {
    uint8_t sck, mosi, miso; // pins
    uint32_t baud;           // upper bound; at least spi_baud_min
    bool idle_high;          // clock polarity 1
    bool second_edge;        // clock phase 1
    bool lsb_first;
} spi_config_t;

// `id` is 1..SPI_COUNT throughout.
uint32_t spi_baud_min(int id);    // the peripheral's clock over 256
void spi_open(int id, const spi_config_t *config);
void spi_close(int id);
uint32_t spi_actual_baud(int id); // what the prescaler makes of `baud`

// Exchange `size` bytes; `to` may be NULL, or the same as `from`. False when a byte took longer than 2 ms.
bool spi_transfer(int id, const uint8_t *from, uint8_t *to, size_t size);

#endif
