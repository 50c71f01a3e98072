// Packing and unpacking of one field after its descriptor (SPEC.md section 11). The loop over the fields is the binding's,
// which alone knows how its interpreter holds a number.
#include <string.h>

#include "codec.h"

int pl_field_read(const uint8_t *descriptor, size_t octets, size_t values, pl_field_t *field) {
    field->kind = descriptor[0];
    field->width = descriptor[1];
    field->bit = (uint16_t)((descriptor[2] << 8) | descriptor[3]);
    field->index = (uint16_t)((descriptor[4] << 8) | descriptor[5]);
    size_t taken = 1;
    switch (field->kind) {
        case PL_FIELD_FLOAT:
            if ((field->width != 32 && field->width != 64) || field->bit % 8) {
                return PL_FIELD_FORMAT;
            }
            break;
        case PL_FIELD_HALVES:
            taken = ((size_t)field->width + 15) / 16;
            // fall through
        case PL_FIELD_UNSIGNED:
        case PL_FIELD_SIGNED:
            if (field->width < 1 || field->width > 64) {
                return PL_FIELD_FORMAT;
            }
            break;
        default:
            return PL_FIELD_FORMAT;
    }
    size_t end = (size_t)field->bit + field->width;
    if (end / 8 + (end % 8 != 0) > octets) {
        return PL_FIELD_BOUNDS;
    }
    return field->index + taken > values ? PL_FIELD_VALUE : 0;
}

// Fields of up to 32 bits, which are nearly all, do without 64-bit shifts: those cost a Cortex-M4 twice as much.

static void put32(uint8_t *p, unsigned offset, unsigned width, uint32_t value) {
    if (offset + width <= 8) {
        unsigned shift = 8 - offset - width;
        unsigned mask = ((1u << width) - 1) << shift;
        *p = (uint8_t)((*p & ~mask) | ((value << shift) & mask));
        return;
    }
    if (offset) {
        width -= 8 - offset;
        unsigned mask = 0xFFu >> offset;
        *p = (uint8_t)((*p & ~mask) | ((value >> width) & mask));
        p++;
    }
    while (width >= 8) {
        width -= 8;
        *p++ = (uint8_t)(value >> width);
    }
    if (width) {
        unsigned shift = 8 - width;
        unsigned mask = 0xFFu << shift;
        *p = (uint8_t)((*p & ~mask) | ((value << shift) & mask));
    }
}

static uint32_t get32(const uint8_t *p, unsigned offset, unsigned width) {
    if (offset + width <= 8) {
        return (unsigned)(*p >> (8 - offset - width)) & ((1u << width) - 1);
    }
    uint32_t value = 0;
    if (offset) {
        width -= 8 - offset;
        value = *p++ & (0xFFu >> offset);
    }
    while (width >= 8) {
        width -= 8;
        value = (value << 8) | *p++;
    }
    if (width) {
        value = (value << width) | (unsigned)(*p >> (8 - width));
    }
    return value;
}

void pl_field_put(uint8_t *data, size_t bit, unsigned width, uint64_t value) {
    if (width > 32) {
        put32(data + bit / 8, bit % 8, width - 32, (uint32_t)(value >> 32));
        bit += width - 32;
        width = 32;
    }
    put32(data + bit / 8, bit % 8, width, (uint32_t)value);
}

uint64_t pl_field_get(const uint8_t *data, size_t bit, unsigned width) {
    uint64_t high = 0;
    if (width > 32) {
        high = (uint64_t)get32(data + bit / 8, bit % 8, width - 32) << 32;
        bit += width - 32;
        width = 32;
    }
    return high | get32(data + bit / 8, bit % 8, width);
}

unsigned pl_half_width(unsigned left) {
    return (left - 1) % 16 + 1;
}

// Integer nearest to a double, half to even, by its bits: the board has no double-precision hardware and no rint().
static void round_real(pl_number_t *number) {
    uint64_t bits;
    memcpy(&bits, &number->real, sizeof(bits));
    int exponent = (int)(bits >> 52 & 0x7FF) - 1023;
    uint64_t mantissa = bits & 0xFFFFFFFFFFFFFu;
    bool nan = exponent == 1024 && mantissa;
    number->negative = bits >> 63 && !nan;
    number->beyond = exponent >= 64 && !nan;
    number->magnitude = 0;
    if (exponent >= 64 || exponent < -1) {
        return;
    }
    mantissa |= (uint64_t)1 << 52;
    if (exponent >= 52) {
        number->magnitude = mantissa << (exponent - 52);
        return;
    }
    unsigned cut = (unsigned)(52 - exponent);  // 1 to 53 bits behind the point
    uint64_t whole = mantissa >> cut;
    uint64_t fraction = mantissa & (((uint64_t)1 << cut) - 1);
    uint64_t half = (uint64_t)1 << (cut - 1);
    number->magnitude = whole + (fraction > half || (fraction == half && (whole & 1)));
}

