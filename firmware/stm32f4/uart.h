// USART1..3 with a receive and a transmit ring each. No Python here: machine_uart_stm32f4.c binds it.
#ifndef PERILUNE_UART_H
#define PERILUNE_UART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UART_COUNT 3
#define UART_BAUD_MIN 9600u
#define UART_BAUD_MAX 921600u

// Counters only grow, and wrap at 2^30 so that Python sees them as small integers.
typedef struct {
    uint32_t rx_bytes;    // delivered into the ring
    uint32_t tx_bytes;    // written to the data register
    uint32_t rx_overflow; // dropped: the ring was full
    uint32_t overrun;     // lost in hardware: the interrupt came too late
    uint32_t framing;     // bytes delivered with a wrong stop bit
    uint32_t noise;       // bytes delivered with disagreeing samples
    uint32_t parity;      // bytes delivered with wrong parity
    uint32_t tx_dropped;  // refused: the transmit ring was full
} uart_counters_t;

typedef enum { UART_PARITY_NONE, UART_PARITY_EVEN, UART_PARITY_ODD } uart_parity_t;

typedef struct {
    uint32_t baud; // UART_BAUD_MIN..UART_BAUD_MAX
    uint8_t data_bits; // 7 (only with parity), 8, or 9 is not offered
    uint8_t stop_bits; // 1 or 2
    uart_parity_t parity;
} uart_config_t;

// `id` is 1..UART_COUNT throughout.
bool uart_is_open(int id);
void uart_open(int id, const uart_config_t *config); // also re-configures; rings keep their content
void uart_close(int id);
const uart_config_t *uart_config(int id);

size_t uart_rx_count(int id);
size_t uart_read(int id, uint8_t *to, size_t size);          // never blocks
size_t uart_tx_free(int id);
size_t uart_tx_pending(int id);
size_t uart_write(int id, const uint8_t *from, size_t size); // takes what fits, never blocks; does not count what it refuses
void uart_count_tx_dropped(int id, size_t size);
bool uart_tx_idle(int id);                                   // ring empty and last stop bit sent
void uart_send_break(int id);                                // when idle; takes two byte times, at most three

const uart_counters_t *uart_counters(int id);
uint32_t uart_rx_ring_size(int id);
uint32_t uart_tx_ring_size(int id);
uint32_t uart_ring_time_us(int id);                          // in which a full transmit ring leaves at the present speed

// Supplied by mphalport.c, called from the interrupt: true when the byte is not for the ring (keyboard interrupt).
bool uart_intercept(int id, uint8_t c);

// What has been set up has not changed since, and every ring's indices lie in it.
bool uart_is_intact(void);

// Every millisecond from SysTick.
void uart_tick(uint32_t now_us);

#endif
