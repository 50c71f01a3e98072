// RM0090 30. Reception is by interrupt into a ring; transmission fills the data register while it is free and leaves the
// rest to the TXE interrupt.
//
// Emulators know no baud rate (QEMU) or only on reception (newer Renode). There the driver itself moves bytes no faster
// than the line would, in steps of a SysTick, so that rings fill and links load as on a board. A byte that has to wait
// stays in the data register: the emulator holds the rest back and loses none. The console is not paced.
#include <string.h>
#include "uart.h"
#include "board.h"
#include "clock.h"
#include "pin.h"
#include "stm32f4.h"
#include "timebase.h"

#define COUNTER_MASK 0x3FFFFFFFu
#define RX_PER_INTERRUPT 64     // bound of one stay in the handler
#define PACE_BURST_US 20000u    // time that may be made up for: a loaded emulator skips ticks for as long
#define BREAK_BYTES 3u          // a break is one byte long, and a stop bit
#define PIN_FUNCTION 7u         // AF7: USART1..3 (DS8626 table 9)

typedef struct {
    usart_regs_t *const regs;
    uint8_t *const rx, *const tx;
    const uint16_t rx_size, tx_size;
    const uint8_t irq;
    const bool paced;          // on emulators
    volatile uint16_t rx_head, rx_tail, tx_head, tx_tail; // head: next to write, tail: next to read
    bool open;
    uart_config_t config;
    uint32_t cr1;              // without the interrupt enables
    uint32_t byte_ns;          // time of one byte on the line
    uint32_t seal;             // of all above but the indices
    int32_t rx_credit, tx_credit; // bytes that the line could have carried by now, see pace()
    uint32_t paced_at_us, paced_rest_ns;
    uart_counters_t counters;
} uart_t;

// One slot stays empty, so that a full ring differs from an empty one.
static uint8_t rx1[BOARD_UART1_RX_SIZE + 1], tx1[BOARD_UART1_TX_SIZE + 1];
static uint8_t rx2[BOARD_UART2_RX_SIZE + 1], tx2[BOARD_UART2_TX_SIZE + 1];
static uint8_t rx3[BOARD_UART3_RX_SIZE + 1], tx3[BOARD_UART3_TX_SIZE + 1];

static uart_t uarts[UART_COUNT] = {
    { USART1, rx1, tx1, sizeof(rx1), sizeof(tx1), IRQ_USART1, true },
    { USART2, rx2, tx2, sizeof(rx2), sizeof(tx2), IRQ_USART2, true },
    { USART3, rx3, tx3, sizeof(rx3), sizeof(tx3), IRQ_USART3, false },
};

static uart_t *get(int id) {
    return &uarts[id - 1];
}

static void count(uint32_t *counter, uint32_t by) {
    *counter = (*counter + by) & COUNTER_MASK;
}

static uint16_t next(uint16_t index, uint16_t size) {
    index++;
    return index == size ? 0 : index;
}

// Over what does not change between uart_open and uart_close.
static uint32_t seal_of(const uart_t *u) {
    const uint32_t words[] = {
        (uint32_t)(uintptr_t)u->regs, (uint32_t)(uintptr_t)u->rx, (uint32_t)(uintptr_t)u->tx,
        (uint32_t)u->rx_size << 16 | u->tx_size, (uint32_t)u->irq << 16 | (uint32_t)u->paced << 8 | u->open,
        u->config.baud, (uint32_t)u->config.data_bits << 16 | (uint32_t)u->config.stop_bits << 8 | u->config.parity,
        u->cr1, u->byte_ns,
    };
    uint32_t sum = 0xFFFFFFFFu;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        sum = (sum << 1 | sum >> 31) ^ words[i];
    }
    return sum;
}

// An index beyond its ring would never come back to its start.
static bool is_intact(const uart_t *u) {
    return u->seal == seal_of(u) && u->rx_head < u->rx_size && u->rx_tail < u->rx_size && u->tx_head < u->tx_size
           && u->tx_tail < u->tx_size;
}

bool uart_is_intact(void) {
    for (int i = 0; i < UART_COUNT; i++) {
        if (uarts[i].seal != 0 && !is_intact(&uarts[i])) {
            return false;
        }
    }
    return true;
}

