// Runs drivers of firmware/stm32f4 on a workstation against models of the peripherals.
//
// The drivers are compiled unchanged, with gcc's thread sanitizer, which calls a function before each access to memory and
// tells volatile ones apart. This file is those functions, in place of the sanitizer's library: a read of a register asks the
// model for its value just before the driver loads it, and a write is told to the model as soon as the driver does anything
// else. The registers lie in plain memory; cpu_at finds the place of an address there.
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "clock.h"
#include "cpu.h"
#include "exti.h"
#include "semihosting.h"
#include "timebase.h"
#include "uart.h"
#include "watchdog.h"

uint8_t registers_peripherals[PERIPHERALS_SIZE];
uint8_t registers_system[SYSTEM_SIZE];
uint8_t registers_storage[STORAGE_SIZE]; // read as memory, written through the model, bytes too

static const struct {
    uint8_t *memory;
    uint32_t size, address;
} regions[] = {
    { registers_peripherals, PERIPHERALS_SIZE, PERIPHERALS_AT },
    { registers_system, SYSTEM_SIZE, SYSTEM_AT },
    { registers_storage, STORAGE_SIZE, STORAGE_AT },
};

clock_rates_t clock_rates = { 168000000, 42000000, 84000000 };

typedef uint32_t (*read_hook_t)(uint32_t address);
typedef void (*write_hook_t)(uint32_t address, uint32_t value);
typedef uint32_t (*time_hook_t)(void);
typedef void (*mask_hook_t)(int masked);

static read_hook_t on_read;
static write_hook_t on_write;
static time_hook_t on_time;
static mask_hook_t on_mask;
static volatile uint8_t *written;
static uint32_t written_size;
static uint32_t narrow_accesses;

void registers_open(read_hook_t read, write_hook_t write, time_hook_t time, mask_hook_t mask) {
    on_read = read;
    on_write = write;
    on_time = time;
    on_mask = mask;
}

void *registers_at(uint32_t address) {
    return cpu_at(address);
}

// The other way; 0 for memory that is no register's.
static uint32_t address_of(const volatile void *memory) {
    for (unsigned i = 0; i < sizeof(regions) / sizeof(regions[0]); i++) {
        uintptr_t offset = (uintptr_t)memory - (uintptr_t)regions[i].memory;
        if (offset < regions[i].size) {
            return regions[i].address + (uint32_t)offset;
        }
    }
    return 0;
}

// Tell the model of the last write. Called by the tests after each driver call.
void registers_settle(void) {
    if (written != NULL) {
        volatile uint8_t *at = written;
        written = NULL;
        on_write(address_of(at), written_size == 1 ? *at : *(volatile uint32_t *)at);
    }
}

uint32_t registers_narrow_accesses(void) {
    return narrow_accesses;
}

void __tsan_volatile_read4(void *address) {
    registers_settle();
    uint32_t at = address_of(address);
    if (at != 0) {
        *(volatile uint32_t *)address = on_read(at);
    }
}

void __tsan_volatile_write4(void *address) {
    registers_settle();
    if (address_of(address) != 0) {
        written = address;
        written_size = 4;
    }
}

void __tsan_volatile_write1(void *address) {
    registers_settle();
    uint32_t at = address_of(address);
    if (at - STORAGE_AT < STORAGE_SIZE) {
        written = address;
        written_size = 1;
    } else {
        narrow_accesses += at != 0;
    }
}

#define NARROW(name) void name(void *address) { narrow_accesses += address_of(address) != 0; }
NARROW(__tsan_volatile_read1)
NARROW(__tsan_volatile_read2)
NARROW(__tsan_volatile_read8)
NARROW(__tsan_volatile_write2)
NARROW(__tsan_volatile_write8)

#define IGNORED(name) void name(void *address) { (void)address; }
IGNORED(__tsan_read1)
IGNORED(__tsan_read2)
IGNORED(__tsan_read4)
IGNORED(__tsan_read8)
IGNORED(__tsan_read16)
IGNORED(__tsan_write1)
IGNORED(__tsan_write2)
IGNORED(__tsan_write4)
IGNORED(__tsan_write8)
IGNORED(__tsan_write16)
IGNORED(__tsan_unaligned_read2)
IGNORED(__tsan_unaligned_read4)
IGNORED(__tsan_unaligned_read8)
IGNORED(__tsan_unaligned_read16)
IGNORED(__tsan_unaligned_write2)
IGNORED(__tsan_unaligned_write4)
IGNORED(__tsan_unaligned_write8)
IGNORED(__tsan_unaligned_write16)
IGNORED(__tsan_func_entry)

void __tsan_read_range(void *address, unsigned long size) {
    (void)size;
    narrow_accesses += address_of(address) != 0;
}
void __tsan_write_range(void *address, unsigned long size) {
    (void)size;
    narrow_accesses += address_of(address) != 0;
}
void __tsan_func_exit(void) {
}
void __tsan_init(void) {
}
void *__tsan_memcpy(void *to, const void *from, unsigned long size) {
    return __builtin_memcpy(to, from, size);
}
void *__tsan_memset(void *to, int value, unsigned long size) {
    return __builtin_memset(to, value, size);
}

uint32_t timebase_us32(void) {
    registers_settle();
    return on_time();
}

// cpu.h of this folder
uint32_t registers_mask(void) {
    registers_settle();
    on_mask(1);
    return 0;
}
void registers_unmask(uint32_t state) {
    (void)state;
    registers_settle();
    on_mask(0);
}

static uint32_t lines_fired;

void exti_fired(uint32_t line) {
    lines_fired |= 1u << line;
}

uint32_t registers_lines_fired(void) {
    uint32_t lines = lines_fired;
    lines_fired = 0;
    return lines;
}

// uart.c asks whether to pace the line itself, and whether a byte is for somebody else.
static bool emulated;

void registers_set_emulated(bool yes) {
    emulated = yes;
}

bool clock_is_emulated(void) {
    return emulated;
}

bool uart_intercept(int id, uint8_t c) {
    return id == 3 && c == 3; // the console's interrupt character
}

// What storage.c asks of others. There is no host behind a part of silicon.
static uint32_t excused_us;

bool clock_is_qemu(void) {
    return false;
}

void watchdog_excuse(uint32_t us) {
    excused_us += us;
}

uint32_t registers_excused_us(void) {
    uint32_t us = excused_us;
    excused_us = 0;
    return us;
}

int32_t semihosting_open_storage(uint32_t size) {
    (void)size;
    return 0;
}

bool semihosting_read(int32_t handle, uint32_t offset, uint8_t *to, size_t size) {
    return handle < 0 && offset > size && to == NULL;
}

bool semihosting_write(int32_t handle, uint32_t offset, const uint8_t *from, size_t size) {
    return handle < 0 && offset > size && from == NULL;
}

bool semihosting_fill(int32_t handle, uint32_t offset, uint8_t value, size_t size) {
    return handle < 0 && offset > size && value == 0;
}
