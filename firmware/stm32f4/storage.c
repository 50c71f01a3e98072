// RM0090 3.6 (flash operations).
//
// Renode programs by plain stores and shows no status flags, so success is judged by reading back, never by EOP. CR is
// changed by read-modify-write only, and keys are written only while LOCK is set: a superfluous key locks the
// interface until reset.
#include "storage.h"
#include "board.h"
#include "clock.h"
#include "semihosting.h"
#include "stm32f4.h"
#include "watchdog.h"

#include <string.h>

#define FIRST_SECTOR_OF_128K 5u
#define FIRST_ADDRESS_OF_128K (FLASH_BASE + 0x20000u) // sector 5
#define BUSY_TURNS 100000u         // programming a word takes up to 0.1 ms (DS8626 table 39); a bound, not a delay
#define ERASE_LIMIT_US 4500000u    // a sector of 128 KiB takes up to 4 s, at 32 bits up to 2 s
#define ERASED 0xFFu

static storage_kind_t kind;
static int32_t host_file;
static uint32_t seal; // of both, 0 until they are known

static uint32_t seal_now(void) {
    return ~((uint32_t)kind ^ (uint32_t)host_file << 8);
}

// --- internal flash ----------------------------------------------------------------------------------------------------

static uint32_t flash_address(uint32_t offset) {
    return FIRST_ADDRESS_OF_128K + (BOARD_STORAGE_FIRST_SECTOR - FIRST_SECTOR_OF_128K) * STORAGE_SECTOR_SIZE + offset;
}

static bool flash_wait(void) {
    for (uint32_t i = 0; i < BUSY_TURNS; i++) {
        if (!(FLASH->SR & FLASH_SR_BSY)) {
            return true;
        }
    }
    return false;
}

static bool flash_unlock(void) {
    if (FLASH->CR & FLASH_CR_LOCK) {
        FLASH->KEYR = FLASH_KEY1;
        FLASH->KEYR = FLASH_KEY2;
    }
    FLASH->SR = FLASH_SR_ERRORS; // write one to clear
    return flash_wait();
}

// The data cache may hold what was there before (RM0090 3.9.1). An interface that stays busy is left alone: a write to CR
// would stall the bus for as long (RM0090 3.9.5).
static void flash_lock(void) {
    if (FLASH->SR & FLASH_SR_BSY) {
        return;
    }
    FLASH->CR &= ~(FLASH_CR_PG | FLASH_CR_SER | FLASH_CR_SNB_MASK);
    FLASH->CR |= FLASH_CR_LOCK;
    uint32_t acr = FLASH->ACR;
    FLASH->ACR = acr & ~FLASH_ACR_DCEN;
    FLASH->ACR |= FLASH_ACR_DCRST;
    FLASH->ACR &= ~FLASH_ACR_DCRST;
    FLASH->ACR = acr;
}

// Start an erasure and wait for its end, without a fetch from flash: one would stall the processor until the end, two
// seconds in which nothing feeds the watchdog. Runs in RAM, with interrupts masked: their vectors are in flash.
__attribute__((section(".ram_text"), noinline, long_call))
static bool flash_erase_in_ram(void) {
    uint32_t start_us = TIM2->CNT;
    FLASH->CR |= FLASH_CR_STRT;
    do {
        IWDG->KR = IWDG_KEY_RELOAD;
        if (!(FLASH->SR & FLASH_SR_BSY)) {
            return true;
        }
    } while (TIM2->CNT - start_us < ERASE_LIMIT_US);
    return false;
}

static bool flash_erase(uint32_t sector) {
    bool ok = flash_unlock();
    if (ok) {
        uint32_t number = BOARD_STORAGE_FIRST_SECTOR + sector;
        FLASH->CR = (FLASH->CR & ~(FLASH_CR_SNB_MASK | FLASH_CR_PSIZE_MASK)) | FLASH_CR_PSIZE_32 | FLASH_CR_SER
            | number << FLASH_CR_SNB_POS;
        uint32_t start_us = TIM2->CNT;
        uint32_t state = cpu_mask_all();
        ok = flash_erase_in_ram() && !(FLASH->SR & FLASH_SR_ERRORS);
        watchdog_excuse(TIM2->CNT - start_us);
        cpu_unmask_all(state);
    }
    flash_lock();
    return ok;
}