static bool is_paced(const uart_t *u) {
    return u->paced && clock_is_emulated();
}

// --- reception -------------------------------------------------------------------------------------------------------

static void accept(uart_t *u, uint32_t sr, uint8_t byte) {
    if (sr & USART_SR_FE) {
        count(&u->counters.framing, 1);
    }
    if (sr & USART_SR_NF) {
        count(&u->counters.noise, 1);
    }
    if (sr & USART_SR_PE) {
        count(&u->counters.parity, 1);
    }
    if (u->config.data_bits == 7) {
        byte &= 0x7F;
    }
    if (uart_intercept((int)(u - uarts) + 1, byte)) {
        return;
    }
    uint16_t head = next(u->rx_head, u->rx_size);
    if (head == u->rx_tail) {
        count(&u->counters.rx_overflow, 1);
        return;
    }
    u->rx[u->rx_head] = byte;
    cpu_compiler_barrier(); // the byte is there before its index says so; likewise below
    u->rx_head = head;
    count(&u->counters.rx_bytes, 1);
}

static void transmit(uart_t *u);

static void irq(uart_t *u) {
    usart_regs_t *regs = u->regs;
    bool paced = is_paced(u);
    for (int i = 0; i < RX_PER_INTERRUPT; i++) {
        uint32_t sr = regs->SR;
        if (!(sr & (USART_SR_RXNE | USART_SR_ORE))) {
            break;
        }
        if (paced) {
            if (u->rx_credit <= 0) {
                regs->CR1 = u->cr1; // RXNEIE off until the next tick
                break;
            }
            u->rx_credit--;
        }
        uint8_t byte = (uint8_t)regs->DR; // also clears ORE
        if (sr & USART_SR_ORE) {
            count(&u->counters.overrun, 1);
        }
        if (sr & USART_SR_RXNE) {
            accept(u, sr, byte);
        }
    }
    if (!paced && regs->CR1 & USART_CR1_TXEIE) {
        transmit(u);
    }
}

void usart1_irq_handler(void) {
    irq(&uarts[0]);
}
void usart2_irq_handler(void) {
    irq(&uarts[1]);
}
void usart3_irq_handler(void) {
    irq(&uarts[2]);
}

size_t uart_rx_count(int id) {
    const uart_t *u = get(id);
    int n = u->rx_head - u->rx_tail;
    return n < 0 ? n + u->rx_size : n;
}

size_t uart_read(int id, uint8_t *to, size_t size) {
    uart_t *u = get(id);
    size_t n = 0;
    while (n < size && u->rx_tail != u->rx_head) {
        to[n++] = u->rx[u->rx_tail];
        cpu_compiler_barrier();
        u->rx_tail = next(u->rx_tail, u->rx_size);
    }
    return n;
}

// --- transmission ----------------------------------------------------------------------------------------------------

// Move bytes from `from` while the data register is free; how many of *count* were moved.
static uint32_t transmit_straight(usart_regs_t *regs, const uint8_t *from, uint32_t count) {
    const uint8_t *at = from, *end = from + count;
    while (at != end && regs->SR & USART_SR_TXE) {
        regs->DR = *at++;
    }
    return (uint32_t)(at - from);
}

// Move bytes while the data register is free; with interrupts masked, or from a handler.
static void transmit(uart_t *u) {
    bool paced = is_paced(u);
    uint32_t sent = 0;
    // Straight to the end of the ring, then from its beginning: few instructions an octet.
    while (u->tx_tail != u->tx_head && (!paced || u->tx_credit > 0)) {
        uint32_t tail = u->tx_tail;
        uint32_t straight = (u->tx_head > tail ? u->tx_head : u->tx_size) - tail;
        if (paced && straight > (uint32_t)u->tx_credit) {
            straight = (uint32_t)u->tx_credit;
        }
        uint32_t moved = transmit_straight(u->regs, u->tx + tail, straight);
        tail += moved;
        u->tx_tail = (uint16_t)(tail == u->tx_size ? 0 : tail);
        u->tx_credit -= paced ? (int32_t)moved : 0;
        sent += moved;
        if (moved < straight) {
            break;
        }
    }
    count(&u->counters.tx_bytes, sent);
    if (!paced) {
        u->regs->CR1 = u->cr1 | USART_CR1_RXNEIE | (u->tx_tail != u->tx_head ? USART_CR1_TXEIE : 0);
    }
}

