// machine.I2C over i2c.c; the methods are extmod/machine_i2c.c's. Nothing here allocates but `readfrom`, `readfrom_mem`, `scan`
// and the exception of a transfer that fails; board.i2c_read and board.i2c_write answer a status instead.
//
// I2C(id, *, scl, sda, freq=400000, timeout=50000): the pins are the board's ([i2c.<id>] of board.toml), scl and sda may
// only say so again; freq 10000..400000 is an upper bound. timeout in microseconds is what a transfer may take beyond twice
// the time of its bits. OSError: ENODEV nobody acknowledges the address, ETIMEDOUT the bus is held or the clock stretched
// too long, EIO a lost arbitration, or a memory address that was refused. Like SoftI2C, writeto answers the number of
// acknowledged bytes, and a device that refuses one of them is no error.
#include "py/mperrno.h"
#include "py/mphal.h"
#include "py/runtime.h"
#include "extmod/modmachine.h"

#include "board.h"
#include "i2c.h"
#include "machine_objects.h"
#include "machine_pin.h"

#define DEFAULT_FREQ 400000
#define DEFAULT_TIMEOUT_US 50000
#define TIMEOUT_MAX_US 10000000
#define NO_PIN 0xFFu

typedef struct {
    mp_obj_base_t base;
    uint8_t id;
    uint32_t freq, timeout_us;
} machine_i2c_obj_t;

static machine_i2c_obj_t i2c_objects[I2C_COUNT] = {
    { { &machine_i2c_type }, 1, 0, 0 }, { { &machine_i2c_type }, 2, 0, 0 }, { { &machine_i2c_type }, 3, 0, 0 },
};

static const struct {
    uint8_t scl, sda;
} i2c_board[I2C_COUNT] = BOARD_I2C_PINS;

static void print_i2c(const mp_print_t *print, mp_obj_t self_in, mp_print_kind_t kind) {
    (void)kind;
    const machine_i2c_obj_t *self = MP_OBJ_TO_PTR(self_in);
    mp_printf(print, "I2C(%u, scl=" MP_HAL_PIN_FMT ", sda=" MP_HAL_PIN_FMT ", freq=%u, timeout=%u)", self->id,
        mp_hal_pin_name(i2c_board[self->id - 1].scl), mp_hal_pin_name(i2c_board[self->id - 1].sda),
        (unsigned)i2c_actual_freq(self->id), (unsigned)self->timeout_us);
}

static void init_i2c(mp_obj_base_t *self_in, size_t n_args, const mp_obj_t *pos_args, mp_map_t *kw_args) {
    enum { ARG_scl, ARG_sda, ARG_freq, ARG_timeout };
    static const mp_arg_t allowed_args[] = {
        { MP_QSTR_scl, MP_ARG_OBJ, { .u_rom_obj = MP_ROM_NONE } },
        { MP_QSTR_sda, MP_ARG_OBJ, { .u_rom_obj = MP_ROM_NONE } },
        { MP_QSTR_freq, MP_ARG_KW_ONLY | MP_ARG_INT, { .u_int = DEFAULT_FREQ } },
        { MP_QSTR_timeout, MP_ARG_KW_ONLY | MP_ARG_INT, { .u_int = DEFAULT_TIMEOUT_US } },
    };
    mp_arg_val_t args[MP_ARRAY_SIZE(allowed_args)];
    mp_arg_parse_all(n_args, pos_args, kw_args, MP_ARRAY_SIZE(allowed_args), allowed_args, args);
    machine_i2c_obj_t *self = (machine_i2c_obj_t *)self_in;
    uint32_t scl = i2c_board[self->id - 1].scl, sda = i2c_board[self->id - 1].sda;
    machine_pin_check_fixed("scl", args[ARG_scl].u_obj, scl);
    machine_pin_check_fixed("sda", args[ARG_sda].u_obj, sda);
    mp_int_t freq = args[ARG_freq].u_int, timeout_us = args[ARG_timeout].u_int;
    if (freq < (mp_int_t)I2C_FREQ_MIN || freq > (mp_int_t)I2C_FREQ_MAX) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("freq must be %u..%u"), (unsigned)I2C_FREQ_MIN,
            (unsigned)I2C_FREQ_MAX);
    }
    if (timeout_us < 0 || timeout_us > TIMEOUT_MAX_US) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("timeout must be 0..%u us"), TIMEOUT_MAX_US);
    }
    self->freq = (uint32_t)freq;
    self->timeout_us = (uint32_t)timeout_us;
    const i2c_config_t config = { (uint8_t)scl, (uint8_t)sda, self->freq, self->timeout_us };
    i2c_open(self->id, &config);
}

