// machine.SPI over spi.c; the methods are extmod/machine_spi.c's.
//
// SPI(id, baudrate=1000000, *, polarity=0, phase=0, bits=8, firstbit=MSB, sck, mosi, miso): the pins are the board's
// ([spi.<id>] of board.toml), the last three may only say so again. baudrate is an upper bound. A transfer that does not get
// on raises OSError(ETIMEDOUT).
#include "py/mperrno.h"
#include "py/mphal.h"
#include "py/runtime.h"
#include "extmod/modmachine.h"

#include "board.h"
#include "machine_pin.h"
#include "spi.h"

#define DEFAULT_BAUD 1000000
#define UNCHANGED (-1)
#define NO_PIN 0xFFu

typedef struct {
    mp_obj_base_t base;
    uint8_t id;
    bool open;
    spi_config_t config;
} machine_spi_obj_t;

static machine_spi_obj_t spi_objects[SPI_COUNT] = {
    { .base = { &machine_spi_type }, .id = 1 }, { .base = { &machine_spi_type }, .id = 2 },
    { .base = { &machine_spi_type }, .id = 3 },
};

static const struct {
    uint8_t sck, mosi, miso;
} spi_board[SPI_COUNT] = BOARD_SPI_PINS;

static void print_spi(const mp_print_t *print, mp_obj_t self_in, mp_print_kind_t kind) {
    (void)kind;
    const machine_spi_obj_t *self = MP_OBJ_TO_PTR(self_in);
    if (!self->open) {
        mp_printf(print, "SPI(%u)", self->id);
        return;
    }
    const spi_config_t *config = &self->config;
    mp_printf(print, "SPI(%u, baudrate=%u, polarity=%u, phase=%u, bits=8, firstbit=%u, sck=" MP_HAL_PIN_FMT ", mosi="
        MP_HAL_PIN_FMT ", miso=" MP_HAL_PIN_FMT ")", self->id, (unsigned)spi_actual_baud(self->id), config->idle_high,
        config->second_edge, config->lsb_first ? MICROPY_PY_MACHINE_SPI_LSB : MICROPY_PY_MACHINE_SPI_MSB,
        mp_hal_pin_name(config->sck), mp_hal_pin_name(config->mosi), mp_hal_pin_name(config->miso));
}

static bool bit_of(const char *name, mp_int_t asked, bool before) {
    if (asked != UNCHANGED && asked != 0 && asked != 1) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("%s must be 0 or 1"), name);
    }
    return asked == UNCHANGED ? before : asked == 1;
}

static void init_spi(mp_obj_base_t *self_in, size_t n_args, const mp_obj_t *pos_args, mp_map_t *kw_args) {
    enum { ARG_baudrate, ARG_polarity, ARG_phase, ARG_bits, ARG_firstbit, ARG_sck, ARG_mosi, ARG_miso };
    static const mp_arg_t allowed_args[] = {
        { MP_QSTR_baudrate, MP_ARG_INT, { .u_int = UNCHANGED } },
        { MP_QSTR_polarity, MP_ARG_KW_ONLY | MP_ARG_INT, { .u_int = UNCHANGED } },
        { MP_QSTR_phase, MP_ARG_KW_ONLY | MP_ARG_INT, { .u_int = UNCHANGED } },
        { MP_QSTR_bits, MP_ARG_KW_ONLY | MP_ARG_INT, { .u_int = 8 } },
        { MP_QSTR_firstbit, MP_ARG_KW_ONLY | MP_ARG_INT, { .u_int = UNCHANGED } },
        { MP_QSTR_sck, MP_ARG_KW_ONLY | MP_ARG_OBJ, { .u_rom_obj = MP_ROM_NONE } },
        { MP_QSTR_mosi, MP_ARG_KW_ONLY | MP_ARG_OBJ, { .u_rom_obj = MP_ROM_NONE } },
        { MP_QSTR_miso, MP_ARG_KW_ONLY | MP_ARG_OBJ, { .u_rom_obj = MP_ROM_NONE } },
    };
    mp_arg_val_t args[MP_ARRAY_SIZE(allowed_args)];
    mp_arg_parse_all(n_args, pos_args, kw_args, MP_ARRAY_SIZE(allowed_args), allowed_args, args);
    machine_spi_obj_t *self = (machine_spi_obj_t *)self_in;
    const uint8_t *pins = (const uint8_t *)&spi_board[self->id - 1];
    machine_pin_check_fixed("sck", args[ARG_sck].u_obj, pins[0]);
    machine_pin_check_fixed("mosi", args[ARG_mosi].u_obj, pins[1]);
    machine_pin_check_fixed("miso", args[ARG_miso].u_obj, pins[2]);
    spi_config_t config = { .baud = DEFAULT_BAUD };
    if (self->open) {
        config = self->config;
    }
    config.sck = pins[0];
    config.mosi = pins[1];
    config.miso = pins[2];
    if (args[ARG_bits].u_int != 8) {
        mp_raise_ValueError(MP_ERROR_TEXT("bits must be 8"));
    }
    mp_int_t baud = args[ARG_baudrate].u_int;
    if (baud != UNCHANGED) {
        if (baud < (mp_int_t)spi_baud_min(self->id)) {
            mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("baudrate must be at least %u"),
                (unsigned)spi_baud_min(self->id));
        }
        config.baud = (uint32_t)baud;
    }
    config.idle_high = bit_of("polarity", args[ARG_polarity].u_int, config.idle_high);
    config.second_edge = bit_of("phase", args[ARG_phase].u_int, config.second_edge);
    config.lsb_first = bit_of("firstbit", args[ARG_firstbit].u_int, config.lsb_first);
    self->config = config;
    self->open = true;
    spi_open(self->id, &config);
}

static mp_obj_t make_spi(const mp_obj_type_t *type, size_t n_args, size_t n_kw, const mp_obj_t *args) {
    mp_arg_check_num(n_args, n_kw, 1, MP_OBJ_FUN_ARGS_MAX, true);
    mp_int_t id = mp_obj_get_int(args[0]);
    if (id < 1 || id > SPI_COUNT || spi_board[id - 1].sck == NO_PIN) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("SPI(%d) doesn't exist"), (int)id);
    }
    machine_spi_obj_t *self = &spi_objects[id - 1];
    if (n_args > 1 || n_kw > 0 || !self->open) {
        mp_map_t kw_args;
        mp_map_init_fixed_table(&kw_args, n_kw, args + n_args);
        init_spi(&self->base, n_args - 1, args + 1, &kw_args);
    }
    return MP_OBJ_FROM_PTR(self);
}

static void deinit_spi(mp_obj_base_t *self_in) {
    machine_spi_obj_t *self = (machine_spi_obj_t *)self_in;
    if (self->open) {
        spi_close(self->id);
    }
    self->open = false;
}

static void transfer_spi(mp_obj_base_t *self_in, size_t size, const uint8_t *from, uint8_t *to) {
    const machine_spi_obj_t *self = (machine_spi_obj_t *)self_in;
    if (!self->open) {
        mp_raise_OSError(MP_EBADF);
    }
    if (!spi_transfer(self->id, from, to, size)) {
        mp_raise_OSError(MP_ETIMEDOUT);
    }
}

static const mp_machine_spi_p_t spi_protocol = { init_spi, deinit_spi, transfer_spi };

MP_DEFINE_CONST_OBJ_TYPE(
    machine_spi_type,
    MP_QSTR_SPI,
    MP_TYPE_FLAG_NONE,
    make_new, make_spi,
    print, print_spi,
    protocol, &spi_protocol,
    locals_dict, &mp_machine_spi_locals_dict
    );
