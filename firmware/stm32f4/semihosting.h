// The few semihosting calls behind the storage of an emulated board. Each fails cleanly when nobody answers.
#ifndef PERILUNE_SEMIHOSTING_H
#define PERILUNE_SEMIHOSTING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Open the host file named by "storage=PATH" on the semihosting command line, making it `size` erased bytes long when
// it is new. Returns a handle above 0, or 0 when there is no semihosting, no such argument or no such file.
int32_t semihosting_open_storage(uint32_t size);

bool semihosting_read(int32_t handle, uint32_t offset, uint8_t *to, size_t size);
bool semihosting_write(int32_t handle, uint32_t offset, const uint8_t *from, size_t size);
bool semihosting_fill(int32_t handle, uint32_t offset, uint8_t value, size_t size);

#endif
