// Crash record: what a fault, a watchdog or an uncaught exception leaves for the next boot.
//
// It lies in .noinit SRAM, survives a reset, not a power cut, and is valid only with its magic and CRC.
#ifndef PERILUNE_FAULT_H
#define PERILUNE_FAULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum {
    CRASH_NONE = 0,
    CRASH_HARD_FAULT = 1,
    CRASH_MEM_MANAGE = 2,  // includes the stack guard
    CRASH_BUS_FAULT = 3,
    CRASH_USAGE_FAULT = 4,
    CRASH_NMI = 5,         // the external crystal stopped (clock security system)
    CRASH_UNEXPECTED_IRQ = 6,
    CRASH_WATCHDOG = 7,    // early warning from SysTick: pc is where the program hung
    CRASH_PYTHON = 8,      // uncaught exception in the flight program
    CRASH_MEMORY = 9,      // the port's own memory is damaged: systick.c looks
} crash_cause_t;

#define BREADCRUMB_SIZE 8

typedef struct {
    uint32_t magic;
    uint32_t cause; // crash_cause_t
    uint32_t pc, lr, sp, psr; // after a stack overflow pc and psr are lost, and lr is the innermost return address
    uint32_t cfsr, hfsr, mmfar, bfar; // fault status and address registers, DDI 0403E B3.2.15..B3.2.18
    uint64_t uptime_us;
    uint8_t breadcrumb[BREADCRUMB_SIZE];
    uint32_t crc; // CRC-32 over all before it
} crash_record_t;

// How this boot came about.
typedef enum {
    RESET_POWER_ON = 1,
    RESET_HARD = 2, // reset pin, or reset asked for by software
    RESET_WATCHDOG = 3,
    RESET_BROWN_OUT = 4,
    RESET_CRASH = 5,
} reset_cause_t;

// Sort out what the last run left; once at boot, after clock_init. Returns BOOT_* bits.
uint32_t fault_init(void);

reset_cause_t fault_reset_cause(void);

// The record of the run before, or NULL. Stays until fault_clear_record or a power cut.
const crash_record_t *fault_last_record(void);
void fault_clear_record(void);

// Number of boots since power-on, the present one included.
uint32_t fault_boot_count(void);

// Eight bytes of the program's choice that go into the next crash record.
void fault_set_breadcrumb(const uint8_t bytes[BREADCRUMB_SIZE]);

// Write the record and reset. `frame` is the exception stack frame (r0-r3, r12, lr, pc, psr) or NULL. Touches nothing that can fault.
void fault_record_and_reset(crash_cause_t cause, const uint32_t *frame) __attribute__((noreturn));

// Reset as the reset pin would.
void fault_reset(void) __attribute__((noreturn));

// Read and write a word that may not be there. Returns false when the bus refused.
bool fault_probe_word(uint32_t address, uint32_t value, uint32_t *read_back);

#endif
