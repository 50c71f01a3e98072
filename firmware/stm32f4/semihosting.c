// Arm "Semihosting for AArch32 and AArch64" (IHI 0109), T32 breakpoint 0xAB. Without a host the breakpoint raises
// HardFault, which fault_handler turns into the answer -1.
#include "semihosting.h"

#include <string.h>

#define SYS_OPEN 0x01u
#define SYS_CLOSE 0x02u
#define SYS_WRITE 0x05u
#define SYS_READ 0x06u
#define SYS_SEEK 0x0Au
#define SYS_FLEN 0x0Cu
#define SYS_GET_CMDLINE 0x15u
#define MODE_READ_WRITE 3u         // "r+b"
#define MODE_CREATE_READ_WRITE 7u  // "w+b"

#define STORAGE_ARGUMENT "storage="
#define PATH_SIZE 512
#define HANDLE_MAGIC 0x5045484Eu // "PEHN"

// A reset does not close the handle of the run before; it is kept here so that this one can.
static struct {
    uint32_t magic;
    int32_t handle;
} open_before __attribute__((section(".noinit")));

static int32_t call(uint32_t operation, const void *block) {
    register uint32_t r0 __asm("r0") = operation;
    register const void *r1 __asm("r1") = block;
    __asm volatile ("bkpt 0xAB" : "+r" (r0) : "r" (r1) : "memory");
    return (int32_t)r0;
}

static int32_t open_file(const char *path, uint32_t mode) {
    const uint32_t block[3] = { (uint32_t)path, mode, strlen(path) };
    return call(SYS_OPEN, block);
}

static const char *storage_path(void) {
    static char line[PATH_SIZE];
    struct {
        char *buffer;
        uint32_t size;
    } block = { line, sizeof(line) - 1 };
    if (call(SYS_GET_CMDLINE, &block) != 0) {
        return NULL;
    }
    line[sizeof(line) - 1] = 0;
    const char *found = strstr(line, STORAGE_ARGUMENT);
    return found == NULL ? NULL : found + sizeof(STORAGE_ARGUMENT) - 1;
}

int32_t semihosting_open_storage(uint32_t size) {
    if (open_before.magic == HANDLE_MAGIC) {
        const uint32_t block[1] = { (uint32_t)open_before.handle };
        call(SYS_CLOSE, block);
        open_before.magic = 0;
    }
    const char *path = storage_path();
    if (path == NULL || *path == 0) {
        return 0;
    }
    int32_t handle = open_file(path, MODE_READ_WRITE);
    if (handle <= 0) {
        handle = open_file(path, MODE_CREATE_READ_WRITE);
    }
    if (handle <= 0) {
        return 0;
    }
    open_before.handle = handle;
    open_before.magic = HANDLE_MAGIC;
    const uint32_t block[1] = { (uint32_t)handle };
    int32_t length = call(SYS_FLEN, block);
    if (length < 0 || ((uint32_t)length < size
        && !semihosting_fill(handle, (uint32_t)length, 0xFF, size - (uint32_t)length))) {
        return 0;
    }
    return handle;
}

static bool seek(int32_t handle, uint32_t offset) {
    const uint32_t block[2] = { (uint32_t)handle, offset };
    return call(SYS_SEEK, block) == 0;
}

// SYS_READ and SYS_WRITE answer the number of bytes that were not moved.
static bool move(uint32_t operation, int32_t handle, const void *buffer, size_t size) {
    const uint32_t block[3] = { (uint32_t)handle, (uint32_t)buffer, size };
    return call(operation, block) == 0;
}

bool semihosting_read(int32_t handle, uint32_t offset, uint8_t *to, size_t size) {
    return seek(handle, offset) && move(SYS_READ, handle, to, size);
}

bool semihosting_write(int32_t handle, uint32_t offset, const uint8_t *from, size_t size) {
    return seek(handle, offset) && move(SYS_WRITE, handle, from, size);
}

bool semihosting_fill(int32_t handle, uint32_t offset, uint8_t value, size_t size) {
    uint8_t piece[256];
    memset(piece, value, sizeof(piece));
    if (!seek(handle, offset)) {
        return false;
    }
    while (size > 0) {
        size_t n = size < sizeof(piece) ? size : sizeof(piece);
        if (!move(SYS_WRITE, handle, piece, n)) {
            return false;
        }
        size -= n;
    }
    return true;
}
