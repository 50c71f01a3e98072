// BCH(63,56) code blocks and CLTUs (231.0-B, SPEC.md section 3).
#include <string.h>

#include "codec.h"

#define FILL_OCTET (0x55)
#define START_HIGH (0xEB)
#define START_LOW (0x90)
#define FILLER_BIT (0x01)
#define PARITY_BITS (0xFE)

static const uint8_t tail[PL_CLTU_BLOCK] = {0xC5, 0xC5, 0xC5, 0xC5, 0xC5, 0xC5, 0xC5, 0x79};

// Parity register (bits 7 to 1) after one more octet, by register xor octet: g(x) = x^7+x^6+x^2+1.
static const uint8_t bch_table[256] = {
    0x00, 0x8A, 0x9E, 0x14, 0xB6, 0x3C, 0x28, 0xA2, 0xE6, 0x6C, 0x78, 0xF2, 0x50, 0xDA, 0xCE, 0x44, 0x46, 0xCC, 0xD8, 0x52,
    0xF0, 0x7A, 0x6E, 0xE4, 0xA0, 0x2A, 0x3E, 0xB4, 0x16, 0x9C, 0x88, 0x02, 0x8C, 0x06, 0x12, 0x98, 0x3A, 0xB0, 0xA4, 0x2E,
    0x6A, 0xE0, 0xF4, 0x7E, 0xDC, 0x56, 0x42, 0xC8, 0xCA, 0x40, 0x54, 0xDE, 0x7C, 0xF6, 0xE2, 0x68, 0x2C, 0xA6, 0xB2, 0x38,
    0x9A, 0x10, 0x04, 0x8E, 0x92, 0x18, 0x0C, 0x86, 0x24, 0xAE, 0xBA, 0x30, 0x74, 0xFE, 0xEA, 0x60, 0xC2, 0x48, 0x5C, 0xD6,
    0xD4, 0x5E, 0x4A, 0xC0, 0x62, 0xE8, 0xFC, 0x76, 0x32, 0xB8, 0xAC, 0x26, 0x84, 0x0E, 0x1A, 0x90, 0x1E, 0x94, 0x80, 0x0A,
    0xA8, 0x22, 0x36, 0xBC, 0xF8, 0x72, 0x66, 0xEC, 0x4E, 0xC4, 0xD0, 0x5A, 0x58, 0xD2, 0xC6, 0x4C, 0xEE, 0x64, 0x70, 0xFA,
    0xBE, 0x34, 0x20, 0xAA, 0x08, 0x82, 0x96, 0x1C, 0xAE, 0x24, 0x30, 0xBA, 0x18, 0x92, 0x86, 0x0C, 0x48, 0xC2, 0xD6, 0x5C,
    0xFE, 0x74, 0x60, 0xEA, 0xE8, 0x62, 0x76, 0xFC, 0x5E, 0xD4, 0xC0, 0x4A, 0x0E, 0x84, 0x90, 0x1A, 0xB8, 0x32, 0x26, 0xAC,
    0x22, 0xA8, 0xBC, 0x36, 0x94, 0x1E, 0x0A, 0x80, 0xC4, 0x4E, 0x5A, 0xD0, 0x72, 0xF8, 0xEC, 0x66, 0x64, 0xEE, 0xFA, 0x70,
    0xD2, 0x58, 0x4C, 0xC6, 0x82, 0x08, 0x1C, 0x96, 0x34, 0xBE, 0xAA, 0x20, 0x3C, 0xB6, 0xA2, 0x28, 0x8A, 0x00, 0x14, 0x9E,
    0xDA, 0x50, 0x44, 0xCE, 0x6C, 0xE6, 0xF2, 0x78, 0x7A, 0xF0, 0xE4, 0x6E, 0xCC, 0x46, 0x52, 0xD8, 0x9C, 0x16, 0x02, 0x88,
    0x2A, 0xA0, 0xB4, 0x3E, 0xB0, 0x3A, 0x2E, 0xA4, 0x06, 0x8C, 0x98, 0x12, 0x56, 0xDC, 0xC8, 0x42, 0xE0, 0x6A, 0x7E, 0xF4,
    0xF6, 0x7C, 0x68, 0xE2, 0x40, 0xCA, 0xDE, 0x54, 0x10, 0x9A, 0x8E, 0x04, 0xA6, 0x2C, 0x38, 0xB2,
};

