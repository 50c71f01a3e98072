// Codec of the wire: check codes, BCH(63,56), CLTU, randomisers, TM frame synchronisation, SHA-256/HMAC, headers, fields.
//
// What lives here: plain C99 for board and host. No allocation, no globals that change, no I/O; the caller owns all
// memory. Bytes, states and counters: firmware/SPEC.md sections 1 to 4, 6 to 9 and 11. The readable twin, with the same names
// and results, is flight/codec/twin.py.
//
// Rules of all functions
// - A pointer with a length is that many octets; a length of 0 is allowed unless a line says otherwise, the pointer may
//   then be NULL. Buffers must not overlap unless a line says so.
// - Positions and lengths are in octets unless a name says bits. Counters wrap at 2^30.
// - Nothing asserts: bad octets give a status and a counter, bad arguments are the binding's to refuse.
// - Safe from an interrupt as long as no two contexts use the same object.
#ifndef PERILUNE_CODEC_H
#define PERILUNE_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PL_WIRE_VERSION (1)
#define PL_COUNTER_MASK (0x3FFFFFFFu)

// ---- check codes (SPEC.md section 1); crc is the value so far: PL_CRC16_INIT or PL_CRC32_INIT at first ----

#define PL_CRC16_INIT (0xFFFFu)
#define PL_CRC32_INIT (0u)

uint16_t pl_crc16(uint16_t crc, const uint8_t *data, size_t length);
uint16_t pl_crc16_modbus(uint16_t crc, const uint8_t *data, size_t length);
// The value between two pieces is the finished CRC of what came so far.
uint32_t pl_crc32(uint32_t crc, const uint8_t *data, size_t length);

// ---- SHA-256 (FIPS 180-4) and HMAC (RFC 2104) ----

typedef struct {
    uint32_t state[8];
    uint64_t length;    // octets taken
    uint8_t block[64];  // the last length % 64 of them
} pl_sha256_t;

void pl_sha256_start(pl_sha256_t *sha);
void pl_sha256_update(pl_sha256_t *sha, const uint8_t *data, size_t length);
void pl_sha256_finish(pl_sha256_t *sha, uint8_t digest[32]);

typedef struct {
    pl_sha256_t running;
    uint32_t inner[8];  // state after the key, xor 36..
    uint32_t outer[8];  // state after the key, xor 5C..
} pl_hmac_t;

// Works the key in and starts a message; the key is not kept.
void pl_hmac_init(pl_hmac_t *hmac, const uint8_t *key, size_t length);
void pl_hmac_start(pl_hmac_t *hmac);
void pl_hmac_update(pl_hmac_t *hmac, const uint8_t *data, size_t length);
// Ends the message and starts the next one.
void pl_hmac_finish(pl_hmac_t *hmac, uint8_t mac[32]);
// Ends the message; true when reference is the first length (1 to 32) octets of the MAC. Time does not depend on them.
bool pl_hmac_check(pl_hmac_t *hmac, const uint8_t *reference, size_t length);

// ---- pseudo-randomisers (SPEC.md section 2), in place, from the first bit of the sequence ----

void pl_randomise_tc(uint8_t *data, size_t length);
void pl_randomise_tm(uint8_t *data, size_t length);

// ---- BCH(63,56) and CLTU (SPEC.md section 3) ----

#define PL_CLTU_BLOCK (8)
#define PL_CLTU_INFORMATION (7)

// The octet that completes the code block of 7 octets of information.
uint8_t pl_bch_encode(const uint8_t information[7]);
// 0 clean, 1 one wrong bit set right in place (only if correct), -1 refused and left as it was.
int pl_bch_decode(uint8_t block[8], bool correct);
// Octets of the CLTU of a frame of length octets.
size_t pl_cltu_size(size_t length);
// Writes pl_cltu_size(length) octets to out; length at least 1. randomise: apply the TC randomiser on the way.
void pl_cltu_encode(const uint8_t *frame, size_t length, bool randomise, uint8_t *out);

enum {
    PL_CLTU_STARTS,
    PL_CLTU_SEARCH_BYTES,
    PL_CLTU_BLOCKS,
    PL_CLTU_CORRECTED,
    PL_CLTU_TAILS,
    PL_CLTU_REJECTED,
    PL_CLTU_DELIVERED,
    PL_CLTU_EMPTY,
    PL_CLTU_OVERLONG,
    PL_CLTU_UNTAKEN,
    PL_CLTU_COUNTERS,
};

typedef struct {
    uint32_t counts[PL_CLTU_COUNTERS];
    size_t size;       // octets the caller's frame buffer holds
    size_t length;     // octets of the CLTU being decoded that are in it
    size_t ready;      // octets of the frame that is ready in it, 0 if none is
    uint8_t block[8];  // octets not yet decided on
    uint8_t fill;      // how many: 0 or 1 in search, 0 to 7 in decode
    bool correct;
    bool decoding;
} pl_cltu_t;

