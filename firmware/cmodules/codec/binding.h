// What the files of the MicroPython binding share.
#ifndef PERILUNE_CODEC_BINDING_H
#define PERILUNE_CODEC_BINDING_H

#include "py/runtime.h"

#include "codec.h"

typedef struct {
    uint8_t *data;
    size_t length;
} pl_span_t;

mp_int_t pl_integer(mp_obj_t o);
// The octets [start, end) of a buffer; ValueError when they do not lie in it.
pl_span_t pl_span(mp_obj_t buffer, mp_obj_t start, mp_obj_t end, mp_uint_t access);

extern const mp_obj_fun_builtin_var_t pl_pack_obj;
extern const mp_obj_fun_builtin_var_t pl_unpack_obj;

// The running HMAC of an HmacSha256; TypeError for any other object.
pl_hmac_t *pl_hmac_of(mp_obj_t o);

extern const mp_obj_fun_builtin_var_t pl_tc_frame_read_obj;
extern const mp_obj_fun_builtin_var_t pl_sdls_check_obj;
extern const mp_obj_fun_builtin_var_t pl_tc_packet_read_obj;
extern const mp_obj_fun_builtin_var_t pl_tm_count_obj;
extern const mp_obj_fun_builtin_var_t pl_tm_packet_begin_obj;
extern const mp_obj_fun_builtin_fixed_t pl_tm_packet_end_obj;
extern const mp_obj_fun_builtin_fixed_t pl_idle_packet_obj;
extern const mp_obj_fun_builtin_var_t pl_tm_frame_seal_obj;

#endif