// Which bit of a block is wrong, by the syndrome it leaves: 0 to 62, or 255 when no single one leaves it.
static const uint8_t bch_places[128] = {
    0xFF, 0x3E, 0x3D, 0xFF, 0x3C, 0xFF, 0xFF, 0x24, 0x3B, 0xFF, 0xFF, 0x1B, 0xFF, 0x0E, 0x23, 0xFF, 0x3A, 0xFF, 0xFF, 0x2E,
    0xFF, 0x0A, 0x1A, 0xFF, 0xFF, 0x11, 0x0D, 0xFF, 0x22, 0xFF, 0xFF, 0x06, 0x39, 0xFF, 0xFF, 0x33, 0xFF, 0x1F, 0x2D, 0xFF,
    0xFF, 0x27, 0x09, 0xFF, 0x19, 0xFF, 0xFF, 0x16, 0xFF, 0x01, 0x10, 0xFF, 0x0C, 0xFF, 0xFF, 0x13, 0x21, 0xFF, 0xFF, 0x29,
    0xFF, 0x03, 0x05, 0xFF, 0x38, 0xFF, 0xFF, 0xFF, 0xFF, 0x37, 0x32, 0xFF, 0xFF, 0x31, 0x1E, 0xFF, 0x2C, 0xFF, 0xFF, 0x36,
    0xFF, 0x1D, 0x26, 0xFF, 0x08, 0xFF, 0xFF, 0x30, 0x18, 0xFF, 0xFF, 0x35, 0xFF, 0x2B, 0x15, 0xFF, 0xFF, 0x25, 0x00, 0xFF,
    0x0F, 0xFF, 0xFF, 0x1C, 0x0B, 0xFF, 0xFF, 0x2F, 0xFF, 0x07, 0x12, 0xFF, 0x20, 0xFF, 0xFF, 0x34, 0xFF, 0x17, 0x28, 0xFF,
    0xFF, 0x14, 0x02, 0xFF, 0x04, 0xFF, 0xFF, 0x2A,
};

static uint8_t remainder_of(const uint8_t information[PL_CLTU_INFORMATION]) {
    uint8_t parity = 0;
    for (unsigned i = 0; i < PL_CLTU_INFORMATION; i++) {
        parity = bch_table[parity ^ information[i]];
    }
    return parity;
}

uint8_t pl_bch_encode(const uint8_t information[PL_CLTU_INFORMATION]) {
    return remainder_of(information) ^ PARITY_BITS;
}

int pl_bch_decode(uint8_t block[PL_CLTU_BLOCK], bool correct) {
    uint8_t last = block[PL_CLTU_BLOCK - 1];
    uint8_t syndrome = (uint8_t)(pl_bch_encode(block) ^ (last & PARITY_BITS));
    bool filler = last & FILLER_BIT;
    if (syndrome == 0 && !filler) {
        return 0;
    }
    if (!correct) {
        return -1;
    }
    if (syndrome == 0) {
        block[PL_CLTU_BLOCK - 1] = last & PARITY_BITS;
        return 1;
    }
    uint8_t place = bch_places[syndrome >> 1];
    if (filler || place == 255) {
        return -1;
    }
    block[place / 8] ^= (uint8_t)(0x80 >> (place % 8));
    return 1;
}

size_t pl_cltu_size(size_t length) {
    size_t blocks = length / PL_CLTU_INFORMATION + (length % PL_CLTU_INFORMATION != 0);
    return 2 + PL_CLTU_BLOCK * blocks + sizeof(tail);
}

void pl_cltu_encode(const uint8_t *frame, size_t length, bool randomise, uint8_t *out) {
    *out++ = START_HIGH;
    *out++ = START_LOW;
    uint8_t *first = out;
    size_t blocks = (length + PL_CLTU_INFORMATION - 1) / PL_CLTU_INFORMATION;
    // The information of all blocks goes to the far end of the output first, where the randomiser can run through it,
    // and is then moved forward: block k starts at 8k, never behind its source at blocks + 7k.
    uint8_t *information = first + blocks;
    memmove(information, frame, length);
    memset(information + length, FILL_OCTET, blocks * PL_CLTU_INFORMATION - length);
    if (randomise) {
        pl_randomise_tc(information, blocks * PL_CLTU_INFORMATION);
    }
    for (size_t k = 0; k < blocks; k++) {
        memmove(out, information + k * PL_CLTU_INFORMATION, PL_CLTU_INFORMATION);
        out[PL_CLTU_INFORMATION] = pl_bch_encode(out);
        out += PL_CLTU_BLOCK;
    }
    memcpy(out, tail, sizeof(tail));
}

