// pack and unpack of the MicroPython module: numbers between objects or array elements and fields (SPEC.md section 11).
#include "binding.h"
#include "codec.h"

#include "py/binary.h"
#include "py/objint.h"
#include "py/objlist.h"
#include "py/smallint.h"

// The caller's values: objects of a list or tuple, or elements of an array.
typedef struct {
    size_t length;
    mp_obj_t *items;  // NULL for an array
    void *data;
    char typecode;
} values_t;

static values_t values_of(mp_obj_t o, mp_uint_t access) {
    values_t values = {0};
    if (mp_obj_is_type(o, &mp_type_list) || (access == MP_BUFFER_READ && mp_obj_is_type(o, &mp_type_tuple))) {
        mp_obj_get_array(o, &values.length, &values.items);
    } else {
        mp_buffer_info_t info;
        mp_get_buffer_raise(o, &info, access);
        values.data = info.buf;
        values.typecode = info.typecode == BYTEARRAY_TYPECODE ? 'B' : (char)info.typecode;
        size_t align;
        values.length = info.len / mp_binary_get_size('@', values.typecode, &align);
    }
    return values;
}

static void set_signed(pl_number_t *number, int64_t value) {
    number->is_real = false;
    number->beyond = false;
    number->negative = value < 0;
    number->magnitude = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
}

static void set_unsigned(pl_number_t *number, uint64_t value) {
    number->is_real = false;
    number->beyond = false;
    number->negative = false;
    number->magnitude = value;
}

static void set_real(pl_number_t *number, double value) {
    number->is_real = true;
    number->beyond = false;
    number->negative = false;
    number->magnitude = 0;
    number->real = value;
}

static void set_long(pl_number_t *number, mp_obj_t o) {
    const mpz_t *z = &((const mp_obj_int_t *)MP_OBJ_TO_PTR(o))->mpz;
    set_unsigned(number, 0);
    number->negative = z->neg;
    for (size_t i = z->len; i-- > 0;) {
        number->beyond |= number->magnitude >> (64 - MPZ_DIG_SIZE) != 0;
        number->magnitude = (number->magnitude << MPZ_DIG_SIZE) | z->dig[i];
    }
}

// False when the value is no number.
static bool get_number(const values_t *values, size_t index, pl_number_t *number) {
    if (values->items) {
        mp_obj_t o = values->items[index];
        if (mp_obj_is_small_int(o)) {
            set_signed(number, MP_OBJ_SMALL_INT_VALUE(o));
        } else if (mp_obj_is_float(o)) {
            set_real(number, (double)mp_obj_float_get(o));
        } else if (mp_obj_is_bool(o)) {
            set_unsigned(number, o == mp_const_true);
        } else if (mp_obj_is_exact_type(o, &mp_type_int)) {
            set_long(number, o);
        } else {
            return false;
        }
        return true;
    }
    switch (values->typecode) {
        case 'b':
            set_signed(number, ((int8_t *)values->data)[index]);
            return true;
        case 'B':
            set_unsigned(number, ((uint8_t *)values->data)[index]);
            return true;
        case 'h':
            set_signed(number, ((int16_t *)values->data)[index]);
            return true;
        case 'H':
            set_unsigned(number, ((uint16_t *)values->data)[index]);
            return true;
        case 'i':
            set_signed(number, ((int *)values->data)[index]);
            return true;
        case 'I':
            set_unsigned(number, ((unsigned *)values->data)[index]);
            return true;
        case 'l':
            set_signed(number, ((long *)values->data)[index]);
            return true;
        case 'L':
            set_unsigned(number, ((unsigned long *)values->data)[index]);
            return true;
        case 'q':
            set_signed(number, ((int64_t *)values->data)[index]);
            return true;
        case 'Q':
            set_unsigned(number, ((uint64_t *)values->data)[index]);
            return true;
        case 'f':
            set_real(number, (double)((float *)values->data)[index]);
            return true;
        case 'd':
            set_real(number, ((double *)values->data)[index]);
            return true;
        default:
            return false;
    }
}

static mp_obj_t number_object(const pl_number_t *number) {
    if (number->is_real) {
        return mp_obj_new_float((mp_float_t)number->real);
    }
    if (number->magnitude <= MP_SMALL_INT_MAX) {
        mp_int_t value = (mp_int_t)number->magnitude;
        return MP_OBJ_NEW_SMALL_INT(number->negative ? -value : value);
    }
    if (number->negative) {
        return mp_obj_new_int_from_ll((long long)(0 - number->magnitude));
    }
    return mp_obj_new_int_from_ull(number->magnitude);
}

