// Fields of many packets to columns (SPEC.md section 11), and fields of one packet to and from numbers.
#include <string.h>

#include "batch.h"

// So many packets at a time that their octets stay in the first-level cache over all columns.
#define BLOCK (256)

// Integers below 2^53 are exact as doubles.
#define EXACT (9007199254740992.0)

// Highest octet first. A compiler may not see one load in a loop over the octets, so it is told.
#if defined(__GNUC__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define LOAD(octets, bits)                                  \
    static inline uint64_t load##octets(const uint8_t *p) { \
        uint##bits##_t value;                               \
        memcpy(&value, p, octets);                          \
        return __builtin_bswap##bits(value);                \
    }
#else
#define LOAD(octets, bits)                                  \
    static inline uint64_t load##octets(const uint8_t *p) { \
        uint64_t value = 0;                                 \
        for (unsigned i = 0; i < octets; i++) {             \
            value = value << 8 | p[i];                      \
        }                                                   \
        return value;                                       \
    }
#endif
LOAD(2, 16)
LOAD(4, 32)
LOAD(8, 64)

static inline uint64_t load1(const uint8_t *p) {
    return *p;
}

static double sign_extended(uint64_t bits, unsigned width) {
    uint64_t sign = (uint64_t)1 << (width - 1);
    return (double)(int64_t)((bits ^ sign) - sign);
}

static double single(uint64_t bits) {
    uint32_t b = (uint32_t)bits;
    float f;
    memcpy(&f, &b, sizeof(f));
    return (double)f;
}

static double real(uint64_t bits) {
    double d;
    memcpy(&d, &bits, sizeof(d));
    return d;
}

static double calibrated(const pl_column_t *c, double x) {
    double y = c->coefficient[c->coefficients - 1];
    for (unsigned i = c->coefficients - 1; i-- > 0;) {
        y = y * x + c->coefficient[i];
    }
    return y;
}

// A loop of its own for each width and kind of calibration, so that nothing is asked for each value.
#define RAW(type, octets)                                      \
    for (size_t i = 0; i < n; i++) {                           \
        ((type *)out)[i] = (type)load##octets(starts[i] + at); \
    }                                                          \
    return;

#define CALIBRATED(octets, number)                        \
    if (linear) {                                         \
        for (size_t i = 0; i < n; i++) {                  \
            uint64_t bits = load##octets(starts[i] + at); \
            ((double *)out)[i] = b * (number) + a;        \
        }                                                 \
        return;                                           \
    }                                                     \
    for (size_t i = 0; i < n; i++) {                      \
        uint64_t bits = load##octets(starts[i] + at);     \
        ((double *)out)[i] = calibrated(c, number);       \
    }                                                     \
    return;

// Fields that begin and end at octets: the raw ones whose elements are as wide as they are, and calibrated ones.
static void whole_octets(const pl_column_t *c, const uint8_t *const *starts, size_t n, void *out) {
    size_t at = c->bit / 8;
    bool linear = c->coefficients == 2;
    double a = c->coefficient[0];
    double b = c->coefficient[1];
    if (!c->coefficients) {
        switch (c->width) {
            case 8:
                RAW(uint8_t, 1)
            case 16:
                RAW(uint16_t, 2)
            case 32:
                RAW(uint32_t, 4)
            default:
                RAW(uint64_t, 8)
        }
    }
    if (c->kind == PL_FIELD_FLOAT) {
        if (c->width == 32) {
            CALIBRATED(4, single(bits))
        }
        CALIBRATED(8, real(bits))
    }
    if (c->kind == PL_FIELD_SIGNED) {
        switch (c->width) {
            case 8:
                CALIBRATED(1, (double)(int8_t)bits)
            case 16:
                CALIBRATED(2, (double)(int16_t)bits)
            case 32:
                CALIBRATED(4, (double)(int32_t)bits)
            default:
                CALIBRATED(8, (double)(int64_t)bits)
        }
    }
    switch (c->width) {
        case 8:
            CALIBRATED(1, (double)bits)
        case 16:
            CALIBRATED(2, (double)bits)
        case 32:
            CALIBRATED(4, (double)bits)
        default:
            CALIBRATED(8, (double)bits)
    }
}

static void any_bits(const pl_column_t *c, const uint8_t *const *starts, size_t n, void *out) {
    uint64_t sign = c->kind == PL_FIELD_SIGNED ? (uint64_t)1 << (c->width - 1) : 0;
    for (size_t i = 0; i < n; i++) {
        uint64_t bits = pl_field_get(starts[i], c->bit, c->width);
        if (c->coefficients) {
            ((double *)out)[i] = calibrated(c, sign ? sign_extended(bits, c->width) : (double)bits);
            continue;
        }
        bits = (bits ^ sign) - sign;
        switch (c->size) {
            case 1:
                ((uint8_t *)out)[i] = (uint8_t)bits;
                break;
            case 2:
                ((uint16_t *)out)[i] = (uint16_t)bits;
                break;
            case 4:
                ((uint32_t *)out)[i] = (uint32_t)bits;
                break;
            default:
                ((uint64_t *)out)[i] = bits;
                break;
        }
    }
}

static bool is_whole_octets(const pl_column_t *c) {
    bool whole = c->bit % 8 == 0 && (c->width == 8 || c->width == 16 || c->width == 32 || c->width == 64);
    return whole && (c->coefficients || c->size * 8 == c->width);
}

static bool is_good(const pl_column_t *c) {
    bool is_float = c->kind == PL_FIELD_FLOAT;
    if (is_float ? c->bit % 8 || (c->width != 32 && c->width != 64)
                 : c->kind != PL_FIELD_UNSIGNED && c->kind != PL_FIELD_SIGNED) {
        return false;
    }
    if (c->width < 1 || c->width > 64 || c->coefficients > PL_COLUMN_COEFFICIENTS) {
        return false;
    }
    if (c->coefficients) {
        return c->size == 8;
    }
    bool power = c->size == 1 || c->size == 2 || c->size == 4 || c->size == 8;
    return power && (is_float ? c->size * 8 == c->width : c->size * 8 >= c->width);
}

