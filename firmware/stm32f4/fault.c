// DDI 0403E B1.5 (exception model). Handlers run on a stack of their own: the one that overflowed is of no use, and a
// fault inside HardFault locks the processor up.
#include "fault.h"
#include "board.h"
#include "clock.h"
#include "stm32f4.h"
#include "timebase.h"

#include <string.h>

#define RECORD_MAGIC 0x50455243u // "PERC"
#define BOOT_MAGIC 0x5045424Fu   // "PEBO"
extern uint8_t _stack_bottom[];

#define FRAME_PC 6
#define FRAME_LR 5
#define FRAME_PSR 7
#define FRAME_WORDS 8
#define STACK_SEARCH_WORDS 256u

// What survives a reset. Power-on leaves noise here: every part is checked before it is believed.
static struct {
    uint32_t boot_magic;
    uint32_t boot_count;
    uint32_t pending; // why we reset ourselves: reset_cause_t
    uint32_t check;   // ~(magic ^ count ^ pending)
    crash_record_t record;
} survivor __attribute__((section(".noinit")));

static uint8_t breadcrumb[BREADCRUMB_SIZE];
static reset_cause_t cause_of_this_boot;
static bool record_valid;

static uint32_t crc32_of(const uint8_t *data, size_t len) {
    uint32_t crc = 0xFFFFFFFFu;
    for (size_t i = 0; i < len; i++) {
        crc ^= data[i];
        for (int bit = 0; bit < 8; bit++) {
            crc = crc >> 1 ^ (0xEDB88320u & (0u - (crc & 1u)));
        }
    }
    return ~crc;
}

static uint32_t survivor_check(void) {
    return ~(survivor.boot_magic ^ survivor.boot_count ^ survivor.pending);
}

static void survivor_seal(uint32_t pending) {
    survivor.boot_magic = BOOT_MAGIC;
    survivor.pending = pending;
    survivor.check = survivor_check();
}

static uint32_t record_crc(void) {
    return crc32_of((const uint8_t *)&survivor.record, offsetof(crash_record_t, crc));
}

// RCC_CSR is believed on silicon only: Renode shows constants, QEMU zero.
static reset_cause_t cause_from_rcc(reset_cause_t own) {
    uint32_t csr = RCC->CSR;
    RCC->CSR = csr | RCC_CSR_RMVF;
    if (csr & RCC_CSR_PORRSTF) {
        return RESET_POWER_ON;
    }
    if (csr & RCC_CSR_BORRSTF) {
        return RESET_BROWN_OUT;
    }
    if (csr & (RCC_CSR_IWDGRSTF | RCC_CSR_WWDGRSTF)) {
        return RESET_WATCHDOG;
    }
    if (csr & RCC_CSR_SFTRSTF) {
        return own;
    }
    return RESET_HARD;
}

uint32_t fault_init(void) {
    bool warm = survivor.boot_magic == BOOT_MAGIC && survivor.check == survivor_check();
    cause_of_this_boot = !warm ? RESET_POWER_ON : survivor.pending ? (reset_cause_t)survivor.pending : RESET_HARD;
    if (!clock_is_emulated()) {
        cause_of_this_boot = cause_from_rcc(cause_of_this_boot);
    }
    if (!warm || cause_of_this_boot == RESET_POWER_ON) {
        survivor.boot_count = 0;
        survivor.record.magic = 0;
    }
    survivor.boot_count++;
    survivor_seal(0);
    record_valid = survivor.record.magic == RECORD_MAGIC && survivor.record.crc == record_crc();

    SCB_SHCSR |= SCB_SHCSR_FAULTS;
    SCB_CCR |= SCB_CCR_DIV_0_TRP;
    uint32_t status = 0;
    if (cause_of_this_boot == RESET_CRASH) {
        status |= BOOT_CRASHED;
    }
    if (cause_of_this_boot == RESET_WATCHDOG) {
        status |= BOOT_WATCHDOG;
    }
    return status;
}

reset_cause_t fault_reset_cause(void) {
    return cause_of_this_boot;
}

const crash_record_t *fault_last_record(void) {
    return record_valid ? &survivor.record : NULL;
}

void fault_clear_record(void) {
    survivor.record.magic = 0;
    record_valid = false;
}

uint32_t fault_boot_count(void) {
    return survivor.boot_count;
}

void fault_set_breadcrumb(const uint8_t bytes[BREADCRUMB_SIZE]) {
    memcpy(breadcrumb, bytes, BREADCRUMB_SIZE);
}

void fault_reset(void) {
    cpu_mask_all();
    survivor_seal(RESET_HARD);
    cpu_dsb();
    SCB_AIRCR = SCB_AIRCR_SYSRESETREQ;
    for (;;) {
    }
}