// A word, or a byte.
static bool flash_store(uint32_t address, const uint8_t *from, bool whole_word) {
    FLASH->CR = (FLASH->CR & ~FLASH_CR_PSIZE_MASK) | (whole_word ? FLASH_CR_PSIZE_32 : 0) | FLASH_CR_PG;
    if (whole_word) {
        uint32_t word;
        memcpy(&word, from, sizeof(word));
        *(volatile uint32_t *)cpu_at(address) = word;
    } else {
        *(volatile uint8_t *)cpu_at(address) = *from;
    }
    cpu_dsb();
    return flash_wait() && !(FLASH->SR & FLASH_SR_ERRORS);
}

static bool flash_program(uint32_t offset, const uint8_t *from, size_t size) {
    bool ok = flash_unlock();
    uint32_t address = flash_address(offset);
    while (ok && size > 0) {
        size_t step = (address & 3u) == 0 && size >= 4 ? 4 : 1;
        ok = flash_store(address, from, step == 4);
        address += step;
        from += step;
        size -= step;
    }
    flash_lock();
    return ok;
}

// --- both ----------------------------------------------------------------------------------------------------------------

static bool in_range(uint32_t offset, size_t size) {
    uint32_t total = storage_sectors() * STORAGE_SECTOR_SIZE;
    return offset <= total && size <= total - offset;
}

uint32_t storage_init(void) {
    kind = STORAGE_FLASH;
    if (clock_is_qemu()) {
        host_file = semihosting_open_storage(BOARD_STORAGE_SECTORS * STORAGE_SECTOR_SIZE);
        kind = host_file > 0 ? STORAGE_HOST_FILE : STORAGE_NONE;
    }
    seal = seal_now();
    return kind == STORAGE_NONE ? BOOT_NO_STORAGE : 0;
}

bool storage_is_intact(void) {
    return seal == 0 || seal == seal_now();
}

storage_kind_t storage_kind(void) {
    return kind;
}

uint32_t storage_sectors(void) {
    return kind == STORAGE_NONE ? 0 : BOARD_STORAGE_SECTORS;
}

storage_status_t storage_read(uint32_t offset, uint8_t *to, size_t size) {
    if (kind == STORAGE_NONE) {
        return STORAGE_ABSENT;
    }
    if (!in_range(offset, size)) {
        return STORAGE_RANGE;
    }
    if (kind == STORAGE_FLASH) {
        memcpy(to, (const void *)cpu_at(flash_address(offset)), size);
        return STORAGE_OK;
    }
    return semihosting_read(host_file, offset, to, size) ? STORAGE_OK : STORAGE_FAILED;
}

// Compare what is stored with `expected`, or with the erased state when that is NULL.
static storage_status_t compare(uint32_t offset, const uint8_t *expected, size_t size, storage_status_t mismatch) {
    uint8_t piece[64];
    for (size_t done = 0; done < size; done += sizeof(piece)) {
        size_t n = size - done < sizeof(piece) ? size - done : sizeof(piece);
        storage_status_t status = storage_read(offset + done, piece, n);
        if (status != STORAGE_OK) {
            return status;
        }
        for (size_t i = 0; i < n; i++) {
            if (piece[i] != (expected == NULL ? ERASED : expected[done + i])) {
                return mismatch;
            }
        }
    }
    return STORAGE_OK;
}

storage_status_t storage_erase(uint32_t sector) {
    if (kind == STORAGE_NONE) {
        return STORAGE_ABSENT;
    }
    if (sector >= BOARD_STORAGE_SECTORS) {
        return STORAGE_RANGE;
    }
    uint32_t offset = sector * STORAGE_SECTOR_SIZE;
    bool ok = kind == STORAGE_FLASH ? flash_erase(sector)
        : semihosting_fill(host_file, offset, ERASED, STORAGE_SECTOR_SIZE);
    return ok ? compare(offset, NULL, STORAGE_SECTOR_SIZE, STORAGE_FAILED) : STORAGE_FAILED;
}

storage_status_t storage_program(uint32_t offset, const uint8_t *from, size_t size) {
    if (kind == STORAGE_NONE) {
        return STORAGE_ABSENT;
    }
    if (!in_range(offset, size)) {
        return STORAGE_RANGE;
    }
    storage_status_t status = compare(offset, NULL, size, STORAGE_NOT_ERASED);
    if (status != STORAGE_OK) {
        return status;
    }
    bool ok = kind == STORAGE_FLASH ? flash_program(offset, from, size)
        : semihosting_write(host_file, offset, from, size);
    return ok ? compare(offset, from, size, STORAGE_FAILED) : STORAGE_FAILED;
}