int64_t pl_batch_columns(const uint8_t *stream, size_t stream_size, const pl_packet_t *packets, size_t count,
                         const pl_column_t *columns, size_t column_count) {
    uint64_t needed = 0;
    for (size_t k = 0; k < column_count; k++) {
        if (!is_good(&columns[k])) {
            return -2;
        }
        uint64_t end = ((uint64_t)columns[k].bit + columns[k].width + 7) / 8;
        needed = end > needed ? end : needed;
    }
    for (size_t i = 0; i < count; i++) {
        if (packets[i].length < needed || (uint64_t)packets[i].offset + packets[i].length > stream_size) {
            return (int64_t)i;
        }
    }
    for (size_t done = 0; done < count; done += BLOCK) {
        size_t n = count - done < BLOCK ? count - done : BLOCK;
        const uint8_t *starts[BLOCK];
        for (size_t i = 0; i < n; i++) {
            starts[i] = stream + packets[done + i].offset;
        }
        for (size_t k = 0; k < column_count; k++) {
            const pl_column_t *c = &columns[k];
            void *out = (uint8_t *)c->out + done * c->size;
            if (is_whole_octets(c)) {
                whole_octets(c, starts, n, out);
            } else {
                any_bits(c, starts, n, out);
            }
        }
    }
    return -1;
}

int pl_batch_pack(const uint8_t *fmt, size_t fmt_length, const pl_number_t *numbers, const uint8_t *present,
                  size_t count, uint8_t *data, size_t octets) {
    int clamped = 0;
    for (size_t at = 0; at + PL_FIELD_SIZE <= fmt_length; at += PL_FIELD_SIZE) {
        pl_field_t field;
        int status = pl_field_read(fmt + at, octets, count, &field);
        if (status) {
            return status;
        }
        unsigned left = field.width;
        bool halves = field.kind == PL_FIELD_HALVES;
        while (left) {
            if (halves) {
                field.kind = PL_FIELD_UNSIGNED;
                field.width = (uint8_t)pl_half_width(left);
            }
            if (!present[field.index]) {
                return PL_FIELD_VALUE;
            }
            clamped += pl_field_pack(&field, data, &numbers[field.index]);
            field.bit += field.width;
            field.index++;
            left -= field.width;
        }
    }
    return clamped;
}

int pl_batch_unpack(const uint8_t *fmt, size_t fmt_length, const uint8_t *data, size_t octets, pl_number_t *numbers,
                    uint8_t *written, size_t count) {
    for (size_t at = 0; at + PL_FIELD_SIZE <= fmt_length; at += PL_FIELD_SIZE) {
        pl_field_t field;
        int status = pl_field_read(fmt + at, octets, count, &field);
        if (status) {
            return status;
        }
        unsigned left = field.width;
        bool halves = field.kind == PL_FIELD_HALVES;
        while (left) {
            if (halves) {
                field.kind = PL_FIELD_UNSIGNED;
                field.width = (uint8_t)pl_half_width(left);
            }
            pl_field_unpack(&field, data, &numbers[field.index]);
            written[field.index] = 1;
            field.bit += field.width;
            field.index++;
            left -= field.width;
        }
    }
    return (int)(fmt_length / PL_FIELD_SIZE);
}

static bool is_usual(const uint8_t *fmt, size_t fmt_length, size_t octets, size_t count) {
    for (size_t at = 0; at + PL_FIELD_SIZE <= fmt_length; at += PL_FIELD_SIZE) {
        pl_field_t field;
        if (pl_field_read(fmt + at, octets, count, &field) || field.kind == PL_FIELD_HALVES ||
            (field.kind != PL_FIELD_FLOAT && field.width > 63)) {
            return false;
        }
    }
    return true;
}

int pl_batch_pack_usual(const uint8_t *fmt, size_t fmt_length, const double *numbers, size_t count, uint8_t *data,
                        size_t octets) {
    for (size_t i = 0; i < count; i++) {
        if (numbers[i] >= EXACT || numbers[i] <= -EXACT) {
            return PL_BATCH_UNUSUAL;
        }
    }
    if (!is_usual(fmt, fmt_length, octets, count)) {
        return PL_BATCH_UNUSUAL;
    }
    int clamped = 0;
    for (size_t at = 0; at + PL_FIELD_SIZE <= fmt_length; at += PL_FIELD_SIZE) {
        pl_field_t field;
        pl_field_read(fmt + at, octets, count, &field);
        pl_number_t number = {.is_real = true, .real = numbers[field.index]};
        clamped += pl_field_pack(&field, data, &number);
    }
    return clamped;
}

int pl_batch_unpack_usual(const uint8_t *fmt, size_t fmt_length, const uint8_t *data, size_t octets, int64_t *integers,
                          double *reals, size_t count) {
    if (!is_usual(fmt, fmt_length, octets, count)) {
        return PL_BATCH_UNUSUAL;
    }
    for (size_t at = 0; at + PL_FIELD_SIZE <= fmt_length; at += PL_FIELD_SIZE) {
        pl_field_t field;
        pl_number_t number;
        pl_field_read(fmt + at, octets, count, &field);
        pl_field_unpack(&field, data, &number);
        if (number.is_real) {
            reals[field.index] = number.real;
        } else {
            integers[field.index] = (int64_t)(number.negative ? 0 - number.magnitude : number.magnitude);
        }
    }
    return (int)(fmt_length / PL_FIELD_SIZE);
}
