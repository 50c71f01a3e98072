// Included by extmod/machine_uart.c: machine.UART over uart.c. No read, readinto or write allocates, `read()` without a
// size and `readline` apart.
//
// UART(id, baudrate, bits, parity, stop, *, timeout, timeout_char, tx, rx, txbuf, rxbuf), id 1..3
//   What is not given stays as it is; at first it is the board's speed, 8N1, both timeouts 0. The pins and the sizes of the
//   rings are the board's (board.toml): `tx` and `rx` may only say so again, `txbuf` and `rxbuf` may ask for less.
//   bits counts data bits: 8, or 7 with parity. UART(3) is the console and not to be had where a REPL is on it.
// read   waits `timeout` ms for the first byte and `timeout_char` ms between bytes; with 0 it takes what is there.
// write  with timeout 0 takes what fits the ring; else it waits for room, at most as long as a full ring needs at this
//        speed and `timeout` ms more. It answers how many bytes it took, None for none.
#include "py/mphal.h"
#include "py/mperrno.h"

#include "board.h"
#include "machine_pin.h"
#include "timebase.h"
#include "uart.h"

#define CONSOLE 3
#define UNCHANGED (-1)
#define MICROPY_PY_MACHINE_UART_CLASS_CONSTANTS

struct _machine_uart_obj_t {
    mp_obj_base_t base;
    uint8_t id;
    uint32_t timeout_ms, timeout_char_ms;
    // A write that ran out of time is called once more by mp_stream_rw with the rest; it must not get new time then.
    const uint8_t *rest;
};

static machine_uart_obj_t uart_objects[UART_COUNT] = {
    { { &machine_uart_type }, 1, 0, 0, NULL }, { { &machine_uart_type }, 2, 0, 0, NULL },
    { { &machine_uart_type }, 3, 0, 0, NULL },
};

static const struct {
    uint32_t baud;
    uint8_t tx, rx;
} uart_board[UART_COUNT] = {
    { BOARD_UART1_BAUD, BOARD_UART1_TX, BOARD_UART1_RX },
    { BOARD_UART2_BAUD, BOARD_UART2_TX, BOARD_UART2_RX },
    { BOARD_UART3_BAUD, BOARD_UART3_TX, BOARD_UART3_RX },
};

// --- set-up --------------------------------------------------------------------------------------------------------------

static bool wait_until_idle(machine_uart_obj_t *self) {
    uint64_t deadline_us = timebase_us() + uart_ring_time_us(self->id) + self->timeout_ms * 1000ull;
    while (!uart_tx_idle(self->id)) {
        if (timebase_us() >= deadline_us) {
            return false;
        }
        mp_event_wait_indefinite(); // until the next tick at most
    }
    return true;
}

static void check_ring(const char *name, mp_int_t asked, uint32_t size) {
    if (asked != UNCHANGED && (asked < 0 || (mp_uint_t)asked > size)) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("%s must be 0..%u, the board's size"), name, (unsigned)size);
    }
}

static uint32_t checked_ms(const char *name, mp_int_t asked, uint32_t before) {
    if (asked < UNCHANGED) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("%s must not be negative"), name);
    }
    return asked == UNCHANGED ? before : (uint32_t)asked;
}

static void change_config(uart_config_t *config, mp_int_t baud, mp_int_t bits, mp_obj_t parity, mp_int_t stop) {
    if (baud != UNCHANGED) {
        if (baud < (mp_int_t)UART_BAUD_MIN || baud > (mp_int_t)UART_BAUD_MAX) {
            mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("baudrate must be %u..%u"), (unsigned)UART_BAUD_MIN,
                (unsigned)UART_BAUD_MAX);
        }
        config->baud = (uint32_t)baud;
    }
    if (parity == mp_const_none) {
        config->parity = UART_PARITY_NONE;
    } else if (parity != MP_OBJ_NEW_SMALL_INT(UNCHANGED)) {
        mp_int_t odd = mp_obj_get_int(parity);
        if (odd != 0 && odd != 1) {
            mp_raise_ValueError(MP_ERROR_TEXT("parity must be None, 0 (even) or 1 (odd)"));
        }
        config->parity = odd ? UART_PARITY_ODD : UART_PARITY_EVEN;
    }
    if (bits != UNCHANGED) {
        if (bits != 7 && bits != 8) {
            mp_raise_ValueError(MP_ERROR_TEXT("bits must be 8, or 7 with parity"));
        }
        config->data_bits = (uint8_t)bits;
    }
    if (config->data_bits == 7 && config->parity == UART_PARITY_NONE) {
        mp_raise_ValueError(MP_ERROR_TEXT("bits must be 8, or 7 with parity"));
    }
    if (stop != UNCHANGED) {
        if (stop != 1 && stop != 2) {
            mp_raise_ValueError(MP_ERROR_TEXT("stop must be 1 or 2"));
        }
        config->stop_bits = (uint8_t)stop;
    }
}

