// Batch decoding on the ground: many frames or packets a call, so that crossing from Python to C costs nothing per packet.
//
// What lives here: what only the host needs and a board would not hold: wide CRC loops, frames to packets, packets to
// columns. C99, no allocation, no globals; the caller owns all memory and says how much there is. Bytes: SPEC.md 1, 7, 8, 9.
#ifndef PERILUNE_BATCH_H
#define PERILUNE_BATCH_H

#include <stdint.h>

#include "codec.h"

// CRC-16 as pl_crc16, by carry-less multiplication where the processor has it, else eight octets a step.
uint16_t pl_batch_crc16(uint16_t crc, const uint8_t *data, size_t length);
// The two ways of it, for tests. pl_batch_crc16_carryless falls back on the other where the processor lacks it.
uint16_t pl_batch_crc16_sliced(uint16_t crc, const uint8_t *data, size_t length);
uint16_t pl_batch_crc16_carryless(uint16_t crc, const uint8_t *data, size_t length);
bool pl_batch_has_carryless(void);

// FECF of count frames of length octets, stride octets apart: good[i] = 1 or 0; how many are good.
size_t pl_batch_check_frames(const uint8_t *frames, size_t count, size_t stride, size_t length, uint8_t *good);

// One space packet found (SPEC.md sections 8 and 9).
typedef struct {
    uint32_t offset;      // in the stream
    uint32_t length;      // octets, header and packet error control included
    uint32_t frame;       // number in the call of the frame in which the packet ends, from 0
    uint16_t apid;
    uint16_t sequence;    // sequence count
    uint8_t service;      // 0 when the packet has no secondary header
    uint8_t subtype;
    uint8_t status;       // 0, or its drop reason (SPEC.md section 13)
    uint8_t spare;
} pl_packet_t;

// Walks over the frames of one virtual channel and cuts packets out of them.
typedef struct {
    uint64_t frames;          // good frames of this virtual channel
    uint64_t frames_lost;     // by its frame count
    uint64_t packets_cut;     // begun, and their end lost
    uint64_t octets_skipped;  // before a first header pointer, of packets not begun
    uint64_t idle_packets;
    uint64_t bad_headers;     // frames whose first header pointer or fields are not those of SPEC.md section 7
    uint32_t stream_length;   // octets of stream in use
    uint32_t open;            // where in the stream the packet that has no end yet begins; = stream_length if none
    uint32_t packets;         // entries of the packet table in use
    int16_t next_count;       // expected virtual channel frame count, -1 at first
    uint8_t vcid;
    bool synchronised;        // a packet boundary is known
} pl_extract_t;

void pl_batch_extract_init(pl_extract_t *x, unsigned vcid);
// Appends the data fields of the good frames of x->vcid to stream and the packets in them to packets. Stops early when
// stream or packets is full; how many frames were dealt with. The next call goes on there, or in new ones after
// pl_batch_extract_restart.
size_t pl_batch_extract(pl_extract_t *x, const uint8_t *frames, size_t count, size_t stride, size_t length,
                        const uint8_t *good, uint8_t *stream, size_t stream_size, pl_packet_t *packets,
                        size_t packets_size);
// Goes on with another stream, to whose front the caller copies what is in this one from x->open to x->stream_length (the
// packet that has no end yet), and with an empty packet table.
void pl_batch_extract_restart(pl_extract_t *x);

// Copies the packets without fault of one kind to rows, which has room for count; how many they are.
size_t pl_batch_select(const pl_packet_t *packets, size_t count, unsigned apid, unsigned service, unsigned subtype,
                       pl_packet_t *rows);

// One column: a field of every packet, as an array of its type.
typedef struct {
    void *out;             // count elements
    uint32_t bit;          // offset of the field from the start of the packet
    uint8_t kind;          // PL_FIELD_UNSIGNED, PL_FIELD_SIGNED, PL_FIELD_FLOAT
    uint8_t width;         // bits
    uint8_t size;          // octets of an element: 1, 2, 4 or 8, not narrower than the field
    uint8_t coefficients;  // 0: raw; else elements are doubles, polynomial of so many coefficients, lowest first
    double coefficient[6];
} pl_column_t;

#define PL_COLUMN_COEFFICIENTS (6)

// Fills the columns from the packets; -1, or the number of the first packet that is shorter than a field's end
// or does not lie in the stream (nothing is written then), or -2 when a column is not as described above.
int64_t pl_batch_columns(const uint8_t *stream, size_t stream_size, const pl_packet_t *packets, size_t count,
                         const pl_column_t *columns, size_t column_count);

// pack and unpack of many fields from and to numbers (flight/codec/twin.py): clamped values or fields read, or PL_FIELD_...
// present[i], written[i]: 1 when numbers[i] is a number.
int pl_batch_pack(const uint8_t *fmt, size_t fmt_length, const pl_number_t *numbers, const uint8_t *present,
                  size_t count, uint8_t *data, size_t octets);
int pl_batch_unpack(const uint8_t *fmt, size_t fmt_length, const uint8_t *data, size_t octets, pl_number_t *numbers,
                    uint8_t *written, size_t count);

// The same for what is usual: every field fits and is not of the kind PL_FIELD_HALVES, integers have up to 63 bits, and a
// double holds every number exactly. PL_BATCH_UNUSUAL: it is not so, and nothing is written.
enum { PL_BATCH_UNUSUAL = -100 };
int pl_batch_pack_usual(const uint8_t *fmt, size_t fmt_length, const double *numbers, size_t count, uint8_t *data,
                        size_t octets);
// Integers go to integers[index], floats to reals[index].
int pl_batch_unpack_usual(const uint8_t *fmt, size_t fmt_length, const uint8_t *data, size_t octets, int64_t *integers,
                          double *reals, size_t count);

#endif
