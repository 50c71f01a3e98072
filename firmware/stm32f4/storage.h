// Non-volatile storage as flash sectors: erase, program with verify, read. No cache and no block device: the journal above
// decides when a sector is erased.
//
// On silicon and in Renode these are 128 KiB sectors of the internal flash; in QEMU, which cannot program flash, a host
// file through semihosting; with neither there is no storage and every call says so.
#ifndef PERILUNE_STORAGE_H
#define PERILUNE_STORAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STORAGE_SECTOR_SIZE 0x20000u // sectors 6..11, RM0090 table 5

typedef enum { STORAGE_NONE = 0, STORAGE_FLASH = 1, STORAGE_HOST_FILE = 2 } storage_kind_t;

typedef enum {
    STORAGE_OK = 0,
    STORAGE_ABSENT = -1,     // no storage on this target
    STORAGE_RANGE = -2,      // outside the storage
    STORAGE_NOT_ERASED = -3, // programming would have to turn a 0 into a 1
    STORAGE_FAILED = -4,     // the hardware or the host refused, or verify failed
} storage_status_t;

// Find the storage; once at boot. Returns BOOT_* bits.
uint32_t storage_init(void);
bool storage_is_intact(void); // what it has found has not changed since
storage_kind_t storage_kind(void);
uint32_t storage_sectors(void);

// Offsets run through all sectors, from 0. Erase takes up to 2 s on silicon, during which the processor stands still
// (DS8626 table 40); received bytes are lost meanwhile.
storage_status_t storage_erase(uint32_t sector);
storage_status_t storage_program(uint32_t offset, const uint8_t *from, size_t size);
storage_status_t storage_read(uint32_t offset, uint8_t *to, size_t size);

#endif
