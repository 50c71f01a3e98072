// RM0090 27.3.3 (master mode).
//
// Where the receiver has both its registers full (BTF) it stretches the clock, and that is where STOP is asked for, or the
// START of the next transfer: earlier it would cut bytes off, and later, after DR has been read, the controller would go on
// and fetch a byte that nobody wants. Transfers of one and two bytes have no such place between the address and the
// decision about ACK; there the few instructions run with interrupts masked (ES0182, "some software events must be managed
// before the current byte is being transferred").
//
// CR1 is always written as a whole, and not while START or STOP is pending in it (RM0090 27.6.1). Renode's newer model keeps
// STOP set until the last byte is read. SR1 is read once per look: reading it clears AF in Renode.
#include "i2c.h"
#include "clock.h"
#include "pin.h"
#include "stm32f4.h"
#include "timebase.h"

#define PIN_FUNCTION 4u       // AF4: I2C1..3 (DS8626 table 9)
#define STANDARD_MAX_HZ 100000u
#define RISE_STANDARD_NS 1000u // RM0090 27.6.9
#define RISE_FAST_NS 300u
#define BITS_PER_BYTE 9u      // with acknowledge
#define RECOVERY_CLOCKS 9     // UM10204 3.1.16
#define RECOVERY_HALF_US 5u
#define RECOVERY_STRETCH_US 500u

typedef struct {
    i2c_config_t config;
    bool held;            // the last transfer ended without a STOP
    bool started;         // and has already asked for the START of the next
    uint32_t started_us, limit_us; // of the transfer under way
} i2c_t;

static i2c_t buses[I2C_COUNT];

static i2c_t *get(int id) {
    return &buses[id - 1];
}

// --- set-up ------------------------------------------------------------------------------------------------------------

static void wait_us(uint32_t us) {
    for (uint32_t start = timebase_us32(); timebase_us32() - start < us;) {
    }
}

static void release_clock(uint32_t scl) {
    pin_write(scl, true);
    for (uint32_t start = timebase_us32(); !pin_read(scl) && timebase_us32() - start < RECOVERY_STRETCH_US;) {
    }
    wait_us(RECOVERY_HALF_US);
}

static void pull_clock(uint32_t scl) {
    pin_write(scl, false);
    wait_us(RECOVERY_HALF_US);
}

// A device that was cut off in the middle of a byte holds SDA until it has been clocked to the byte's end. The STOP at the
// end also frees the controller's own filter, which can hang with BUSY set (ES0182, "I2C analog filter may provide wrong
// value, locking BUSY flag").
static void recover_bus(const i2c_config_t *config) {
    const pin_config_t open_drain = { .mode = PIN_OUTPUT, .drive = PIN_OPEN_DRAIN, .pull = PIN_PULL_UP };
    pin_write(config->scl, true);
    pin_write(config->sda, true);
    pin_configure(config->scl, &open_drain);
    pin_configure(config->sda, &open_drain);
    wait_us(RECOVERY_HALF_US);
    for (int i = 0; i < RECOVERY_CLOCKS && !pin_read(config->sda); i++) {
        pull_clock(config->scl);
        release_clock(config->scl);
    }
    pull_clock(config->scl);
    pin_write(config->sda, false);
    wait_us(RECOVERY_HALF_US);
    release_clock(config->scl);
    pin_write(config->sda, true);
    wait_us(RECOVERY_HALF_US);
}

static uint32_t divider(uint32_t freq) {
    uint32_t per_period = freq <= STANDARD_MAX_HZ ? 2u : 3u; // fast mode: low time twice the high time
    uint32_t value = (clock_rates.pclk1_hz + per_period * freq - 1) / (per_period * freq);
    return value < 4 ? 4 : value;
}

uint32_t i2c_actual_freq(int id) {
    uint32_t freq = get(id)->config.freq;
    return clock_rates.pclk1_hz / ((freq <= STANDARD_MAX_HZ ? 2u : 3u) * divider(freq));
}

static void start_controller(int id) {
    i2c_regs_t *regs = I2C(id);
    uint32_t freq = get(id)->config.freq;
    uint32_t clock_mhz = clock_rates.pclk1_hz / 1000000u;
    bool fast = freq > STANDARD_MAX_HZ;
    regs->CR1 = I2C_CR1_SWRST;
    regs->CR1 = 0;
    regs->CR2 = clock_mhz;
    regs->CCR = divider(freq) | (fast ? I2C_CCR_FAST : 0);
    regs->TRISE = clock_mhz * (fast ? RISE_FAST_NS : RISE_STANDARD_NS) / 1000u + 1u;
    regs->CR1 = I2C_CR1_PE;
}

static void connect_pins(const i2c_config_t *config) {
    const pin_config_t line = {
        .mode = PIN_ALTERNATE, .drive = PIN_OPEN_DRAIN, .pull = PIN_PULL_UP, .alternate = PIN_FUNCTION,
    };
    pin_configure(config->scl, &line);
    pin_configure(config->sda, &line);
}

