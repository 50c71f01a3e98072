// SHA-256 (FIPS 180-4) and HMAC-SHA-256 (RFC 2104) for the authentication of the uplink (SPEC.md section 6).
#include <string.h>

#include "codec.h"

// FIPS 180-4 section 4.2.2: cube roots of the first 64 primes.
static const uint32_t round_constants[64] = {
    0x428A2F98, 0x71374491, 0xB5C0FBCF, 0xE9B5DBA5, 0x3956C25B, 0x59F111F1, 0x923F82A4, 0xAB1C5ED5,
    0xD807AA98, 0x12835B01, 0x243185BE, 0x550C7DC3, 0x72BE5D74, 0x80DEB1FE, 0x9BDC06A7, 0xC19BF174,
    0xE49B69C1, 0xEFBE4786, 0x0FC19DC6, 0x240CA1CC, 0x2DE92C6F, 0x4A7484AA, 0x5CB0A9DC, 0x76F988DA,
    0x983E5152, 0xA831C66D, 0xB00327C8, 0xBF597FC7, 0xC6E00BF3, 0xD5A79147, 0x06CA6351, 0x14292967,
    0x27B70A85, 0x2E1B2138, 0x4D2C6DFC, 0x53380D13, 0x650A7354, 0x766A0ABB, 0x81C2C92E, 0x92722C85,
    0xA2BFE8A1, 0xA81A664B, 0xC24B8B70, 0xC76C51A3, 0xD192E819, 0xD6990624, 0xF40E3585, 0x106AA070,
    0x19A4C116, 0x1E376C08, 0x2748774C, 0x34B0BCB5, 0x391C0CB3, 0x4ED8AA4A, 0x5B9CCA4F, 0x682E6FF3,
    0x748F82EE, 0x78A5636F, 0x84C87814, 0x8CC70208, 0x90BEFFFA, 0xA4506CEB, 0xBEF9A3F7, 0xC67178F2,
};

// FIPS 180-4 section 5.3.3: square roots of the first 8 primes.
static const uint32_t initial_state[8] = {
    0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A, 0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19,
};

static uint32_t rotate(uint32_t x, unsigned n) {
    return (x >> n) | (x << (32 - n));
}

static uint32_t get32(const uint8_t *p) {
    return ((uint32_t)p[0] << 24) | ((uint32_t)p[1] << 16) | ((uint32_t)p[2] << 8) | p[3];
}

static void put32(uint8_t *p, uint32_t value) {
    p[0] = (uint8_t)(value >> 24);
    p[1] = (uint8_t)(value >> 16);
    p[2] = (uint8_t)(value >> 8);
    p[3] = (uint8_t)value;
}

// One round; eight in a row turn the letters round once, so that nothing need be moved.
#define ROUND(a, b, c, d, e, f, g, h, i)                                                                          \
    do {                                                                                                          \
        uint32_t t = h + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) + (g ^ (e & (f ^ g))) + constants[i] + w[i]; \
        d += t;                                                                                                   \
        h = t + (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + ((a & b) | (c & (a | b)));                       \
    } while (0)

// One block of 64 octets into the state. all holds the last 16 words of the message schedule: 64 octets of stack, not 256.
static void compress(uint32_t state[8], const uint8_t block[64]) {
    uint32_t all[16];
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
    uint32_t e = state[4], f = state[5], g = state[6], h = state[7];
    for (unsigned i = 0; i < 16; i++) {
        all[i] = get32(block + 4 * i);
    }
    for (unsigned first = 0; first < 64; first += 8) {
        uint32_t *w = all + (first & 8);
        const uint32_t *constants = round_constants + first;
        if (first >= 16) {
            for (unsigned i = first; i < first + 8; i++) {
                uint32_t w15 = all[(i + 1) & 15];
                uint32_t w2 = all[(i + 14) & 15];
                all[i & 15] += all[(i + 9) & 15] + (rotate(w15, 7) ^ rotate(w15, 18) ^ (w15 >> 3)) +
                               (rotate(w2, 17) ^ rotate(w2, 19) ^ (w2 >> 10));
            }
        }
        ROUND(a, b, c, d, e, f, g, h, 0);
        ROUND(h, a, b, c, d, e, f, g, 1);
        ROUND(g, h, a, b, c, d, e, f, 2);
        ROUND(f, g, h, a, b, c, d, e, 3);
        ROUND(e, f, g, h, a, b, c, d, 4);
        ROUND(d, e, f, g, h, a, b, c, 5);
        ROUND(c, d, e, f, g, h, a, b, 6);
        ROUND(b, c, d, e, f, g, h, a, 7);
    }
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
    state[4] += e;
    state[5] += f;
    state[6] += g;
    state[7] += h;
}

