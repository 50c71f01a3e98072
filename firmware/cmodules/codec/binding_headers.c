// Headers of frames and packets in the MicroPython binding: checks of arguments and fields in and out.
#include "binding.h"

// The items of a list that has room for so many.
static mp_obj_t *items(mp_obj_t list, size_t count) {
    size_t length;
    mp_obj_t *found;
    if (!mp_obj_is_type(list, &mp_type_list)) {
        mp_raise_TypeError(MP_ERROR_TEXT("list"));
    }
    mp_obj_list_get(list, &length, &found);
    if (length < count) {
        mp_raise_ValueError(MP_ERROR_TEXT("list"));
    }
    return found;
}

// An integer of so many bits, without a sign.
static uint32_t bits(mp_obj_t o, unsigned width) {
    mp_int_t value = pl_integer(o);
    if (value < 0 || value >> width) {
        mp_raise_ValueError(MP_ERROR_TEXT("value"));
    }
    return (uint32_t)value;
}

static mp_obj_t tc_frame_read(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    pl_span_t s = pl_span(args[0], MP_OBJ_NEW_SMALL_INT(0), args[1], MP_BUFFER_READ);
    pl_tc_link_t link = {bits(args[2], 16), bits(args[3], 10), bits(args[4], 6), bits(args[5], 6)};
    mp_obj_t *out = items(args[6], 6);
    pl_tc_frame_t frame;
    unsigned status = pl_tc_frame_read(s.data, s.length, &link, &frame);
    if (status == PL_OK) {
        out[0] = MP_OBJ_NEW_SMALL_INT(frame.kind);
        out[1] = MP_OBJ_NEW_SMALL_INT(frame.n_s);
        out[2] = MP_OBJ_NEW_SMALL_INT(frame.start);
        out[3] = MP_OBJ_NEW_SMALL_INT(frame.end);
        out[4] = MP_OBJ_NEW_SMALL_INT(frame.command);
        out[5] = MP_OBJ_NEW_SMALL_INT(frame.v_r);
    }
    return MP_OBJ_NEW_SMALL_INT(status);
}
MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(pl_tc_frame_read_obj, 7, 7, tc_frame_read);

static mp_obj_t sdls_check(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    pl_hmac_t *hmac = pl_hmac_of(args[0]);
    mp_int_t first = pl_integer(args[3]);
    mp_int_t start = pl_integer(args[4]);
    mp_int_t mac = pl_integer(args[5]);
    unsigned spi = bits(args[6], 16);
    uint32_t last = (bits(args[7], 16) << 16) | bits(args[8], 16);
    uint32_t window = bits(args[9], 30);
    if (first < 0 || start < first) {
        mp_raise_ValueError(MP_ERROR_TEXT("range"));
    }
    if (mac - start <= PL_SDLS_HEADER_LENGTH) {
        return MP_OBJ_NEW_SMALL_INT(-PL_TC_DATA_SHORT);
    }
    pl_span_t head = pl_span(args[1], MP_OBJ_NEW_SMALL_INT(0), MP_OBJ_NEW_SMALL_INT(5), MP_BUFFER_READ);
    pl_span_t s = pl_span(args[2], args[3], MP_OBJ_NEW_SMALL_INT(mac + PL_SDLS_MAC_LENGTH), MP_BUFFER_READ);
    int32_t ahead = pl_sdls_check(hmac, head.data, s.data, (size_t)(mac - first), (size_t)(start - first), spi, last, window);
    return MP_OBJ_NEW_SMALL_INT(ahead);
}
MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(pl_sdls_check_obj, 10, 10, sdls_check);

static mp_obj_t tc_packet_read(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    pl_span_t s = pl_span(args[0], args[1], args[2], MP_BUFFER_READ);
    size_t longest = bits(args[3], 16);
    mp_obj_t *out = items(args[4], 9);
    mp_int_t start = pl_integer(args[1]);
    pl_tc_packet_t packet;
    unsigned status = pl_tc_packet_read(s.data, s.length, longest, &packet);
    out[0] = MP_OBJ_NEW_SMALL_INT(start + (mp_int_t)packet.size);
    if (status == PL_OK || status == PL_PUS_VERSION) {
        out[1] = MP_OBJ_NEW_SMALL_INT(packet.apid);
        out[2] = MP_OBJ_NEW_SMALL_INT(packet.count);
        out[3] = MP_OBJ_NEW_SMALL_INT(packet.ack);
        out[4] = MP_OBJ_NEW_SMALL_INT(packet.service);
        out[5] = MP_OBJ_NEW_SMALL_INT(packet.subtype);
        out[6] = MP_OBJ_NEW_SMALL_INT(packet.source);
        out[7] = MP_OBJ_NEW_SMALL_INT(start + (mp_int_t)packet.data_start);
        out[8] = MP_OBJ_NEW_SMALL_INT(start + (mp_int_t)packet.data_end);
    }
    return MP_OBJ_NEW_SMALL_INT(status);
}
MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(pl_tc_packet_read_obj, 5, 5, tc_packet_read);

