// The codec as MicroPython module `perilune_codec`: checks of arguments and numbers in and out, nothing else.
// Interface: flight/codec/twin.py, same names, arguments and results. After construction nothing allocates, except unpack
// of an integer beyond 30 bits into a list (use FIELD_HALVES or an array there).
#include "binding.h"

#include "codec.h"

// ---- arguments ----

mp_int_t pl_integer(mp_obj_t o) {
    return mp_obj_is_small_int(o) ? MP_OBJ_SMALL_INT_VALUE(o) : mp_obj_get_int(o);
}

// The octets [start, end) of a buffer; ValueError when they do not lie in it.
static uint8_t *octets(mp_obj_t buffer, mp_int_t start, mp_int_t end, mp_uint_t access) {
    mp_buffer_info_t info;
    mp_get_buffer_raise(buffer, &info, access);
    if (start < 0 || end < start || (size_t)end > info.len) {
        mp_raise_ValueError(MP_ERROR_TEXT("range"));
    }
    return (uint8_t *)info.buf + start;
}

// The same for `length` octets from `start`, where start + length may not be representable.
static uint8_t *room(mp_obj_t buffer, mp_int_t start, size_t length, mp_uint_t access) {
    mp_buffer_info_t info;
    mp_get_buffer_raise(buffer, &info, access);
    if (start < 0 || (size_t)start > info.len || length > info.len - (size_t)start) {
        mp_raise_ValueError(MP_ERROR_TEXT("range"));
    }
    return (uint8_t *)info.buf + start;
}

pl_span_t pl_span(mp_obj_t buffer, mp_obj_t start, mp_obj_t end, mp_uint_t access) {
    mp_int_t first = pl_integer(start);
    mp_int_t last = pl_integer(end);
    return (pl_span_t){octets(buffer, first, last, access), (size_t)(last - first)};
}

// A position that is the result of a call.
static mp_obj_t position(mp_obj_t start, size_t length) {
    return MP_OBJ_NEW_SMALL_INT(pl_integer(start) + (mp_int_t)length);
}

static mp_obj_t counter(const uint32_t *counts, mp_obj_t which, unsigned n) {
    mp_int_t i = pl_integer(which);
    if (i < 0 || i >= (mp_int_t)n) {
        mp_raise_ValueError(MP_ERROR_TEXT("counter"));
    }
    return MP_OBJ_NEW_SMALL_INT(counts[i]);
}

// ---- octets ----

