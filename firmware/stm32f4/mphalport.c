// What the MicroPython core asks of a port: standard streams on the console UART, delays, ticks.
#include "py/mphal.h"
#include "py/runtime.h"
#include "py/stream.h"

#include "board.h"
#include "timebase.h"
#include "uart.h"

#define CONSOLE 3

int mp_hal_stdin_rx_chr(void) {
    uint8_t c;
    while (uart_read(CONSOLE, &c, 1) == 0) {
        mp_event_wait_indefinite();
    }
    return c;
}

uintptr_t mp_hal_stdio_poll(uintptr_t poll_flags) {
    uintptr_t ready = 0;
    if (poll_flags & MP_STREAM_POLL_RD && uart_rx_count(CONSOLE) > 0) {
        ready |= MP_STREAM_POLL_RD;
    }
    if (poll_flags & MP_STREAM_POLL_WR && uart_tx_free(CONSOLE) > 0) {
        ready |= MP_STREAM_POLL_WR;
    }
    return ready;
}

// A log line never holds up the flight program: what does not fit the ring is dropped and counted. A person at the REPL
// gets every byte.
mp_uint_t mp_hal_stdout_tx_strn(const char *str, size_t len) {
    size_t done = uart_write(CONSOLE, (const uint8_t *)str, len);
    #if PERILUNE_DEV
    while (done < len && uart_is_open(CONSOLE)) {
        timebase_wait_for_interrupt();
        done += uart_write(CONSOLE, (const uint8_t *)str + done, len - done);
    }
    #else
    uart_count_tx_dropped(CONSOLE, len - done);
    #endif
    return done;
}

bool uart_intercept(int id, uint8_t c) {
    if (id != CONSOLE || c != mp_interrupt_char) {
        return false;
    }
    mp_sched_keyboard_interrupt();
    return true;
}

mp_uint_t mp_hal_ticks_ms(void) {
    return (mp_uint_t)(timebase_us() / 1000);
}

uint64_t mp_hal_time_ns(void) {
    return timebase_us() * 1000;
}

void mp_hal_delay_ms(mp_uint_t ms) {
    uint64_t end = timebase_us() + (uint64_t)ms * 1000;
    for (;;) {
        mp_event_handle_nowait();
        if (timebase_us() >= end) {
            return;
        }
        timebase_wait_for_interrupt();
    }
}

void mp_hal_delay_us(mp_uint_t us) {
    uint32_t start = timebase_us32();
    while (timebase_us32() - start < us) {
    }
}

void mp_hal_pin_input(uint32_t pin) {
    pin_configure(pin, &(pin_config_t) { .mode = PIN_INPUT });
}

void mp_hal_pin_output(uint32_t pin) {
    pin_configure(pin, &(pin_config_t) { .mode = PIN_OUTPUT });
}

void mp_hal_pin_open_drain(uint32_t pin) {
    pin_write(pin, true);
    pin_configure(pin, &(pin_config_t) { .mode = PIN_OUTPUT, .drive = PIN_OPEN_DRAIN });
}