static void count(pl_cltu_t *rx, unsigned which, uint32_t n) {
    rx->counts[which] = (rx->counts[which] + n) & PL_COUNTER_MASK;
}

static unsigned ones(unsigned x) {
    unsigned n = 0;
    for (; x; x &= x - 1) {
        n++;
    }
    return n;
}

void pl_cltu_init(pl_cltu_t *rx, size_t size, bool correct) {
    memset(rx, 0, sizeof(*rx));
    rx->size = size;
    rx->correct = correct;
}

// One octet in search. The octet before it waits in block[0] when fill is 1.
static void search(pl_cltu_t *rx, uint8_t octet) {
    if (rx->fill) {
        unsigned wrong = ones((unsigned)(rx->block[0] ^ START_HIGH)) + ones((unsigned)(octet ^ START_LOW));
        if (wrong <= (rx->correct ? 1u : 0u)) {
            count(rx, PL_CLTU_STARTS, 1);
            rx->decoding = true;
            rx->fill = 0;
            rx->length = 0;
            return;
        }
        count(rx, PL_CLTU_SEARCH_BYTES, 1);
    }
    rx->block[0] = octet;
    rx->fill = 1;
}

// What is written to block never overtakes what is read from it.
static void search_again(pl_cltu_t *rx) {
    rx->decoding = false;
    rx->fill = 0;
    for (unsigned i = 0; i < PL_CLTU_BLOCK; i++) {
        uint8_t octet = rx->block[i];
        if (rx->decoding) {
            rx->block[rx->fill++] = octet;
        } else {
            search(rx, octet);
        }
    }
}

static void deliver(pl_cltu_t *rx) {
    rx->ready = rx->length;
    count(rx, rx->ready ? PL_CLTU_DELIVERED : PL_CLTU_EMPTY, 1);
}

static void end_block(pl_cltu_t *rx, uint8_t *frame) {
    if (memcmp(rx->block, tail, sizeof(tail)) == 0) {
        rx->fill = 0;
        rx->decoding = false;
        count(rx, PL_CLTU_TAILS, 1);
        deliver(rx);
        return;
    }
    int status = pl_bch_decode(rx->block, rx->correct);
    if (status < 0) {
        count(rx, PL_CLTU_REJECTED, 1);
        deliver(rx);
        search_again(rx);
        return;
    }
    if (rx->size - rx->length < PL_CLTU_INFORMATION) {
        count(rx, PL_CLTU_OVERLONG, 1);
        search_again(rx);
        return;
    }
    count(rx, PL_CLTU_BLOCKS, 1);
    count(rx, PL_CLTU_CORRECTED, (uint32_t)status);
    memcpy(frame + rx->length, rx->block, PL_CLTU_INFORMATION);
    rx->length += PL_CLTU_INFORMATION;
    rx->fill = 0;
}

size_t pl_cltu_feed(pl_cltu_t *rx, uint8_t *frame, const uint8_t *data, size_t length) {
    if (length == 0) {
        return 0;
    }
    if (rx->ready) {
        rx->ready = 0;
        count(rx, PL_CLTU_UNTAKEN, 1);
    }
    size_t used = 0;
    while (used < length && !rx->ready) {
        uint8_t octet = data[used++];
        if (!rx->decoding) {
            search(rx, octet);
            continue;
        }
        rx->block[rx->fill++] = octet;
        if (rx->fill == PL_CLTU_BLOCK) {
            end_block(rx, frame);
        }
    }
    return used;
}

size_t pl_cltu_take(pl_cltu_t *rx) {
    size_t ready = rx->ready;
    rx->ready = 0;
    return ready;
}

size_t pl_cltu_pending(const pl_cltu_t *rx) {
    return rx->fill;
}

void pl_cltu_reset(pl_cltu_t *rx) {
    count(rx, PL_CLTU_SEARCH_BYTES, rx->fill);
    rx->fill = 0;
    rx->decoding = false;
    rx->ready = 0;
}