// False when the array cannot hold such a number. An integer too wide for the element loses its high bits, as on assignment.
static bool set_number(const values_t *values, size_t index, const pl_number_t *number) {
    if (values->items) {
        values->items[index] = number_object(number);
        return true;
    }
    uint64_t bits = number->negative ? 0 - number->magnitude : number->magnitude;
    double real = number->is_real ? number->real : number->negative ? -(double)number->magnitude : (double)number->magnitude;
    bool integer_element = true;
    switch (values->typecode) {
        case 'f':
            ((float *)values->data)[index] = (float)real;
            return true;
        case 'd':
            ((double *)values->data)[index] = real;
            return true;
        case 'b':
        case 'B':
            if (!number->is_real) {
                ((uint8_t *)values->data)[index] = (uint8_t)bits;
            }
            break;
        case 'h':
        case 'H':
            if (!number->is_real) {
                ((uint16_t *)values->data)[index] = (uint16_t)bits;
            }
            break;
        case 'i':
        case 'I':
            if (!number->is_real) {
                ((unsigned *)values->data)[index] = (unsigned)bits;
            }
            break;
        case 'l':
        case 'L':
            if (!number->is_real) {
                ((unsigned long *)values->data)[index] = (unsigned long)bits;
            }
            break;
        case 'q':
        case 'Q':
            if (!number->is_real) {
                ((uint64_t *)values->data)[index] = bits;
            }
            break;
        default:
            integer_element = false;
            break;
    }
    return integer_element && !number->is_real;
}

// True for an integer object of up to 32 bits: nearly every value, and worth a shorter way.
static bool is_small(const values_t *values, size_t index, mp_int_t *small) {
    if (!values->items || !mp_obj_is_small_int(values->items[index])) {
        return false;
    }
    *small = MP_OBJ_SMALL_INT_VALUE(values->items[index]);
    return *small == (int32_t)*small;
}

static mp_obj_t codec_pack(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    pl_span_t s = pl_span(args[2], args[3], args[4], MP_BUFFER_WRITE);
    mp_buffer_info_t fmt;
    mp_get_buffer_raise(args[0], &fmt, MP_BUFFER_READ);
    values_t values = values_of(args[1], MP_BUFFER_READ);
    if (fmt.len % PL_FIELD_SIZE) {
        return MP_OBJ_NEW_SMALL_INT(PL_FIELD_FORMAT);
    }
    mp_int_t clamped = 0;
    for (size_t at = 0; at < fmt.len; at += PL_FIELD_SIZE) {
        pl_field_t field;
        pl_number_t number;
        int status = pl_field_read((const uint8_t *)fmt.buf + at, s.length, values.length, &field);
        if (status) {
            return MP_OBJ_NEW_SMALL_INT(status);
        }
        mp_int_t small;
        if (field.kind <= PL_FIELD_SIGNED && field.width <= 32 && is_small(&values, field.index, &small)) {
            clamped += pl_field_pack_small(&field, s.data, (int32_t)small);
            continue;
        }
        if (field.kind != PL_FIELD_HALVES) {
            if (!get_number(&values, field.index, &number)) {
                return MP_OBJ_NEW_SMALL_INT(PL_FIELD_VALUE);
            }
            clamped += pl_field_pack(&field, s.data, &number);
            continue;
        }
        unsigned left = field.width;
        field.kind = PL_FIELD_UNSIGNED;
        while (left) {
            field.width = (uint8_t)pl_half_width(left);
            if (!get_number(&values, field.index, &number)) {
                return MP_OBJ_NEW_SMALL_INT(PL_FIELD_VALUE);
            }
            clamped += pl_field_pack(&field, s.data, &number);
            field.bit += field.width;
            field.index++;
            left -= field.width;
        }
    }
    return MP_OBJ_NEW_SMALL_INT(clamped);
}
MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(pl_pack_obj, 5, 5, codec_pack);

static mp_obj_t codec_unpack(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    pl_span_t s = pl_span(args[1], args[2], args[3], MP_BUFFER_READ);
    mp_buffer_info_t fmt;
    mp_get_buffer_raise(args[0], &fmt, MP_BUFFER_READ);
    values_t values = values_of(args[4], MP_BUFFER_WRITE);
    if (fmt.len % PL_FIELD_SIZE) {
        return MP_OBJ_NEW_SMALL_INT(PL_FIELD_FORMAT);
    }
    for (size_t at = 0; at < fmt.len; at += PL_FIELD_SIZE) {
        pl_field_t field;
        pl_number_t number;
        int status = pl_field_read((const uint8_t *)fmt.buf + at, s.length, values.length, &field);
        if (status) {
            return MP_OBJ_NEW_SMALL_INT(status);
        }
        if (values.items && field.kind <= PL_FIELD_SIGNED && field.width <= 30) {
            values.items[field.index] = MP_OBJ_NEW_SMALL_INT(pl_field_unpack_small(&field, s.data));
            continue;
        }
        unsigned left = field.width;
        bool halves = field.kind == PL_FIELD_HALVES;
        while (left) {
            if (halves) {
                field.kind = PL_FIELD_UNSIGNED;
                field.width = (uint8_t)pl_half_width(left);
            }
            pl_field_unpack(&field, s.data, &number);
            if (!set_number(&values, field.index, &number)) {
                return MP_OBJ_NEW_SMALL_INT(PL_FIELD_VALUE);
            }
            field.bit += field.width;
            field.index++;
            left -= field.width;
        }
    }
    return MP_OBJ_NEW_SMALL_INT(fmt.len / PL_FIELD_SIZE);
}
MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(pl_unpack_obj, 5, 5, codec_unpack);