size_t uart_tx_pending(int id) {
    const uart_t *u = get(id);
    int n = u->tx_head - u->tx_tail;
    return n < 0 ? n + u->tx_size : n;
}

size_t uart_tx_free(int id) {
    return get(id)->tx_size - 1 - uart_tx_pending(id);
}

// By words, wherever they stand: the C library's own copies octet by octet unless both sides are aligned.
static void copy(uint8_t *to, const uint8_t *from, size_t size) {
    uint32_t word;
    for (; size >= sizeof(word); size -= sizeof(word), to += sizeof(word), from += sizeof(word)) {
        memcpy(&word, from, sizeof(word));
        memcpy(to, &word, sizeof(word));
    }
    memcpy(to, from, size);
}

size_t uart_write(int id, const uint8_t *from, size_t size) {
    uart_t *u = get(id);
    if (!u->open) {
        return 0;
    }
    uint32_t priority = cpu_mask_from(PRIORITY_PIN_IRQ); // their handlers may print; reception goes on
    size_t room = uart_tx_free(id);
    size_t n = size < room ? size : room;
    size_t head = u->tx_head;
    size_t straight = u->tx_size - head < n ? u->tx_size - head : n;
    copy(u->tx + head, from, straight);
    copy(u->tx, from + straight, n - straight);
    cpu_compiler_barrier();
    head += n;
    u->tx_head = (uint16_t)(head < u->tx_size ? head : head - u->tx_size);
    uint32_t state = cpu_mask_all();
    transmit(u);
    cpu_unmask_all(state);
    cpu_unmask_irqs(priority);
    return n;
}

void uart_count_tx_dropped(int id, size_t size) {
    count(&get(id)->counters.tx_dropped, size);
}

bool uart_tx_idle(int id) {
    const uart_t *u = get(id);
    return !u->open || (u->tx_tail == u->tx_head && u->regs->SR & USART_SR_TC);
}

// The transmitter is idle here, so no interrupt rewrites CR1 meanwhile. Hardware takes SBK back during the stop bit that
// ends the break (RM0090 30.6.4); emulators do not, so it is taken back here.
void uart_send_break(int id) {
    uart_t *u = get(id);
    if (!uart_tx_idle(id) || !u->open) {
        return;
    }
    uint32_t start_us = timebase_us32();
    uint32_t state = cpu_mask_all();
    u->regs->CR1 |= USART_CR1_SBK;
    cpu_unmask_all(state);
    while (u->regs->CR1 & USART_CR1_SBK && timebase_us32() - start_us < BREAK_BYTES * u->byte_ns / 1000u) {
    }
    state = cpu_mask_all();
    u->regs->CR1 &= ~USART_CR1_SBK;
    cpu_unmask_all(state);
}

// --- set-up ----------------------------------------------------------------------------------------------------------

static void enable_clock(int id) {
    if (id == 1) {
        rcc_enable(&RCC->APB2ENR, RCC_APB2ENR_USART1);
    } else {
        rcc_enable(&RCC->APB1ENR, id == 2 ? RCC_APB1ENR_USART2 : RCC_APB1ENR_USART3);
    }
}

// The pull makes an open line read idle.
static void connect_pin(uint32_t pin) {
    pin_configure(pin, &(pin_config_t) { .mode = PIN_ALTERNATE, .pull = PIN_PULL_UP, .alternate = PIN_FUNCTION });
}

// Start bit, data, parity, stop bits.
static uint32_t byte_time_ns(const uart_config_t *config) {
    uint32_t bits = 1u + config->data_bits + (config->parity != UART_PARITY_NONE) + config->stop_bits;
    return (uint32_t)(bits * 1000000000ull / config->baud);
}