static void restart(int id) {
    I2C(id)->CR1 = 0;
    recover_bus(&get(id)->config);
    connect_pins(&get(id)->config);
    start_controller(id);
    get(id)->held = get(id)->started = false;
}

void i2c_open(int id, const i2c_config_t *config) {
    i2c_t *bus = get(id);
    bus->config = *config;
    bus->held = bus->started = false;
    rcc_enable(&RCC->APB1ENR, RCC_APB1ENR_I2C(id));
    connect_pins(config);
    start_controller(id);
    wait_us(RECOVERY_HALF_US);
    if (!pin_read(config->sda) || I2C(id)->SR2 & I2C_SR2_BUSY) {
        restart(id);
    }
}

// --- waits -------------------------------------------------------------------------------------------------------------

static void start_time(i2c_t *bus, size_t bytes) {
    bus->started_us = timebase_us32();
    uint32_t bit_ns = 1000000000u / bus->config.freq;
    bus->limit_us = bus->config.timeout_us + (uint32_t)((bytes + 2u) * 2u * BITS_PER_BYTE * (uint64_t)bit_ns / 1000u);
}

static bool out_of_time(const i2c_t *bus) {
    return timebase_us32() - bus->started_us > bus->limit_us;
}

// Wait for one of `flags` in SR1; `seen` gets what SR1 was. A bus error that is seen as master is spurious and does no harm
// (ES0182, "spurious bus error detection in master mode"); a real one ends in a timeout.
static i2c_status_t wait_for(int id, uint32_t flags, uint32_t *seen) {
    i2c_t *bus = get(id);
    for (;;) {
        bool late = out_of_time(bus);
        *seen = I2C(id)->SR1;
        if (*seen & I2C_SR1_BERR) {
            I2C(id)->SR1 = ~I2C_SR1_BERR; // write zero to clear
        }
        if (*seen & I2C_SR1_ARLO) {
            return I2C_ARBITRATION_LOST;
        }
        if (*seen & flags) {
            return I2C_OK;
        }
        if (late) {
            return I2C_TIMEOUT;
        }
    }
}

// Also the end of a STOP that was asked for: it has to be over before CR1 is written again. The STOP bit itself does not
// tell, Renode leaves it set after an address that nobody acknowledged.
static bool wait_for_free_bus(int id) {
    i2c_t *bus = get(id);
    while (I2C(id)->SR2 & I2C_SR2_BUSY) {
        if (out_of_time(bus)) {
            return false;
        }
    }
    return true;
}

// Let the bus go, or keep it for the next transfer. `read` tells that bytes are still coming in: then the next START has to
// be asked for right now (Renode's newer model loses the last bytes of a read that does so).
static void end_transfer(int id, bool stop, bool read) {
    if (stop) {
        I2C(id)->CR1 = I2C_CR1_PE | I2C_CR1_STOP;
    } else if (read) {
        I2C(id)->CR1 = I2C_CR1_PE | I2C_CR1_START;
    }
    get(id)->held = !stop;
    get(id)->started = !stop && read;
}

// --- parts of a transfer -----------------------------------------------------------------------------------------------

static i2c_status_t send_start(int id, uint32_t cr1) {
    i2c_t *bus = get(id);
    uint32_t seen;
    if (!bus->started) {
        if (!bus->held && !wait_for_free_bus(id)) {
            return I2C_TIMEOUT;
        }
        I2C(id)->CR1 = cr1 | I2C_CR1_START;
    }
    i2c_status_t status = wait_for(id, I2C_SR1_SB, &seen);
    if (bus->started && status == I2C_OK) {
        I2C(id)->CR1 = cr1; // ACK and POS as this transfer wants them
    }
    return status;
}

static i2c_status_t send_address(int id, uint32_t address_byte, uint32_t cr1) {
    i2c_regs_t *regs = I2C(id);
    uint32_t seen;
    i2c_status_t status = send_start(id, cr1);
    if (status != I2C_OK) {
        return status;
    }
    regs->DR = address_byte;
    status = wait_for(id, I2C_SR1_ADDR | I2C_SR1_AF, &seen);
    if (status == I2C_OK && !(seen & I2C_SR1_ADDR)) {
        regs->SR1 = ~I2C_SR1_AF; // write zero to clear
        end_transfer(id, true, false);
        return I2C_NO_DEVICE;
    }
    return status;
}

// ADDR goes by reading SR1, which has been done, and then SR2.
static void clear_addr(int id) {
    (void)I2C(id)->SR2;
}

// Waiting for BTF after each byte, and not only for TXE, tells exactly which byte was acknowledged.
static i2c_status_t send_bytes(int id, const i2c_piece_t *pieces, size_t count, size_t *acknowledged) {
    i2c_regs_t *regs = I2C(id);
    for (size_t p = 0; p < count; p++) {
        for (size_t i = 0; i < pieces[p].size; i++) {
            regs->DR = pieces[p].bytes[i];
            uint32_t seen;
            i2c_status_t status = wait_for(id, I2C_SR1_BTF | I2C_SR1_AF, &seen);
            if (status != I2C_OK) {
                return status;
            }
            if (seen & I2C_SR1_AF) {
                regs->SR1 = ~I2C_SR1_AF;
                return I2C_OK;
            }
            ++*acknowledged;
        }
    }
    return I2C_OK;
}