void pl_sha256_start(pl_sha256_t *sha) {
    memcpy(sha->state, initial_state, sizeof(sha->state));
    sha->length = 0;
}

void pl_sha256_update(pl_sha256_t *sha, const uint8_t *data, size_t length) {
    size_t fill = (size_t)(sha->length % 64);
    sha->length += length;
    if (fill) {
        size_t room = 64 - fill;
        size_t n = length < room ? length : room;
        if (n) {
            memcpy(sha->block + fill, data, n);
        }
        if (n < room) {
            return;
        }
        compress(sha->state, sha->block);
        data += n;
        length -= n;
    }
    for (; length >= 64; data += 64, length -= 64) {
        compress(sha->state, data);
    }
    if (length) {
        memcpy(sha->block, data, length);
    }
}

void pl_sha256_finish(pl_sha256_t *sha, uint8_t digest[32]) {
    uint64_t bits = sha->length * 8;
    size_t fill = (size_t)(sha->length % 64);
    sha->block[fill++] = 0x80;
    if (fill > 56) {
        memset(sha->block + fill, 0, 64 - fill);
        compress(sha->state, sha->block);
        fill = 0;
    }
    memset(sha->block + fill, 0, 56 - fill);
    put32(sha->block + 56, (uint32_t)(bits >> 32));
    put32(sha->block + 60, (uint32_t)bits);
    compress(sha->state, sha->block);
    for (unsigned i = 0; i < 8; i++) {
        put32(digest + 4 * i, sha->state[i]);
    }
}

void pl_hmac_init(pl_hmac_t *hmac, const uint8_t *key, size_t length) {
    uint8_t pad[64] = {0};
    pl_sha256_t *sha = &hmac->running;
    if (length > 64) {
        pl_sha256_start(sha);
        pl_sha256_update(sha, key, length);
        pl_sha256_finish(sha, pad);
    } else if (length) {
        memcpy(pad, key, length);
    }
    for (unsigned i = 0; i < 64; i++) {
        pad[i] ^= 0x36;
    }
    memcpy(hmac->inner, initial_state, sizeof(hmac->inner));
    compress(hmac->inner, pad);
    for (unsigned i = 0; i < 64; i++) {
        pad[i] ^= 0x36 ^ 0x5C;
    }
    memcpy(hmac->outer, initial_state, sizeof(hmac->outer));
    compress(hmac->outer, pad);
    pl_hmac_start(hmac);
}

void pl_hmac_start(pl_hmac_t *hmac) {
    memcpy(hmac->running.state, hmac->inner, sizeof(hmac->inner));
    hmac->running.length = 64;
}

void pl_hmac_update(pl_hmac_t *hmac, const uint8_t *data, size_t length) {
    pl_sha256_update(&hmac->running, data, length);
}

void pl_hmac_finish(pl_hmac_t *hmac, uint8_t mac[32]) {
    pl_sha256_t *sha = &hmac->running;
    pl_sha256_finish(sha, mac);
    memcpy(sha->state, hmac->outer, sizeof(hmac->outer));
    sha->length = 64;
    pl_sha256_update(sha, mac, 32);
    pl_sha256_finish(sha, mac);
    pl_hmac_start(hmac);
}

bool pl_hmac_check(pl_hmac_t *hmac, const uint8_t *reference, size_t length) {
    uint8_t mac[32];
    pl_hmac_finish(hmac, mac);
    uint8_t difference = 0;
    for (size_t i = 0; i < length; i++) {
        difference |= (uint8_t)(reference[i] ^ mac[i]);
    }
    return difference == 0;
}