static void mp_machine_uart_init_helper(machine_uart_obj_t *self, size_t n_args, const mp_obj_t *pos_args, mp_map_t *kw_args) {
    enum { ARG_baudrate, ARG_bits, ARG_parity, ARG_stop, ARG_timeout, ARG_timeout_char, ARG_tx, ARG_rx, ARG_txbuf, ARG_rxbuf };
    static const mp_arg_t allowed_args[] = {
        { MP_QSTR_baudrate, MP_ARG_INT, { .u_int = UNCHANGED } },
        { MP_QSTR_bits, MP_ARG_INT, { .u_int = UNCHANGED } },
        { MP_QSTR_parity, MP_ARG_OBJ, { .u_rom_obj = MP_ROM_INT(UNCHANGED) } },
        { MP_QSTR_stop, MP_ARG_INT, { .u_int = UNCHANGED } },
        { MP_QSTR_timeout, MP_ARG_KW_ONLY | MP_ARG_INT, { .u_int = UNCHANGED } },
        { MP_QSTR_timeout_char, MP_ARG_KW_ONLY | MP_ARG_INT, { .u_int = UNCHANGED } },
        { MP_QSTR_tx, MP_ARG_KW_ONLY | MP_ARG_OBJ, { .u_rom_obj = MP_ROM_NONE } },
        { MP_QSTR_rx, MP_ARG_KW_ONLY | MP_ARG_OBJ, { .u_rom_obj = MP_ROM_NONE } },
        { MP_QSTR_txbuf, MP_ARG_KW_ONLY | MP_ARG_INT, { .u_int = UNCHANGED } },
        { MP_QSTR_rxbuf, MP_ARG_KW_ONLY | MP_ARG_INT, { .u_int = UNCHANGED } },
    };
    mp_arg_val_t args[MP_ARRAY_SIZE(allowed_args)];
    mp_arg_parse_all(n_args, pos_args, kw_args, MP_ARRAY_SIZE(allowed_args), allowed_args, args);

    bool open = uart_is_open(self->id);
    uart_config_t config = { uart_board[self->id - 1].baud, 8, 1, UART_PARITY_NONE };
    if (open) {
        config = *uart_config(self->id);
    }
    change_config(&config, args[ARG_baudrate].u_int, args[ARG_bits].u_int, args[ARG_parity].u_obj, args[ARG_stop].u_int);
    machine_pin_check_fixed("tx", args[ARG_tx].u_obj, uart_board[self->id - 1].tx);
    machine_pin_check_fixed("rx", args[ARG_rx].u_obj, uart_board[self->id - 1].rx);
    check_ring("txbuf", args[ARG_txbuf].u_int, uart_tx_ring_size(self->id));
    check_ring("rxbuf", args[ARG_rxbuf].u_int, uart_rx_ring_size(self->id));
    uint32_t timeout_ms = checked_ms("timeout", args[ARG_timeout].u_int, open ? self->timeout_ms : 0);
    self->timeout_char_ms = checked_ms("timeout_char", args[ARG_timeout_char].u_int, open ? self->timeout_char_ms : 0);
    self->timeout_ms = timeout_ms;
    wait_until_idle(self); // what was written leaves as it was meant to
    uart_open(self->id, &config);
}

static mp_obj_t mp_machine_uart_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw, const mp_obj_t *args) {
    mp_arg_check_num(n_args, n_kw, 1, MP_OBJ_FUN_ARGS_MAX, true);
    mp_int_t id = mp_obj_get_int(args[0]);
    if (id < 1 || id > UART_COUNT) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("UART(%d) doesn't exist"), (int)id);
    }
    if (PERILUNE_DEV && id == CONSOLE) {
        mp_raise_ValueError(MP_ERROR_TEXT("UART(3) is the REPL's"));
    }
    machine_uart_obj_t *self = &uart_objects[id - 1];
    if (n_args > 1 || n_kw > 0 || !uart_is_open(id)) {
        mp_map_t kw_args;
        mp_map_init_fixed_table(&kw_args, n_kw, args + n_args);
        mp_machine_uart_init_helper(self, n_args - 1, args + 1, &kw_args);
    }
    return MP_OBJ_FROM_PTR(self);
}

