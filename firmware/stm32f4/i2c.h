// I2C1..3 as master, polled, every wait bounded. No Python here: machine_i2c_stm32f4.c binds it.
#ifndef PERILUNE_I2C_H
#define PERILUNE_I2C_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define I2C_COUNT 3
#define I2C_FREQ_MIN 10000u
#define I2C_FREQ_MAX 400000u

typedef enum {
    I2C_OK = 0,
    I2C_NO_DEVICE = -1, // nobody acknowledged the address
    I2C_TIMEOUT = -2,   // the bus is held, a device stretches the clock too long, or there is no controller
    I2C_ARBITRATION_LOST = -3, // somebody else drives the bus
    I2C_REFUSED = -4,   // the device did not take what it was told; only where the function says so
} i2c_status_t;

typedef struct {
    uint8_t scl, sda;      // pins
    uint32_t freq;         // I2C_FREQ_MIN..I2C_FREQ_MAX; SCL is not faster than this
    uint32_t timeout_us;   // what a transfer may take beyond twice the time of its bits
} i2c_config_t;

// A piece of a transfer. The pieces of one direction follow each other without a gap.
typedef struct {
    size_t size;
    uint8_t *bytes;
} i2c_piece_t;

// `id` is 1..I2C_COUNT throughout. Frees the bus when a device holds SDA: nine clocks and a STOP.
void i2c_open(int id, const i2c_config_t *config);
uint32_t i2c_actual_freq(int id); // what the divider makes of `freq`

// START, address, the pieces, and STOP if `stop`; without it the next transfer begins with a repeated START. A transfer
// that fails always frees the bus. `acknowledged` gets the number of data bytes that the device acknowledged; one that it
// refuses ends the transfer without being an error.
i2c_status_t i2c_write(int id, uint32_t address, const i2c_piece_t *pieces, size_t count, bool stop, size_t *acknowledged);
i2c_status_t i2c_read(int id, uint32_t address, const i2c_piece_t *pieces, size_t count, bool stop);

// Write `first`, the address of a register, and read after a repeated START. I2C_REFUSED when not all of `first` was taken.
i2c_status_t i2c_write_read(int id, uint32_t address, const i2c_piece_t *first, const i2c_piece_t *pieces, size_t count,
    bool stop);

#endif