static mp_obj_t make_i2c(const mp_obj_type_t *type, size_t n_args, size_t n_kw, const mp_obj_t *args) {
    mp_arg_check_num(n_args, n_kw, 1, MP_OBJ_FUN_ARGS_MAX, true);
    mp_int_t id = mp_obj_get_int(args[0]);
    if (id < 1 || id > I2C_COUNT || i2c_board[id - 1].scl == NO_PIN) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("I2C(%d) doesn't exist"), (int)id);
    }
    machine_i2c_obj_t *self = &i2c_objects[id - 1];
    if (n_args > 1 || n_kw > 0 || self->freq == 0) {
        mp_map_t kw_args;
        mp_map_init_fixed_table(&kw_args, n_kw, args + n_args);
        init_i2c(&self->base, n_args - 1, args + 1, &kw_args);
    }
    return MP_OBJ_FROM_PTR(self);
}

int machine_i2c_id(mp_obj_t i2c) {
    if (!mp_obj_is_type(i2c, &machine_i2c_type)) {
        mp_raise_TypeError(MP_ERROR_TEXT("expected an I2C"));
    }
    return ((machine_i2c_obj_t *)MP_OBJ_TO_PTR(i2c))->id;
}

static int errno_of(i2c_status_t status) {
    switch (status) {
        case I2C_OK:
            return 0;
        case I2C_NO_DEVICE:
            return -MP_ENODEV;
        case I2C_TIMEOUT:
            return -MP_ETIMEDOUT;
        default:
            return -MP_EIO;
    }
}

_Static_assert(sizeof(i2c_piece_t) == sizeof(mp_machine_i2c_buf_t)
    && offsetof(i2c_piece_t, bytes) == offsetof(mp_machine_i2c_buf_t, buf), "the two are the same");

static int transfer(mp_obj_base_t *self_in, uint16_t address, size_t n, mp_machine_i2c_buf_t *bufs, unsigned int flags) {
    int id = ((machine_i2c_obj_t *)self_in)->id;
    const i2c_piece_t *pieces = (const i2c_piece_t *)bufs;
    bool stop = flags & MP_MACHINE_I2C_FLAG_STOP;
    if (flags & MP_MACHINE_I2C_FLAG_WRITE1) {
        return errno_of(i2c_write_read(id, address, pieces, pieces + 1, n - 1, stop));
    }
    if (flags & MP_MACHINE_I2C_FLAG_READ) {
        return errno_of(i2c_read(id, address, pieces, n, stop));
    }
    size_t acknowledged;
    i2c_status_t status = i2c_write(id, address, pieces, n, stop, &acknowledged);
    return status == I2C_OK ? (int)acknowledged : errno_of(status);
}

static const mp_machine_i2c_p_t i2c_protocol = {
    .transfer_supports_write1 = true,
    .init = init_i2c,
    .transfer = transfer,
};

MP_DEFINE_CONST_OBJ_TYPE(
    machine_i2c_type,
    MP_QSTR_I2C,
    MP_TYPE_FLAG_NONE,
    make_new, make_i2c,
    print, print_i2c,
    protocol, &i2c_protocol,
    locals_dict, &mp_machine_i2c_locals_dict
    );