// Where the next received byte goes.
typedef struct {
    const i2c_piece_t *piece;
    size_t at;
} cursor_t;

static void take_byte(int id, cursor_t *to) {
    while (to->at == to->piece->size) {
        to->piece++;
        to->at = 0;
    }
    to->piece->bytes[to->at++] = (uint8_t)I2C(id)->DR;
}

static i2c_status_t receive_one(int id, cursor_t to, bool stop) {
    uint32_t seen;
    I2C(id)->CR1 = I2C_CR1_PE; // no ACK
    uint32_t state = cpu_mask_all();
    clear_addr(id);
    end_transfer(id, stop, true);
    cpu_unmask_all(state);
    i2c_status_t status = wait_for(id, I2C_SR1_RXNE, &seen);
    if (status == I2C_OK) {
        take_byte(id, &to);
    }
    return status;
}

// Both registers are full with the last two bytes.
static i2c_status_t receive_last_two(int id, cursor_t *to, bool stop) {
    uint32_t seen;
    i2c_status_t status = wait_for(id, I2C_SR1_BTF, &seen);
    if (status == I2C_OK) {
        end_transfer(id, stop, true);
        take_byte(id, to);
        take_byte(id, to);
    }
    return status;
}

// POS has been set with START: it makes ACK rule the byte after the one in the shift register.
static i2c_status_t receive_two(int id, cursor_t to, bool stop) {
    uint32_t state = cpu_mask_all();
    clear_addr(id);
    I2C(id)->CR1 = I2C_CR1_PE | I2C_CR1_POS; // no ACK for the second
    cpu_unmask_all(state);
    return receive_last_two(id, &to, stop);
}

static i2c_status_t receive_many(int id, cursor_t to, size_t size, bool stop) {
    uint32_t seen;
    i2c_status_t status;
    clear_addr(id);
    for (size_t left = size; left > 3; left--) {
        status = wait_for(id, I2C_SR1_RXNE, &seen);
        if (status != I2C_OK) {
            return status;
        }
        take_byte(id, &to);
    }
    status = wait_for(id, I2C_SR1_BTF, &seen); // the last but two in DR, the last but one behind it
    if (status != I2C_OK) {
        return status;
    }
    I2C(id)->CR1 = I2C_CR1_PE; // no ACK for the last
    take_byte(id, &to);
    return receive_last_two(id, &to, stop);
}

// --- transfers ---------------------------------------------------------------------------------------------------------

static size_t total(const i2c_piece_t *pieces, size_t count) {
    size_t size = 0;
    for (size_t p = 0; p < count; p++) {
        size += pieces[p].size;
    }
    return size;
}

static i2c_status_t finish(int id, i2c_status_t status) {
    if (status == I2C_TIMEOUT || status == I2C_ARBITRATION_LOST) {
        restart(id);
    }
    return status;
}

i2c_status_t i2c_write(int id, uint32_t address, const i2c_piece_t *pieces, size_t count, bool stop, size_t *acknowledged) {
    *acknowledged = 0;
    start_time(get(id), total(pieces, count));
    i2c_status_t status = send_address(id, address << 1, I2C_CR1_PE);
    if (status == I2C_OK) {
        clear_addr(id);
        status = send_bytes(id, pieces, count, acknowledged);
    }
    if (status == I2C_OK) {
        end_transfer(id, stop || *acknowledged < total(pieces, count), false);
    }
    return finish(id, status);
}

i2c_status_t i2c_read(int id, uint32_t address, const i2c_piece_t *pieces, size_t count, bool stop) {
    size_t size = total(pieces, count);
    if (size == 0) {
        // A receiver cannot stop before the first byte: ask for the device by writing nothing.
        size_t none;
        return i2c_write(id, address, NULL, 0, stop, &none);
    }
    start_time(get(id), size);
    uint32_t cr1 = I2C_CR1_PE | I2C_CR1_ACK | (size == 2 ? I2C_CR1_POS : 0);
    i2c_status_t status = send_address(id, address << 1 | 1u, cr1);
    if (status == I2C_OK) {
        cursor_t to = { pieces, 0 };
        status = size == 1 ? receive_one(id, to, stop) : size == 2 ? receive_two(id, to, stop)
            : receive_many(id, to, size, stop);
    }
    return finish(id, status);
}

i2c_status_t i2c_write_read(int id, uint32_t address, const i2c_piece_t *first, const i2c_piece_t *pieces, size_t count,
    bool stop) {
    size_t acknowledged;
    i2c_status_t status = i2c_write(id, address, first, 1, false, &acknowledged);
    if (status != I2C_OK) {
        return status;
    }
    return acknowledged < first->size ? I2C_REFUSED : i2c_read(id, address, pieces, count, stop);
}