// size: octets of the frame buffer that every pl_cltu_feed() is given, at least 7.
void pl_cltu_init(pl_cltu_t *rx, size_t size, bool correct);
// Takes octets until a CLTU ends or all are used up; how many were taken. frame: the same buffer at every call.
size_t pl_cltu_feed(pl_cltu_t *rx, uint8_t *frame, const uint8_t *data, size_t length);
// Octets of the frame that is ready, 0 if none is.
size_t pl_cltu_take(pl_cltu_t *rx);
size_t pl_cltu_pending(const pl_cltu_t *rx);
// Drops what was begun; counters stay.
void pl_cltu_reset(pl_cltu_t *rx);

// ---- TM frame synchronisation (SPEC.md section 7) ----

#define PL_TM_ASM_LENGTH (4)
#define PL_TM_LENGTH_MIN (12)
#define PL_TM_LENGTH_MAX (4096)
#define PL_TM_ERRORS_MAX (7)
// Octets the caller's buffer holds beside the frame: ASM before it and what follows it.
#define PL_TM_EXTRA (8)

enum {
    PL_TM_FRAMES,
    PL_TM_FECF,
    PL_TM_SEARCH_BYTES,
    PL_TM_ASM_ERRORS,
    PL_TM_LOCK_LOST,
    PL_TM_RESYNC,
    PL_TM_UNTAKEN,
    PL_TM_COUNTERS,
};

typedef struct {
    uint32_t counts[PL_TM_COUNTERS];
    size_t length;  // octets of a frame without ASM
    size_t fill;    // octets in the caller's buffer
    size_t kept;    // octets behind a delivered frame
    uint8_t state;  // enum in sync.c
    uint8_t search_errors;
    uint8_t lock_errors;
    bool randomised;
    bool ready;
    bool locked;
} pl_tm_sync_t;

// length: PL_TM_LENGTH_MIN to PL_TM_LENGTH_MAX; errors: 0 to PL_TM_ERRORS_MAX.
void pl_tm_init(pl_tm_sync_t *sync, size_t length, unsigned search_errors, unsigned lock_errors, bool randomised);
// Takes octets until a frame is ready or all are used up; how many were taken. A frame that is ready is at buffer + 4.
// buffer: the same length + PL_TM_EXTRA octets at every call.
size_t pl_tm_feed(pl_tm_sync_t *sync, uint8_t *buffer, const uint8_t *data, size_t length);
// Octets of the frame that is ready, 0 if none is.
size_t pl_tm_take(pl_tm_sync_t *sync);
size_t pl_tm_pending(const pl_tm_sync_t *sync);
// Drops what was begun; counters stay.
void pl_tm_reset(pl_tm_sync_t *sync);

// ---- the way up: headers (SPEC.md sections 4, 6, 8, 9) ----

// Drop reasons (SPEC.md section 13).
enum {
    PL_OK = 0x00,
    PL_TC_SHORT = 0x10,
    PL_TC_LENGTH,
    PL_TC_FECF,
    PL_TC_VERSION,
    PL_TC_RESERVED,
    PL_TC_SCID,
    PL_TC_VCID,
    PL_TC_FLAGS,
    PL_TC_CONTROL,
    PL_TC_DATA_SHORT = 0x1A,
    PL_TC_SEGMENT,
    PL_SDLS_SPI = 0x20,
    PL_SDLS_MAC,
    PL_SDLS_REPLAY,
    PL_SDLS_WINDOW,
    PL_PACKET_SHORT = 0x40,
    PL_PACKET_LENGTH,
    PL_PACKET_VERSION,
    PL_PACKET_IDLE,
    PL_PACKET_TYPE,
    PL_PACKET_SECONDARY,
    PL_PACKET_SEGMENTED,
    PL_PACKET_SIZE,
    PL_PACKET_CRC,
    PL_PUS_VERSION = 0x4A,
};

// What a mission takes. longest: octets of a frame; scid: 10 bits; vcid, map: 6 bits.
typedef struct {
    size_t longest;
    unsigned scid;
    unsigned vcid;
    unsigned map;
} pl_tc_link_t;

typedef struct {
    uint8_t kind;     // bypass and control command flags: 00 AD, 20 BD, 30 BC
    uint8_t n_s;
    uint16_t start;   // data behind the segment header (AD, BD)
    uint16_t end;     // where the FECF is
    uint8_t command;  // 0 Unlock, 1 Set V(R) (BC)
    uint8_t v_r;      // V*(R) of Set V(R)
} pl_tc_frame_t;

// Checks the frame at the start of count octets. PL_OK, and all of out; or the reason, and out does not count.
unsigned pl_tc_frame_read(const uint8_t *frame, size_t count, const pl_tc_link_t *link, pl_tc_frame_t *out);

#define PL_SDLS_HEADER_LENGTH (6)
#define PL_SDLS_MAC_LENGTH (16)

// Checks what is authenticated: head (the masked primary header), then length octets of the frame from the segment header
// on, of which the first `header` come before the security header; PL_SDLS_MAC_LENGTH octets of MAC follow them. last: the
// last number accepted. How far the frame's number is ahead of it, 1 to window (below 2^30), or minus the reason.
int32_t pl_sdls_check(pl_hmac_t *hmac, const uint8_t head[5], const uint8_t *covered, size_t length, size_t header,
    unsigned spi, uint32_t last, uint32_t window);