// A frame below the stack was never written: pushing it is what failed.
static bool in_sram(const uint32_t *frame) {
    uint32_t address = (uint32_t)frame;
    return (address & 3u) == 0 && address >= (uint32_t)_stack_bottom && address <= SRAM_BASE + SRAM_SIZE - FRAME_WORDS * 4u;
}

// True when `word` is what a call leaves: a Thumb address in flash behind a BL or a BLX (DDI 0403E A5.3.4, A5.2.3).
static bool is_return_address(uint32_t word) {
    if (!(word & 1u) || word < FLASH_BASE + 8u || word >= FLASH_BASE + BOARD_FLASH_SIZE) {
        return false;
    }
    const uint16_t *after = (const uint16_t *)(word & ~1u);
    return ((after[-2] & 0xF800u) == 0xF000u && (after[-1] & 0xD000u) == 0xD000u) || (after[-1] & 0xFF87u) == 0x4780u;
}

// Who filled the stack: the innermost return address on it. 0 when the last frame is larger than what is searched.
static uint32_t innermost_return_address(void) {
    const uint32_t *word = (const uint32_t *)_stack_bottom;
    for (size_t i = 0; i < STACK_SEARCH_WORDS; i++) {
        if (is_return_address(word[i])) {
            return word[i];
        }
    }
    return 0;
}

void fault_record_and_reset(crash_cause_t cause, const uint32_t *frame) {
    cpu_mask_all();
    crash_record_t *record = &survivor.record;
    memset(record, 0, sizeof(*record));
    record->magic = RECORD_MAGIC;
    record->cause = cause;
    if (frame != NULL) {
        record->sp = (uint32_t)frame;
        if (in_sram(frame)) {
            record->pc = frame[FRAME_PC];
            record->lr = frame[FRAME_LR];
            record->psr = frame[FRAME_PSR];
        } else {
            record->lr = innermost_return_address();
        }
    }
    record->cfsr = SCB_CFSR;
    record->hfsr = SCB_HFSR;
    record->mmfar = SCB_MMFAR;
    record->bfar = SCB_BFAR;
    record->uptime_us = timebase_us();
    memcpy(record->breadcrumb, breadcrumb, BREADCRUMB_SIZE);
    record->crc = record_crc();
    survivor_seal(cause == CRASH_WATCHDOG ? RESET_WATCHDOG : RESET_CRASH);
    cpu_dsb();
    SCB_AIRCR = SCB_AIRCR_SYSRESETREQ;
    for (;;) {
    }
}

// The two instructions of fault_probe_word that may fault, and where to go on if they do.
extern const char probe_start[], probe_end[], probe_failed[];

__attribute__((naked)) bool fault_probe_word(uint32_t address, uint32_t value, uint32_t *read_back) {
    (void)address;
    (void)value;
    (void)read_back;
    __asm volatile (
        ".global probe_start, probe_end, probe_failed\n"
        "probe_start:\n"
        "  str r1, [r0]\n"
        "  dsb\n"
        "  ldr r3, [r0]\n"
        "  dsb\n"
        "probe_end:\n"
        "  str r3, [r2]\n"
        "  movs r0, #1\n"
        "  bx lr\n"
        "probe_failed:\n"
        "  movs r0, #0\n"
        "  bx lr\n");
}

#define BKPT_SEMIHOSTING 0xBEABu

// From the fault vectors (startup.c), on the fault stack. Returns when the fault was one we provoked.
void fault_handler(uint32_t *frame, uint32_t exception) {
    if (in_sram(frame)) {
        uint32_t pc = frame[FRAME_PC];
        if (pc >= (uint32_t)probe_start && pc < (uint32_t)probe_end) {
            frame[FRAME_PC] = (uint32_t)probe_failed;
            SCB_CFSR = SCB_CFSR;
            SCB_HFSR = SCB_HFSR;
            return;
        }
        // A semihosting call with nobody behind it: report failure to the caller (semihosting.c).
        if (pc >= FLASH_BASE && pc < FLASH_BASE + BOARD_FLASH_SIZE && *(const uint16_t *)pc == BKPT_SEMIHOSTING) {
            frame[0] = 0xFFFFFFFFu;
            frame[FRAME_PC] = pc + 2;
            SCB_CFSR = SCB_CFSR;
            SCB_HFSR = SCB_HFSR;
            return;
        }
    }
    if (exception == CRASH_NMI) {
        RCC->CIR |= RCC_CIR_CSSC;
    }
    fault_record_and_reset((crash_cause_t)exception, frame);
}