static mp_obj_t codec_copy(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    pl_span_t from = pl_span(args[0], args[1], args[2], MP_BUFFER_READ);
    memmove(room(args[3], pl_integer(args[4]), from.length, MP_BUFFER_WRITE), from.data, from.length);
    return position(args[4], from.length);
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(codec_copy_obj, 5, 5, codec_copy);

// ---- check codes ----

typedef uint16_t (*crc16_t)(uint16_t crc, const uint8_t *data, size_t length);

static mp_obj_t crc16_of(crc16_t crc16, size_t n_args, const mp_obj_t *args) {
    pl_span_t s = pl_span(args[0], args[1], args[2], MP_BUFFER_READ);
    uint16_t init = n_args > 3 ? (uint16_t)pl_integer(args[3]) : PL_CRC16_INIT;
    return MP_OBJ_NEW_SMALL_INT(crc16(init, s.data, s.length));
}

static mp_obj_t codec_crc16(size_t n_args, const mp_obj_t *args) {
    return crc16_of(pl_crc16, n_args, args);
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(codec_crc16_obj, 3, 4, codec_crc16);

static mp_obj_t codec_crc16_modbus(size_t n_args, const mp_obj_t *args) {
    return crc16_of(pl_crc16_modbus, n_args, args);
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(codec_crc16_modbus_obj, 3, 4, codec_crc16_modbus);

// The octets [start, end) and two behind them.
static pl_span_t span_and_crc(mp_obj_t buffer, mp_obj_t start, mp_obj_t end) {
    pl_span_t s = pl_span(buffer, start, end, MP_BUFFER_WRITE);
    room(buffer, pl_integer(end), 2, MP_BUFFER_WRITE);
    return s;
}

static mp_obj_t codec_crc16_put(mp_obj_t buffer, mp_obj_t start, mp_obj_t end) {
    pl_span_t s = span_and_crc(buffer, start, end);
    uint16_t crc = pl_crc16(PL_CRC16_INIT, s.data, s.length);
    s.data[s.length] = (uint8_t)(crc >> 8);
    s.data[s.length + 1] = (uint8_t)crc;
    return position(end, 2);
}
static MP_DEFINE_CONST_FUN_OBJ_3(codec_crc16_put_obj, codec_crc16_put);

static mp_obj_t codec_crc16_modbus_put(mp_obj_t buffer, mp_obj_t start, mp_obj_t end) {
    pl_span_t s = span_and_crc(buffer, start, end);
    uint16_t crc = pl_crc16_modbus(PL_CRC16_INIT, s.data, s.length);
    s.data[s.length] = (uint8_t)crc;
    s.data[s.length + 1] = (uint8_t)(crc >> 8);
    return position(end, 2);
}
static MP_DEFINE_CONST_FUN_OBJ_3(codec_crc16_modbus_put_obj, codec_crc16_modbus_put);

static mp_obj_t codec_crc16_check(mp_obj_t buffer, mp_obj_t start, mp_obj_t end) {
    pl_span_t s = pl_span(buffer, start, end, MP_BUFFER_READ);
    return mp_obj_new_bool(s.length >= 2 && pl_crc16(PL_CRC16_INIT, s.data, s.length) == 0);
}
static MP_DEFINE_CONST_FUN_OBJ_3(codec_crc16_check_obj, codec_crc16_check);

static mp_obj_t codec_crc16_modbus_check(mp_obj_t buffer, mp_obj_t start, mp_obj_t end) {
    pl_span_t s = pl_span(buffer, start, end, MP_BUFFER_READ);
    return mp_obj_new_bool(s.length >= 2 && pl_crc16_modbus(PL_CRC16_INIT, s.data, s.length) == 0);
}
static MP_DEFINE_CONST_FUN_OBJ_3(codec_crc16_modbus_check_obj, codec_crc16_modbus_check);

static uint32_t get32(const uint8_t *p) {
    return ((uint32_t)p[0] << 24) | ((uint32_t)p[1] << 16) | ((uint32_t)p[2] << 8) | p[3];
}

static void put32(uint8_t *p, uint32_t value) {
    p[0] = (uint8_t)(value >> 24);
    p[1] = (uint8_t)(value >> 16);
    p[2] = (uint8_t)(value >> 8);
    p[3] = (uint8_t)value;
}

static mp_obj_t codec_crc32_update(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    uint8_t *state = room(args[0], pl_integer(args[1]), 4, MP_BUFFER_WRITE);
    pl_span_t s = pl_span(args[2], args[3], args[4], MP_BUFFER_READ);
    put32(state, pl_crc32(get32(state), s.data, s.length));
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(codec_crc32_update_obj, 5, 5, codec_crc32_update);

static mp_obj_t codec_crc32_put(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    uint8_t *out = room(args[3], pl_integer(args[4]), 4, MP_BUFFER_WRITE);
    pl_span_t s = pl_span(args[0], args[1], args[2], MP_BUFFER_READ);
    put32(out, pl_crc32(PL_CRC32_INIT, s.data, s.length));
    return position(args[4], 4);
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(codec_crc32_put_obj, 5, 5, codec_crc32_put);

static mp_obj_t codec_crc32_check(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    const uint8_t *reference = room(args[3], pl_integer(args[4]), 4, MP_BUFFER_READ);
    pl_span_t s = pl_span(args[0], args[1], args[2], MP_BUFFER_READ);
    return mp_obj_new_bool(pl_crc32(PL_CRC32_INIT, s.data, s.length) == get32(reference));
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(codec_crc32_check_obj, 5, 5, codec_crc32_check);

// ---- SHA-256 and HMAC ----

static mp_obj_t codec_sha256(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    pl_span_t s = pl_span(args[0], args[1], args[2], MP_BUFFER_READ);
    uint8_t *out = room(args[3], pl_integer(args[4]), 32, MP_BUFFER_WRITE);
    pl_sha256_t sha;
    pl_sha256_start(&sha);
    pl_sha256_update(&sha, s.data, s.length);
    pl_sha256_finish(&sha, out);
    return position(args[4], 32);
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(codec_sha256_obj, 5, 5, codec_sha256);

typedef struct {
    mp_obj_base_t base;
    pl_hmac_t hmac;
} hmac_obj_t;

static mp_obj_t hmac_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw, const mp_obj_t *args) {
    mp_arg_check_num(n_args, n_kw, 1, 1, false);
    mp_buffer_info_t key;
    mp_get_buffer_raise(args[0], &key, MP_BUFFER_READ);
    hmac_obj_t *self = mp_obj_malloc(hmac_obj_t, type);
    pl_hmac_init(&self->hmac, key.buf, key.len);
    return MP_OBJ_FROM_PTR(self);
}

static mp_obj_t hmac_start(mp_obj_t self_in) {
    hmac_obj_t *self = MP_OBJ_TO_PTR(self_in);
    pl_hmac_start(&self->hmac);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(hmac_start_obj, hmac_start);

static mp_obj_t hmac_update(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    hmac_obj_t *self = MP_OBJ_TO_PTR(args[0]);
    pl_span_t s = pl_span(args[1], args[2], args[3], MP_BUFFER_READ);
    pl_hmac_update(&self->hmac, s.data, s.length);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(hmac_update_obj, 4, 4, hmac_update);

static size_t mac_length(mp_obj_t n) {
    mp_int_t length = pl_integer(n);
    if (length < 1 || length > 32) {
        mp_raise_ValueError(MP_ERROR_TEXT("mac length"));
    }
    return (size_t)length;
}

static mp_obj_t hmac_put(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    hmac_obj_t *self = MP_OBJ_TO_PTR(args[0]);
    size_t length = mac_length(args[3]);
    uint8_t *out = room(args[1], pl_integer(args[2]), length, MP_BUFFER_WRITE);
    uint8_t mac[32];
    pl_hmac_finish(&self->hmac, mac);
    memcpy(out, mac, length);
    return position(args[2], length);
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(hmac_put_obj, 4, 4, hmac_put);

static mp_obj_t hmac_check(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    hmac_obj_t *self = MP_OBJ_TO_PTR(args[0]);
    size_t length = mac_length(args[3]);
    return mp_obj_new_bool(pl_hmac_check(&self->hmac, room(args[1], pl_integer(args[2]), length, MP_BUFFER_READ), length));
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(hmac_check_obj, 4, 4, hmac_check);

static const mp_rom_map_elem_t hmac_locals[] = {
    {MP_ROM_QSTR(MP_QSTR_start), MP_ROM_PTR(&hmac_start_obj)},
    {MP_ROM_QSTR(MP_QSTR_update), MP_ROM_PTR(&hmac_update_obj)},
    {MP_ROM_QSTR(MP_QSTR_put), MP_ROM_PTR(&hmac_put_obj)},
    {MP_ROM_QSTR(MP_QSTR_check), MP_ROM_PTR(&hmac_check_obj)},
};
static MP_DEFINE_CONST_DICT(hmac_locals_dict, hmac_locals);
static MP_DEFINE_CONST_OBJ_TYPE(hmac_type, MP_QSTR_HmacSha256, MP_TYPE_FLAG_NONE,
    make_new, hmac_make_new, locals_dict, &hmac_locals_dict);

pl_hmac_t *pl_hmac_of(mp_obj_t o) {
    if (!mp_obj_is_type(o, &hmac_type)) {
        mp_raise_TypeError(MP_ERROR_TEXT("HmacSha256"));
    }
    return &((hmac_obj_t *)MP_OBJ_TO_PTR(o))->hmac;
}

// ---- randomisers ----

static mp_obj_t codec_randomise_tc(mp_obj_t buffer, mp_obj_t start, mp_obj_t end) {
    pl_span_t s = pl_span(buffer, start, end, MP_BUFFER_WRITE);
    pl_randomise_tc(s.data, s.length);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_3(codec_randomise_tc_obj, codec_randomise_tc);

static mp_obj_t codec_randomise_tm(mp_obj_t buffer, mp_obj_t start, mp_obj_t end) {
    pl_span_t s = pl_span(buffer, start, end, MP_BUFFER_WRITE);
    pl_randomise_tm(s.data, s.length);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_3(codec_randomise_tm_obj, codec_randomise_tm);

// ---- BCH and CLTU ----

static mp_obj_t codec_bch_encode(mp_obj_t buffer, mp_obj_t pos) {
    return MP_OBJ_NEW_SMALL_INT(pl_bch_encode(room(buffer, pl_integer(pos), PL_CLTU_INFORMATION, MP_BUFFER_READ)));
}
static MP_DEFINE_CONST_FUN_OBJ_2(codec_bch_encode_obj, codec_bch_encode);

static mp_obj_t codec_bch_decode(mp_obj_t buffer, mp_obj_t pos, mp_obj_t correct) {
    uint8_t *block = room(buffer, pl_integer(pos), PL_CLTU_BLOCK, MP_BUFFER_WRITE);
    return MP_OBJ_NEW_SMALL_INT(pl_bch_decode(block, mp_obj_is_true(correct)));
}
static MP_DEFINE_CONST_FUN_OBJ_3(codec_bch_decode_obj, codec_bch_decode);

static mp_obj_t codec_cltu_size(mp_obj_t n) {
    mp_int_t length = pl_integer(n);
    if (length < 0 || length > 0xFFFFFF) {
        mp_raise_ValueError(MP_ERROR_TEXT("range"));
    }
    return MP_OBJ_NEW_SMALL_INT(pl_cltu_size((size_t)length));
}
static MP_DEFINE_CONST_FUN_OBJ_1(codec_cltu_size_obj, codec_cltu_size);

static mp_obj_t codec_cltu_encode(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    pl_span_t frame = pl_span(args[0], args[1], args[2], MP_BUFFER_READ);
    size_t size = pl_cltu_size(frame.length);
    uint8_t *out = room(args[3], pl_integer(args[4]), size, MP_BUFFER_WRITE);
    if (frame.length == 0) {
        mp_raise_ValueError(MP_ERROR_TEXT("empty frame"));
    }
    pl_cltu_encode(frame.data, frame.length, mp_obj_is_true(args[5]), out);
    return MP_OBJ_NEW_SMALL_INT(size);
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(codec_cltu_encode_obj, 6, 6, codec_cltu_encode);

typedef struct {
    mp_obj_base_t base;
    mp_obj_t frame;
    pl_cltu_t rx;
} cltu_obj_t;

static mp_obj_t cltu_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw, const mp_obj_t *args) {
    mp_arg_check_num(n_args, n_kw, 2, 2, false);
    mp_buffer_info_t frame;
    mp_get_buffer_raise(args[0], &frame, MP_BUFFER_WRITE);
    if (frame.len < PL_CLTU_INFORMATION) {
        mp_raise_ValueError(MP_ERROR_TEXT("buffer"));
    }
    cltu_obj_t *self = mp_obj_malloc(cltu_obj_t, type);
    self->frame = args[0];
    pl_cltu_init(&self->rx, frame.len, mp_obj_is_true(args[1]));
    return MP_OBJ_FROM_PTR(self);
}

static mp_obj_t cltu_feed(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    cltu_obj_t *self = MP_OBJ_TO_PTR(args[0]);
    pl_span_t s = pl_span(args[1], args[2], args[3], MP_BUFFER_READ);
    // Asked for anew at every call: a bytearray may have moved.
    uint8_t *frame = room(self->frame, 0, self->rx.size, MP_BUFFER_WRITE);
    return position(args[2], pl_cltu_feed(&self->rx, frame, s.data, s.length));
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(cltu_feed_obj, 4, 4, cltu_feed);

static mp_obj_t cltu_take(mp_obj_t self_in) {
    cltu_obj_t *self = MP_OBJ_TO_PTR(self_in);
    return MP_OBJ_NEW_SMALL_INT(pl_cltu_take(&self->rx));
}
static MP_DEFINE_CONST_FUN_OBJ_1(cltu_take_obj, cltu_take);

static mp_obj_t cltu_count(mp_obj_t self_in, mp_obj_t which) {
    cltu_obj_t *self = MP_OBJ_TO_PTR(self_in);
    return counter(self->rx.counts, which, PL_CLTU_COUNTERS);
}
static MP_DEFINE_CONST_FUN_OBJ_2(cltu_count_obj, cltu_count);

static mp_obj_t cltu_pending(mp_obj_t self_in) {
    cltu_obj_t *self = MP_OBJ_TO_PTR(self_in);
    return MP_OBJ_NEW_SMALL_INT(pl_cltu_pending(&self->rx));
}
static MP_DEFINE_CONST_FUN_OBJ_1(cltu_pending_obj, cltu_pending);

static mp_obj_t cltu_reset(mp_obj_t self_in) {
    cltu_obj_t *self = MP_OBJ_TO_PTR(self_in);
    pl_cltu_reset(&self->rx);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(cltu_reset_obj, cltu_reset);

static const mp_rom_map_elem_t cltu_locals[] = {
    {MP_ROM_QSTR(MP_QSTR_feed), MP_ROM_PTR(&cltu_feed_obj)},
    {MP_ROM_QSTR(MP_QSTR_take), MP_ROM_PTR(&cltu_take_obj)},
    {MP_ROM_QSTR(MP_QSTR_count), MP_ROM_PTR(&cltu_count_obj)},
    {MP_ROM_QSTR(MP_QSTR_pending), MP_ROM_PTR(&cltu_pending_obj)},
    {MP_ROM_QSTR(MP_QSTR_reset), MP_ROM_PTR(&cltu_reset_obj)},
};
static MP_DEFINE_CONST_DICT(cltu_locals_dict, cltu_locals);
static MP_DEFINE_CONST_OBJ_TYPE(cltu_type, MP_QSTR_CltuReceiver, MP_TYPE_FLAG_NONE,
    make_new, cltu_make_new, locals_dict, &cltu_locals_dict);

// ---- TM frame synchronisation ----

typedef struct {
    mp_obj_base_t base;
    mp_obj_t buffer;
    pl_tm_sync_t sync;
} sync_obj_t;

static mp_obj_t sync_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw, const mp_obj_t *args) {
    mp_arg_check_num(n_args, n_kw, 5, 5, false);
    mp_buffer_info_t buffer;
    mp_get_buffer_raise(args[0], &buffer, MP_BUFFER_WRITE);
    mp_int_t length = pl_integer(args[1]);
    if (length < PL_TM_LENGTH_MIN || length > PL_TM_LENGTH_MAX || buffer.len < (size_t)length + PL_TM_EXTRA) {
        mp_raise_ValueError(MP_ERROR_TEXT("buffer"));
    }
    mp_int_t search_errors = pl_integer(args[2]);
    mp_int_t lock_errors = pl_integer(args[3]);
    if (search_errors < 0 || search_errors > PL_TM_ERRORS_MAX || lock_errors < 0 || lock_errors > PL_TM_ERRORS_MAX) {
        mp_raise_ValueError(MP_ERROR_TEXT("errors"));
    }
    sync_obj_t *self = mp_obj_malloc(sync_obj_t, type);
    self->buffer = args[0];
    pl_tm_init(&self->sync, (size_t)length, (unsigned)search_errors, (unsigned)lock_errors, mp_obj_is_true(args[4]));
    return MP_OBJ_FROM_PTR(self);
}

static mp_obj_t sync_feed(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    sync_obj_t *self = MP_OBJ_TO_PTR(args[0]);
    pl_span_t s = pl_span(args[1], args[2], args[3], MP_BUFFER_READ);
    uint8_t *buffer = room(self->buffer, 0, self->sync.length + PL_TM_EXTRA, MP_BUFFER_WRITE);
    return position(args[2], pl_tm_feed(&self->sync, buffer, s.data, s.length));
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(sync_feed_obj, 4, 4, sync_feed);

static mp_obj_t sync_take(mp_obj_t self_in) {
    sync_obj_t *self = MP_OBJ_TO_PTR(self_in);
    return MP_OBJ_NEW_SMALL_INT(pl_tm_take(&self->sync));
}
static MP_DEFINE_CONST_FUN_OBJ_1(sync_take_obj, sync_take);

static mp_obj_t sync_count(mp_obj_t self_in, mp_obj_t which) {
    sync_obj_t *self = MP_OBJ_TO_PTR(self_in);
    return counter(self->sync.counts, which, PL_TM_COUNTERS);
}
static MP_DEFINE_CONST_FUN_OBJ_2(sync_count_obj, sync_count);

static mp_obj_t sync_pending(mp_obj_t self_in) {
    sync_obj_t *self = MP_OBJ_TO_PTR(self_in);
    return MP_OBJ_NEW_SMALL_INT(pl_tm_pending(&self->sync));
}
static MP_DEFINE_CONST_FUN_OBJ_1(sync_pending_obj, sync_pending);

static mp_obj_t sync_locked(mp_obj_t self_in) {
    sync_obj_t *self = MP_OBJ_TO_PTR(self_in);
    return mp_obj_new_bool(self->sync.locked);
}
static MP_DEFINE_CONST_FUN_OBJ_1(sync_locked_obj, sync_locked);

static mp_obj_t sync_reset(mp_obj_t self_in) {
    sync_obj_t *self = MP_OBJ_TO_PTR(self_in);
    pl_tm_reset(&self->sync);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(sync_reset_obj, sync_reset);

static const mp_rom_map_elem_t sync_locals[] = {
    {MP_ROM_QSTR(MP_QSTR_feed), MP_ROM_PTR(&sync_feed_obj)},
    {MP_ROM_QSTR(MP_QSTR_take), MP_ROM_PTR(&sync_take_obj)},
    {MP_ROM_QSTR(MP_QSTR_count), MP_ROM_PTR(&sync_count_obj)},
    {MP_ROM_QSTR(MP_QSTR_pending), MP_ROM_PTR(&sync_pending_obj)},
    {MP_ROM_QSTR(MP_QSTR_locked), MP_ROM_PTR(&sync_locked_obj)},
    {MP_ROM_QSTR(MP_QSTR_reset), MP_ROM_PTR(&sync_reset_obj)},
};
static MP_DEFINE_CONST_DICT(sync_locals_dict, sync_locals);
static MP_DEFINE_CONST_OBJ_TYPE(sync_type, MP_QSTR_TmFrameSync, MP_TYPE_FLAG_NONE,
    make_new, sync_make_new, locals_dict, &sync_locals_dict);

// ---- module ----


static const mp_rom_map_elem_t codec_globals[] = {
    {MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR_perilune_codec)},
    {MP_ROM_QSTR(MP_QSTR_BACKEND), MP_ROM_QSTR(MP_QSTR_c)},
    {MP_ROM_QSTR(MP_QSTR_WIRE_VERSION), MP_ROM_INT(PL_WIRE_VERSION)},
    {MP_ROM_QSTR(MP_QSTR_CLTU_STARTS), MP_ROM_INT(PL_CLTU_STARTS)},
    {MP_ROM_QSTR(MP_QSTR_CLTU_SEARCH_BYTES), MP_ROM_INT(PL_CLTU_SEARCH_BYTES)},
    {MP_ROM_QSTR(MP_QSTR_CLTU_BLOCKS), MP_ROM_INT(PL_CLTU_BLOCKS)},
    {MP_ROM_QSTR(MP_QSTR_CLTU_CORRECTED), MP_ROM_INT(PL_CLTU_CORRECTED)},
    {MP_ROM_QSTR(MP_QSTR_CLTU_TAILS), MP_ROM_INT(PL_CLTU_TAILS)},
    {MP_ROM_QSTR(MP_QSTR_CLTU_REJECTED), MP_ROM_INT(PL_CLTU_REJECTED)},
    {MP_ROM_QSTR(MP_QSTR_CLTU_DELIVERED), MP_ROM_INT(PL_CLTU_DELIVERED)},
    {MP_ROM_QSTR(MP_QSTR_CLTU_EMPTY), MP_ROM_INT(PL_CLTU_EMPTY)},
    {MP_ROM_QSTR(MP_QSTR_CLTU_OVERLONG), MP_ROM_INT(PL_CLTU_OVERLONG)},
    {MP_ROM_QSTR(MP_QSTR_CLTU_UNTAKEN), MP_ROM_INT(PL_CLTU_UNTAKEN)},
    {MP_ROM_QSTR(MP_QSTR_TM_FRAMES), MP_ROM_INT(PL_TM_FRAMES)},
    {MP_ROM_QSTR(MP_QSTR_TM_FECF), MP_ROM_INT(PL_TM_FECF)},
    {MP_ROM_QSTR(MP_QSTR_TM_SEARCH_BYTES), MP_ROM_INT(PL_TM_SEARCH_BYTES)},
    {MP_ROM_QSTR(MP_QSTR_TM_ASM_ERRORS), MP_ROM_INT(PL_TM_ASM_ERRORS)},
    {MP_ROM_QSTR(MP_QSTR_TM_LOCK_LOST), MP_ROM_INT(PL_TM_LOCK_LOST)},
    {MP_ROM_QSTR(MP_QSTR_TM_RESYNC), MP_ROM_INT(PL_TM_RESYNC)},
    {MP_ROM_QSTR(MP_QSTR_TM_UNTAKEN), MP_ROM_INT(PL_TM_UNTAKEN)},
    {MP_ROM_QSTR(MP_QSTR_FIELD_SIZE), MP_ROM_INT(PL_FIELD_SIZE)},
    {MP_ROM_QSTR(MP_QSTR_FIELD_UNSIGNED), MP_ROM_INT(PL_FIELD_UNSIGNED)},
    {MP_ROM_QSTR(MP_QSTR_FIELD_SIGNED), MP_ROM_INT(PL_FIELD_SIGNED)},
    {MP_ROM_QSTR(MP_QSTR_FIELD_FLOAT), MP_ROM_INT(PL_FIELD_FLOAT)},
    {MP_ROM_QSTR(MP_QSTR_FIELD_HALVES), MP_ROM_INT(PL_FIELD_HALVES)},
    {MP_ROM_QSTR(MP_QSTR_FIELD_FORMAT), MP_ROM_INT(PL_FIELD_FORMAT)},
    {MP_ROM_QSTR(MP_QSTR_FIELD_BOUNDS), MP_ROM_INT(PL_FIELD_BOUNDS)},
    {MP_ROM_QSTR(MP_QSTR_FIELD_VALUE), MP_ROM_INT(PL_FIELD_VALUE)},
    {MP_ROM_QSTR(MP_QSTR_copy), MP_ROM_PTR(&codec_copy_obj)},
    {MP_ROM_QSTR(MP_QSTR_crc16), MP_ROM_PTR(&codec_crc16_obj)},
    {MP_ROM_QSTR(MP_QSTR_crc16_put), MP_ROM_PTR(&codec_crc16_put_obj)},
    {MP_ROM_QSTR(MP_QSTR_crc16_check), MP_ROM_PTR(&codec_crc16_check_obj)},
    {MP_ROM_QSTR(MP_QSTR_crc16_modbus), MP_ROM_PTR(&codec_crc16_modbus_obj)},
    {MP_ROM_QSTR(MP_QSTR_crc16_modbus_put), MP_ROM_PTR(&codec_crc16_modbus_put_obj)},
    {MP_ROM_QSTR(MP_QSTR_crc16_modbus_check), MP_ROM_PTR(&codec_crc16_modbus_check_obj)},
    {MP_ROM_QSTR(MP_QSTR_crc32_update), MP_ROM_PTR(&codec_crc32_update_obj)},
    {MP_ROM_QSTR(MP_QSTR_crc32_put), MP_ROM_PTR(&codec_crc32_put_obj)},
    {MP_ROM_QSTR(MP_QSTR_crc32_check), MP_ROM_PTR(&codec_crc32_check_obj)},
    {MP_ROM_QSTR(MP_QSTR_sha256), MP_ROM_PTR(&codec_sha256_obj)},
    {MP_ROM_QSTR(MP_QSTR_HmacSha256), MP_ROM_PTR(&hmac_type)},
    {MP_ROM_QSTR(MP_QSTR_randomise_tc), MP_ROM_PTR(&codec_randomise_tc_obj)},
    {MP_ROM_QSTR(MP_QSTR_randomise_tm), MP_ROM_PTR(&codec_randomise_tm_obj)},
    {MP_ROM_QSTR(MP_QSTR_bch_encode), MP_ROM_PTR(&codec_bch_encode_obj)},
    {MP_ROM_QSTR(MP_QSTR_bch_decode), MP_ROM_PTR(&codec_bch_decode_obj)},
    {MP_ROM_QSTR(MP_QSTR_cltu_size), MP_ROM_PTR(&codec_cltu_size_obj)},
    {MP_ROM_QSTR(MP_QSTR_cltu_encode), MP_ROM_PTR(&codec_cltu_encode_obj)},
    {MP_ROM_QSTR(MP_QSTR_CltuReceiver), MP_ROM_PTR(&cltu_type)},
    {MP_ROM_QSTR(MP_QSTR_TmFrameSync), MP_ROM_PTR(&sync_type)},
    {MP_ROM_QSTR(MP_QSTR_tc_frame_read), MP_ROM_PTR(&pl_tc_frame_read_obj)},
    {MP_ROM_QSTR(MP_QSTR_sdls_check), MP_ROM_PTR(&pl_sdls_check_obj)},
    {MP_ROM_QSTR(MP_QSTR_tc_packet_read), MP_ROM_PTR(&pl_tc_packet_read_obj)},
    {MP_ROM_QSTR(MP_QSTR_tm_count), MP_ROM_PTR(&pl_tm_count_obj)},
    {MP_ROM_QSTR(MP_QSTR_tm_packet_begin), MP_ROM_PTR(&pl_tm_packet_begin_obj)},
    {MP_ROM_QSTR(MP_QSTR_tm_packet_end), MP_ROM_PTR(&pl_tm_packet_end_obj)},
    {MP_ROM_QSTR(MP_QSTR_idle_packet), MP_ROM_PTR(&pl_idle_packet_obj)},
    {MP_ROM_QSTR(MP_QSTR_tm_frame_seal), MP_ROM_PTR(&pl_tm_frame_seal_obj)},
    {MP_ROM_QSTR(MP_QSTR_TM_COUNT_NEW), MP_ROM_INT(PL_TM_COUNT_NEW)},
    {MP_ROM_QSTR(MP_QSTR_TM_COUNT_FULL), MP_ROM_INT(PL_TM_COUNT_FULL)},
    {MP_ROM_QSTR(MP_QSTR_pack), MP_ROM_PTR(&pl_pack_obj)},
    {MP_ROM_QSTR(MP_QSTR_unpack), MP_ROM_PTR(&pl_unpack_obj)},
};
static MP_DEFINE_CONST_DICT(codec_globals_dict, codec_globals);

const mp_obj_module_t perilune_codec_module = {
    .base = {&mp_type_module},
    .globals = (mp_obj_dict_t *)&codec_globals_dict,
};
MP_REGISTER_MODULE(MP_QSTR_perilune_codec, perilune_codec_module);