static mp_obj_t tm_count(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    mp_buffer_info_t table;
    mp_get_buffer_raise(args[0], &table, MP_BUFFER_RW);
    size_t rows = table.len / (3 * sizeof(uint16_t));
    if (table.typecode != 'H' || rows == 0 || (rows & (rows - 1)) || table.len != rows * 3 * sizeof(uint16_t)) {
        mp_raise_ValueError(MP_ERROR_TEXT("table"));
    }
    uint32_t destination = bits(args[1], 16), service = bits(args[2], 8), subtype = bits(args[3], 8);
    if (service == 0) {
        mp_raise_ValueError(MP_ERROR_TEXT("value"));
    }
    return MP_OBJ_NEW_SMALL_INT(pl_tm_count(table.buf, rows, destination, service, subtype));
}
MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(pl_tm_count_obj, 4, 4, tm_count);

static mp_obj_t tm_packet_begin(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    pl_span_t s = pl_span(args[0], MP_OBJ_NEW_SMALL_INT(0), MP_OBJ_NEW_SMALL_INT(PL_TM_HEADER_LENGTH), MP_BUFFER_WRITE);
    pl_tm_header_t header = {
        .apid = (uint16_t)bits(args[1], 11),
        .count = (uint16_t)bits(args[2], 14),
        .service = (uint8_t)bits(args[3], 8),
        .subtype = (uint8_t)bits(args[4], 8),
        .counter = (uint16_t)bits(args[5], 16),
        .destination = (uint16_t)bits(args[6], 16),
        .status = (uint8_t)bits(args[7], 4),
        .seconds = ((bits(args[8], 16) << 16) | bits(args[9], 16)) + bits(args[10], 30),
        .fraction = (uint16_t)bits(args[11], 16),
    };
    pl_tm_packet_begin(s.data, &header);
    return MP_OBJ_NEW_SMALL_INT(PL_TM_HEADER_LENGTH);
}
MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(pl_tm_packet_begin_obj, 12, 12, tm_packet_begin);

static mp_obj_t tm_packet_end(mp_obj_t buffer, mp_obj_t at) {
    mp_int_t end = pl_integer(at);
    if (end < PL_TM_HEADER_LENGTH || end > 0xFFFF) {
        mp_raise_ValueError(MP_ERROR_TEXT("range"));
    }
    pl_span_t s = pl_span(buffer, MP_OBJ_NEW_SMALL_INT(0), MP_OBJ_NEW_SMALL_INT(end + 2), MP_BUFFER_WRITE);
    return MP_OBJ_NEW_SMALL_INT(pl_tm_packet_end(s.data, (size_t)end));
}
MP_DEFINE_CONST_FUN_OBJ_2(pl_tm_packet_end_obj, tm_packet_end);

static mp_obj_t idle_packet(mp_obj_t buffer, mp_obj_t start, mp_obj_t end) {
    pl_span_t s = pl_span(buffer, start, end, MP_BUFFER_WRITE);
    if (s.length < PL_IDLE_MIN || s.length > 0xFFFF) {
        mp_raise_ValueError(MP_ERROR_TEXT("range"));
    }
    pl_idle_packet(s.data, s.length);
    return mp_const_none;
}
MP_DEFINE_CONST_FUN_OBJ_3(pl_idle_packet_obj, idle_packet);

static mp_obj_t tm_frame_seal(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    pl_span_t s = pl_span(args[0], args[1], args[2], MP_BUFFER_WRITE);
    if (s.length < PL_TM_LENGTH_MIN) {
        mp_raise_ValueError(MP_ERROR_TEXT("range"));
    }
    pl_tm_frame_seal(s.data, s.length, bits(args[3], 8), bits(args[4], 8), bits(args[5], 11), bits(args[6], 16));
    return mp_const_none;
}
MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(pl_tm_frame_seal_obj, 7, 7, tm_frame_seal);