static bool is_nan(double real) {
    uint64_t bits;
    memcpy(&bits, &real, sizeof(bits));
    return (bits << 1) > (uint64_t)0x7FF << 53;
}

int pl_field_pack_small(const pl_field_t *field, uint8_t *data, int32_t value) {
    int32_t low = 0;
    int32_t high = INT32_MAX;
    if (field->kind == PL_FIELD_SIGNED) {
        if (field->width < 32) {
            high = (int32_t)((1u << (field->width - 1)) - 1);
        }
        low = -high - 1;
    } else if (field->width < 32) {
        high = (int32_t)((1u << field->width) - 1);
    }
    int clamped = 0;
    if (value < low || value > high) {
        value = value < low ? low : high;
        clamped = 1;
    }
    put32(data + field->bit / 8, field->bit % 8, field->width, (uint32_t)value);
    return clamped;
}

int32_t pl_field_unpack_small(const pl_field_t *field, const uint8_t *data) {
    uint32_t value = get32(data + field->bit / 8, field->bit % 8, field->width);
    uint32_t sign = field->kind == PL_FIELD_SIGNED ? (uint32_t)1 << (field->width - 1) : 0;
    return (int32_t)((value ^ sign) - sign);
}

static int pack_integer(const pl_field_t *field, uint8_t *data, const pl_number_t *given) {
    if (field->width <= 32 && !given->is_real && !given->beyond && given->magnitude <= INT32_MAX) {
        int32_t value = (int32_t)given->magnitude;
        return pl_field_pack_small(field, data, given->negative ? -value : value);
    }
    pl_number_t number = *given;
    int clamped = 0;
    if (number.is_real) {
        clamped = is_nan(number.real);
        round_real(&number);
    }
    uint64_t high = ~(uint64_t)0 >> (64 - field->width);
    if (field->kind == PL_FIELD_SIGNED) {
        high >>= 1;
    }
    uint64_t limit = !number.negative ? high : field->kind == PL_FIELD_SIGNED ? high + 1 : 0;
    if (number.beyond || number.magnitude > limit) {
        number.magnitude = limit;
        clamped = 1;
    }
    pl_field_put(data, field->bit, field->width, number.negative ? 0 - number.magnitude : number.magnitude);
    return clamped;
}

static int pack_real(const pl_field_t *field, uint8_t *data, const pl_number_t *number) {
    double real = number->real;
    if (!number->is_real) {
        real = (double)number->magnitude;
        if (number->beyond) {
            // Not exact any more: the nearest that 64 bits can say.
            real = (double)UINT64_MAX;
        }
        real = number->negative ? -real : real;
    }
    uint64_t bits;
    memcpy(&bits, &real, sizeof(bits));
    if (field->width == 64) {
        pl_field_put(data, field->bit, 64, bits);
        return number->beyond;
    }
    float single = (float)real;
    uint32_t single_bits;
    memcpy(&single_bits, &single, sizeof(single_bits));
    pl_field_put(data, field->bit, 32, single_bits);
    bool was_finite = (bits >> 52 & 0x7FF) != 0x7FF;
    bool is_finite = (single_bits >> 23 & 0xFF) != 0xFF;
    return number->beyond || (was_finite && !is_finite);
}

int pl_field_pack(const pl_field_t *field, uint8_t *data, const pl_number_t *number) {
    return field->kind == PL_FIELD_FLOAT ? pack_real(field, data, number) : pack_integer(field, data, number);
}

void pl_field_unpack(const pl_field_t *field, const uint8_t *data, pl_number_t *number) {
    if (field->kind != PL_FIELD_FLOAT && field->width <= 31) {
        int32_t value = pl_field_unpack_small(field, data);
        *number = (pl_number_t){false, value < 0, false, (uint64_t)(value < 0 ? -(int64_t)value : value), 0.0};
        return;
    }
    uint64_t bits = pl_field_get(data, field->bit, field->width);
    number->beyond = false;
    number->negative = false;
    number->magnitude = bits;
    number->is_real = field->kind == PL_FIELD_FLOAT;
    if (number->is_real) {
        if (field->width == 32) {
            float single;
            uint32_t single_bits = (uint32_t)bits;
            memcpy(&single, &single_bits, sizeof(single));
            number->real = (double)single;
        } else {
            memcpy(&number->real, &bits, sizeof(bits));
        }
    } else if (field->kind == PL_FIELD_SIGNED && bits >> (field->width - 1)) {
        number->negative = true;
        number->magnitude = (0 - bits) & (~(uint64_t)0 >> (64 - field->width));
    }
}