typedef struct {
    size_t size;  // of the packet; when it cannot be known: of all octets
    unsigned apid;
    unsigned count;
    uint8_t ack;
    uint8_t service;
    uint8_t subtype;
    uint16_t source;
    size_t data_start;  // application data, from the start of the packet
    size_t data_end;
} pl_tc_packet_t;

// Checks the telecommand packet at the start of length octets but for whether its APID is known. PL_OK or PL_PUS_VERSION,
// and all of out; or another reason, and out->size alone.
unsigned pl_tc_packet_read(const uint8_t *data, size_t length, size_t longest, pl_tc_packet_t *out);

// ---- the way down: headers (SPEC.md sections 7, 8, 9) ----

#define PL_TM_HEADER_LENGTH (20)
#define PL_TM_COUNT_NEW (0x10000)
#define PL_TM_COUNT_FULL (0x20000)

// Number of the next report of this type, and moves it on: a table of rows (a power of two) of three words that are 0 at
// first. service: 1 to 255. 0 to FFFF; PL_TM_COUNT_NEW: 0, a row was taken; PL_TM_COUNT_FULL: 0, all rows are taken.
int32_t pl_tm_count(uint16_t *table, size_t rows, unsigned destination, unsigned service, unsigned subtype);

typedef struct {
    uint16_t apid;   // 11 bits
    uint16_t count;  // 14 bits
    uint8_t status;  // 4 bits
    uint8_t service;
    uint8_t subtype;
    uint16_t counter;
    uint16_t destination;
    uint32_t seconds;  // since 1958-01-01
    uint16_t fraction;
} pl_tm_header_t;

// Writes the PL_TM_HEADER_LENGTH octets of both headers; the length comes with the end.
void pl_tm_packet_begin(uint8_t *packet, const pl_tm_header_t *header);
// The packet has length octets (at least PL_TM_HEADER_LENGTH) and room for two: writes length and error control. length + 2.
size_t pl_tm_packet_end(uint8_t *packet, size_t length);

#define PL_IDLE_MIN (7)

// Writes an idle packet of PL_IDLE_MIN to 65542 octets.
void pl_idle_packet(uint8_t *packet, size_t length);
// Writes what differs between frames of a virtual channel: counts, first header pointer, FARM-1's half of the CLCW, FECF.
// length: at least PL_TM_LENGTH_MIN.
void pl_tm_frame_seal(uint8_t *frame, size_t length, unsigned mc_count, unsigned vc_count, unsigned fhp, unsigned report);

// ---- fields (SPEC.md section 11) ----

#define PL_FIELD_SIZE (6)

enum {
    PL_FIELD_UNSIGNED = 1,
    PL_FIELD_SIGNED = 2,
    PL_FIELD_FLOAT = 3,
    PL_FIELD_HALVES = 4,
};

enum {
    PL_FIELD_FORMAT = -1,
    PL_FIELD_BOUNDS = -2,
    PL_FIELD_VALUE = -3,
};

typedef struct {
    uint8_t kind;
    uint8_t width;   // bits
    uint32_t bit;    // offset in the structure
    uint16_t index;  // number of its value
} pl_field_t;

// Reads one descriptor of PL_FIELD_SIZE octets; 0, or why it cannot be in a structure of that many octets with that many
// values.
int pl_field_read(const uint8_t *descriptor, size_t octets, size_t values, pl_field_t *field);
// value: low width bits; the bits of data around the field stay. The field must lie in data (pl_field_read checks it).
void pl_field_put(uint8_t *data, size_t bit, unsigned width, uint64_t value);
uint64_t pl_field_get(const uint8_t *data, size_t bit, unsigned width);

// A number on its way into or out of a field, as exact as it came.
typedef struct {
    bool is_real;        // real counts, not magnitude and its sign
    bool negative;       // sign of magnitude; not with magnitude 0
    bool beyond;         // an integer of more than 64 bits; magnitude does not count
    uint64_t magnitude;
    double real;
} pl_number_t;

// Writes number into the field, or the nearest value that fits; 1 when it did not fit, else 0. Not for PL_FIELD_HALVES:
// those are PL_FIELD_UNSIGNED fields of pl_half_width() bits each.
int pl_field_pack(const pl_field_t *field, uint8_t *data, const pl_number_t *number);
// The same for an integer field of up to 32 bits and a number of 32.
int pl_field_pack_small(const pl_field_t *field, uint8_t *data, int32_t value);
// The value of an integer field of up to 31 bits.
int32_t pl_field_unpack_small(const pl_field_t *field, const uint8_t *data);
void pl_field_unpack(const pl_field_t *field, const uint8_t *data, pl_number_t *number);
// Bits of the next half when that many bits of a PL_FIELD_HALVES field are left.
unsigned pl_half_width(unsigned left);

#endif