void uart_open(int id, const uart_config_t *config) {
    static const uint8_t pins[UART_COUNT][2] = {
        { BOARD_UART1_TX, BOARD_UART1_RX }, { BOARD_UART2_TX, BOARD_UART2_RX }, { BOARD_UART3_TX, BOARD_UART3_RX },
    };
    uart_t *u = get(id);
    enable_clock(id);
    connect_pin(pins[id - 1][0]);
    connect_pin(pins[id - 1][1]);
    uint32_t state = cpu_mask_all();
    if (!u->open) {
        u->rx_head = u->rx_tail = u->tx_head = u->tx_tail = 0;
        u->rx_credit = u->tx_credit = 0;
    }
    u->config = *config;
    u->byte_ns = byte_time_ns(config);
    u->cr1 = USART_CR1_UE | USART_CR1_TE | USART_CR1_RE;
    if (config->parity != UART_PARITY_NONE) {
        // The parity bit counts as a data bit of the frame (RM0090 table 147).
        u->cr1 |= USART_CR1_PCE | (config->parity == UART_PARITY_ODD ? USART_CR1_PS : 0);
        u->cr1 |= config->data_bits == 8 ? USART_CR1_M : 0;
    }
    uint32_t clock_hz = id == 1 ? clock_rates.pclk2_hz : clock_rates.pclk1_hz;
    u->regs->CR1 = 0;
    u->regs->CR2 = config->stop_bits == 2 ? USART_CR2_STOP_2 : 0;
    u->regs->CR3 = 0;
    u->regs->BRR = (clock_hz + config->baud / 2) / config->baud;
    u->regs->CR1 = u->cr1 | USART_CR1_RXNEIE;
    u->open = true;
    u->seal = seal_of(u);
    transmit(u); // what was left in the ring goes on at the new speed
    cpu_unmask_all(state);
    nvic_enable(u->irq, PRIORITY_IRQ);
}

void uart_close(int id) {
    uart_t *u = get(id);
    NVIC_ICER(u->irq >> 5) = 1u << (u->irq & 31);
    uint32_t state = cpu_mask_all();
    u->open = false;
    u->regs->CR1 = 0;
    u->rx_head = u->rx_tail = u->tx_head = u->tx_tail = 0;
    u->seal = seal_of(u);
    cpu_unmask_all(state);
}

bool uart_is_open(int id) {
    return get(id)->open;
}

const uart_config_t *uart_config(int id) {
    return &get(id)->config;
}

const uart_counters_t *uart_counters(int id) {
    return &get(id)->counters;
}

uint32_t uart_rx_ring_size(int id) {
    return get(id)->rx_size - 1u;
}

uint32_t uart_tx_ring_size(int id) {
    return get(id)->tx_size - 1u;
}

uint32_t uart_ring_time_us(int id) {
    const uart_t *u = get(id);
    return u->tx_size * (u->byte_ns / 1000u + 1u);
}

// --- pacing on emulators ---------------------------------------------------------------------------------------------

static int32_t add_credit(int32_t credit, int32_t bytes, int32_t most) {
    return credit + bytes > most ? most : credit + bytes;
}

static void pace(uart_t *u, uint32_t now_us) {
    uint32_t elapsed_us = now_us - u->paced_at_us;
    u->paced_at_us = now_us;
    if (elapsed_us > PACE_BURST_US) {
        elapsed_us = PACE_BURST_US;
    }
    uint32_t elapsed_ns = elapsed_us * 1000u + u->paced_rest_ns;
    int32_t bytes = (int32_t)(elapsed_ns / u->byte_ns);
    u->paced_rest_ns = elapsed_ns % u->byte_ns;
    int32_t most = (int32_t)(PACE_BURST_US * 1000u / u->byte_ns) + 1;
    u->rx_credit = add_credit(u->rx_credit, bytes, most);
    u->tx_credit = add_credit(u->tx_credit, bytes, most);
}

void uart_tick(uint32_t now_us) {
    if (!clock_is_emulated()) {
        return;
    }
    for (int i = 0; i < UART_COUNT; i++) {
        uart_t *u = &uarts[i];
        if (u->open && u->paced) {
            pace(u, now_us);
            transmit(u);
            if (u->rx_credit > 0) {
                u->regs->CR1 = u->cr1 | USART_CR1_RXNEIE;
            }
        }
    }
}