static void mp_machine_uart_print(const mp_print_t *print, mp_obj_t self_in, mp_print_kind_t kind) {
    static const char *const parities[] = { "None", "0", "1" };
    machine_uart_obj_t *self = MP_OBJ_TO_PTR(self_in);
    if (!uart_is_open(self->id)) {
        mp_printf(print, "UART(%u)", self->id);
        return;
    }
    const uart_config_t *config = uart_config(self->id);
    mp_printf(print, "UART(%u, baudrate=%u, bits=%u, parity=%s, stop=%u, timeout=%u, timeout_char=%u, txbuf=%u, rxbuf=%u)",
        self->id, (unsigned)config->baud, config->data_bits, parities[config->parity], config->stop_bits,
        (unsigned)self->timeout_ms, (unsigned)self->timeout_char_ms, (unsigned)uart_tx_ring_size(self->id),
        (unsigned)uart_rx_ring_size(self->id));
}

static void mp_machine_uart_deinit(machine_uart_obj_t *self) {
    wait_until_idle(self);
    uart_close(self->id);
}

static mp_int_t mp_machine_uart_any(machine_uart_obj_t *self) {
    return (mp_int_t)uart_rx_count(self->id);
}

static bool mp_machine_uart_txdone(machine_uart_obj_t *self) {
    return uart_tx_idle(self->id);
}

static void mp_machine_uart_sendbreak(machine_uart_obj_t *self) {
    if (!wait_until_idle(self)) {
        mp_raise_OSError(MP_ETIMEDOUT);
    }
    uart_send_break(self->id);
}

// --- stream --------------------------------------------------------------------------------------------------------------

static mp_uint_t mp_machine_uart_read(mp_obj_t self_in, void *buf_in, mp_uint_t size, int *errcode) {
    machine_uart_obj_t *self = MP_OBJ_TO_PTR(self_in);
    if (!uart_is_open(self->id)) {
        *errcode = MP_EBADF;
        return MP_STREAM_ERROR;
    }
    uint8_t *to = buf_in;
    size_t done = uart_read(self->id, to, size);
    uint64_t since_us = timebase_us();
    while (done < size) {
        uint32_t wait_ms = done == 0 ? self->timeout_ms : self->timeout_char_ms;
        if (timebase_us() - since_us >= wait_ms * 1000ull) {
            break;
        }
        mp_event_wait_indefinite();
        size_t n = uart_read(self->id, to + done, size - done);
        if (n > 0) {
            done += n;
            since_us = timebase_us();
        }
    }
    if (done == 0) {
        *errcode = MP_EAGAIN;
        return MP_STREAM_ERROR;
    }
    return done;
}

static mp_uint_t mp_machine_uart_write(mp_obj_t self_in, const void *buf_in, mp_uint_t size, int *errcode) {
    machine_uart_obj_t *self = MP_OBJ_TO_PTR(self_in);
    if (!uart_is_open(self->id)) {
        *errcode = MP_EBADF;
        return MP_STREAM_ERROR;
    }
    const uint8_t *from = buf_in;
    bool out_of_time = from == self->rest;
    self->rest = NULL;
    size_t done = out_of_time ? 0 : uart_write(self->id, from, size);
    if (!out_of_time && self->timeout_ms > 0) {
        uint64_t deadline_us = timebase_us() + uart_ring_time_us(self->id) + self->timeout_ms * 1000ull;
        while (done < size && timebase_us() < deadline_us) {
            mp_event_wait_indefinite();
            done += uart_write(self->id, from + done, size - done);
        }
    }
    if (done == 0) {
        *errcode = MP_EAGAIN;
        return MP_STREAM_ERROR;
    }
    if (done < size) {
        self->rest = from + done;
    }
    return done;
}

static mp_uint_t mp_machine_uart_ioctl(mp_obj_t self_in, mp_uint_t request, uintptr_t arg, int *errcode) {
    machine_uart_obj_t *self = MP_OBJ_TO_PTR(self_in);
    if (request == MP_STREAM_POLL) {
        mp_uint_t ready = 0;
        if (arg & MP_STREAM_POLL_RD && uart_rx_count(self->id) > 0) {
            ready |= MP_STREAM_POLL_RD;
        }
        if (arg & MP_STREAM_POLL_WR && uart_is_open(self->id) && uart_tx_free(self->id) > 0) {
            ready |= MP_STREAM_POLL_WR;
        }
        return ready;
    }
    if (request == MP_STREAM_FLUSH) {
        if (wait_until_idle(self)) {
            return 0;
        }
        *errcode = MP_ETIMEDOUT;
        return MP_STREAM_ERROR;
    }
    *errcode = MP_EINVAL;
    return MP_STREAM_ERROR;
}
