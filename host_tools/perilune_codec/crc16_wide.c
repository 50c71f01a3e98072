// CRC-16 for the host (SPEC.md section 1): slicing by 8, and carry-less multiplication where the processor has it.
#include <string.h>

#include "batch.h"
#include "crc16_slices.h"

uint16_t pl_batch_crc16_sliced(uint16_t crc, const uint8_t *data, size_t length) {
    unsigned c = crc;
    for (; length >= 8; data += 8, length -= 8) {
        c = slices[7][data[0] ^ (c >> 8)] ^ slices[6][data[1] ^ (c & 0xFF)] ^ slices[5][data[2]] ^ slices[4][data[3]] ^
            slices[3][data[4]] ^ slices[2][data[5]] ^ slices[1][data[6]] ^ slices[0][data[7]];
    }
    for (; length; data++, length--) {
        c = ((c << 8) & 0xFF00) ^ slices[0][(c >> 8) ^ *data];
    }
    return (uint16_t)c;
}

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>

#define CARRYLESS __attribute__((target("pclmul,ssse3,sse4.1")))

bool pl_batch_has_carryless(void) {
    return __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("ssse3") && __builtin_cpu_supports("sse4.1");
}

// 16 octets as a polynomial of degree 127, first bit highest.
CARRYLESS static inline __m128i load(const uint8_t *p) {
    const __m128i swap = _mm_set_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    return _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(const void *)p), swap);
}

// x * x^n for the n that k stands for: k = x^(n+64) mod P (high half), x^n mod P (low half). Keeps the remainder by P.
CARRYLESS static inline __m128i shift(__m128i x, __m128i k) {
    return _mm_xor_si128(_mm_clmulepi64_si128(x, k, 0x11), _mm_clmulepi64_si128(x, k, 0x00));
}

CARRYLESS static uint16_t reduce(__m128i x) {
    // x * x^16, then 80 bits to 64, then Barrett: mu = floor(x^64 / P).
    const __m128i k = _mm_set_epi64x(0xB861, 0xEB23);         // x^64, x^80 mod P
    const __m128i barrett = _mm_set_epi64x(0x11021, 0x111303471A041);  // P, mu
    __m128i high = _mm_clmulepi64_si128(x, k, 0x01);          // high half * x^80
    __m128i low = _mm_slli_si128(_mm_move_epi64(x), 2);       // low half * x^16
    __m128i y = _mm_xor_si128(high, low);
    __m128i z = _mm_xor_si128(_mm_move_epi64(y), _mm_clmulepi64_si128(y, k, 0x11));
    __m128i quotient = _mm_srli_si128(_mm_clmulepi64_si128(_mm_srli_epi64(z, 16), barrett, 0x00), 6);
    __m128i product = _mm_clmulepi64_si128(quotient, barrett, 0x10);
    return (uint16_t)_mm_cvtsi128_si64(_mm_xor_si128(z, product));
}

// The first n octets (2 to 15) of 16, n * 8 bits as a polynomial: the rest is shifted out.
CARRYLESS static inline __m128i first_octets(__m128i x, size_t n) {
    static const int8_t places[31] = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15,
                                      -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1};
    return _mm_shuffle_epi8(x, _mm_loadu_si128((const __m128i *)(const void *)(places + 16 - n)));
}

// length at least 18.
CARRYLESS static uint16_t carryless(uint16_t crc, const uint8_t *data, size_t length) {
    if (length % 16 == 1) {
        crc = (uint16_t)(crc << 8 ^ slices[0][crc >> 8 ^ *data++]);
        length--;
    }
    // Zeros before a message do not change a CRC of initial value 0: the odd octets come first, behind zeros. The initial
    // value is added to the first two octets of the message.
    const __m128i by128 = _mm_set_epi64x(0x650B, 0xAEFC);  // x^192, x^128 mod P
    __m128i x = _mm_xor_si128(load(data), _mm_set_epi64x((int64_t)((uint64_t)crc << 48), 0));
    size_t odd = length % 16;
    if (odd) {
        x = first_octets(x, odd);
    } else {
        odd = 16;
    }
    data += odd;
    length -= odd;
    if (length >= 128) {
        const __m128i by512 = _mm_set_epi64x(0x8832, 0x13FC);  // x^576, x^512 mod P
        __m128i a = _mm_xor_si128(shift(x, by128), load(data));
        __m128i b = load(data + 16);
        __m128i c = load(data + 32);
        __m128i d = load(data + 48);
        for (data += 64, length -= 64; length >= 64; data += 64, length -= 64) {
            a = _mm_xor_si128(shift(a, by512), load(data));
            b = _mm_xor_si128(shift(b, by512), load(data + 16));
            c = _mm_xor_si128(shift(c, by512), load(data + 32));
            d = _mm_xor_si128(shift(d, by512), load(data + 48));
        }
        x = _mm_xor_si128(shift(a, by128), b);
        x = _mm_xor_si128(shift(x, by128), c);
        x = _mm_xor_si128(shift(x, by128), d);
    }
    for (; length; data += 16, length -= 16) {
        x = _mm_xor_si128(shift(x, by128), load(data));
    }
    return reduce(x);
}

uint16_t pl_batch_crc16_carryless(uint16_t crc, const uint8_t *data, size_t length) {
    return length >= 18 && pl_batch_has_carryless() ? carryless(crc, data, length)
                                                    : pl_batch_crc16_sliced(crc, data, length);
}

#else

bool pl_batch_has_carryless(void) {
    return false;
}

uint16_t pl_batch_crc16_carryless(uint16_t crc, const uint8_t *data, size_t length) {
    return pl_batch_crc16_sliced(crc, data, length);
}

#endif

uint16_t pl_batch_crc16(uint16_t crc, const uint8_t *data, size_t length) {
    return pl_batch_crc16_carryless(crc, data, length);
}
