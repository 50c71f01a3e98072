// Vector table and reset. The table is the lowest section of the image: Renode takes the vector base from there.
#include "board.h"
#include "fault.h"
#include "stm32f4.h"

#include <stdint.h>

extern uint32_t _stack_top[], _fault_stack_top[], _stack_guard[];
extern uint32_t _data_load[], _data_start[], _data_end[], _bss_start[], _bss_end[];

int main(void);
void Reset_Handler(void);
void exti0_irq_handler(void);
void exti1_irq_handler(void);
void exti2_irq_handler(void);
void exti3_irq_handler(void);
void exti4_irq_handler(void);
void exti9_5_irq_handler(void);
void exti15_10_irq_handler(void);
void usart1_irq_handler(void);
void usart2_irq_handler(void);
void usart3_irq_handler(void);

#define GUARD_SIZE_256 (7u << 1)     // MPU_RASR.SIZE: 2^(7+1) bytes, deeper than the frames that overflow in practice
#define MPU_RASR_XN (1u << 28)       // AP = 0: no access
#define MPU_CTRL_ENABLE_DEFAULT_MAP 5u

// An MPU region without access below the stack turns an overflow into MemManage (DDI 0403E B3.5).
static void guard_stack(void) {
    MPU_RNR = 0;
    MPU_RBAR = (uint32_t)_stack_guard;
    MPU_RASR = MPU_RASR_XN | GUARD_SIZE_256 | 1u;
    MPU_CTRL = MPU_CTRL_ENABLE_DEFAULT_MAP;
    cpu_dsb();
    cpu_isb();
}

__attribute__((used, noreturn)) static void reset_body(void) {
    SCB_VTOR = FLASH_BASE;
    for (uint32_t *from = _data_load, *to = _data_start; to < _data_end;) {
        *to++ = *from++;
    }
    for (uint32_t *to = _bss_start; to < _bss_end;) {
        *to++ = 0;
    }
    guard_stack();
    main();
    fault_reset();
}

// The floating-point unit comes first: compiled code may push its registers.
__attribute__((naked, noreturn)) void Reset_Handler(void) {
    __asm volatile (
        "  ldr r0, =0xE000ED88\n" // CPACR
        "  ldr r1, [r0]\n"
        "  orr r1, r1, #0x00F00000\n"
        "  str r1, [r0]\n"
        "  dsb\n"
        "  isb\n"
        "  b reset_body\n");
}

// Fault entries: keep the interrupted stack pointer, go on a fresh stack, then decide in C. When the handler returns
// (it provoked the fault itself) the old stack comes back.
#define FAULT_ENTRY(name, cause) \
    __attribute__((naked)) static void name(void) { \
        __asm volatile ( \
            "  mrs r0, msp\n" \
            "  movs r1, #" #cause "\n" \
            "  b fault_entry\n"); \
    }

__attribute__((naked, used)) static void fault_entry(void) {
    __asm volatile (
        "  ldr r2, =_fault_stack_top\n"
        "  mov r3, lr\n"
        "  msr msp, r2\n"
        "  push {r0, r3}\n"
        "  bl fault_handler\n"
        "  pop {r0, r3}\n"
        "  msr msp, r0\n"
        "  bx r3\n");
}

// The numbers are those of crash_cause_t.
FAULT_ENTRY(hard_fault, 1)
FAULT_ENTRY(mem_manage, 2)
FAULT_ENTRY(bus_fault, 3)
FAULT_ENTRY(usage_fault, 4)
FAULT_ENTRY(nmi, 5)
FAULT_ENTRY(unexpected_irq, 6)

// SysTick wants the frame of what it interrupted, for the watchdog's crash record.
__attribute__((naked)) static void systick_entry(void) {
    __asm volatile (
        "  mrs r0, msp\n"
        "  b systick_handler\n");
}

typedef void (*vector_t)(void);

__attribute__((section(".isr_vector"), used)) static const struct {
    const uint32_t *stack;
    vector_t system[15];
    vector_t irq[IRQ_COUNT];
} vectors = {
    .stack = _stack_top,
    .system = {
        Reset_Handler, nmi, hard_fault, mem_manage, bus_fault, usage_fault, 0, 0, 0, 0,
        unexpected_irq, // SVCall
        unexpected_irq, // debug monitor
        0,
        unexpected_irq, // PendSV
        systick_entry,
    },
    .irq = {
        [0 ... IRQ_EXTI0 - 1] = unexpected_irq,
        [IRQ_EXTI0] = exti0_irq_handler, exti1_irq_handler, exti2_irq_handler, exti3_irq_handler, exti4_irq_handler,
        [IRQ_EXTI0 + 5 ... IRQ_EXTI9_5 - 1] = unexpected_irq,
        [IRQ_EXTI9_5] = exti9_5_irq_handler,
        [IRQ_EXTI9_5 + 1 ... IRQ_USART1 - 1] = unexpected_irq,
        [IRQ_USART1] = usart1_irq_handler,
        [IRQ_USART2] = usart2_irq_handler,
        [IRQ_USART3] = usart3_irq_handler,
        [IRQ_EXTI15_10] = exti15_10_irq_handler,
        [IRQ_EXTI15_10 + 1 ... IRQ_COUNT - 1] = unexpected_irq,
    },
};

// What the image says of itself, behind the vectors, for those who flash it (host_tools/perilune/flash/identity.py).
extern const uint8_t _image_end[];
__attribute__((section(".identity"), used)) static const struct {
    char magic[8];
    uint32_t format;
    const uint8_t *end; // behind the last octet of the image
    char board[32];
    char mcu[16];
    char variant[8];
} identity = {
    .magic = { 'P', 'E', 'R', 'I', 'L', 'U', 'N', 'E' },
    .format = 1,
    .end = _image_end,
    .board = BOARD_NAME,
    .mcu = BOARD_MCU,
#if PERILUNE_DEV
    .variant = "dev",
#else
    .variant = "flight",
#endif
};
