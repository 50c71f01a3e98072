// TM frames to space packets (SPEC.md sections 7 to 9), a batch a call.
#include <string.h>

#include "batch.h"

#define FRAME_HEADER (6)
#define FRAME_TRAILER (6)  // OCF and FECF
#define FHP_NO_START (0x7FF)
#define FHP_IDLE (0x7FE)
#define PACKET_HEADER (6)
#define PACKET_SMALLEST (7)
#define APID_IDLE (0x7FF)
#define TELEMETRY_SMALLEST (22)
#define PUS_VERSION (2)

enum {
    PACKET_VERSION = 0x42,
    PACKET_TYPE = 0x44,
    PACKET_SECONDARY = 0x45,
    PACKET_SEGMENTED = 0x46,
    PACKET_SIZE = 0x47,
    PACKET_CRC = 0x48,
    PUS_VERSION_WRONG = 0x4A,
};

size_t pl_batch_check_frames(const uint8_t *frames, size_t count, size_t stride, size_t length, uint8_t *good) {
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        good[i] = pl_batch_crc16(PL_CRC16_INIT, frames + i * stride, length) == 0;
        n += good[i];
    }
    return n;
}

void pl_batch_extract_init(pl_extract_t *x, unsigned vcid) {
    memset(x, 0, sizeof(*x));
    x->vcid = (uint8_t)vcid;
    x->next_count = -1;
}

void pl_batch_extract_restart(pl_extract_t *x) {
    x->stream_length -= x->open;
    x->open = 0;
    x->packets = 0;
}

// Gives up the packet that was begun, if any, and with it the packet boundary.
static void cut(pl_extract_t *x) {
    if (x->open < x->stream_length) {
        x->packets_cut++;
        x->stream_length = x->open;
    }
    x->synchronised = false;
}

static uint32_t packet_length(const uint8_t *header) {
    return ((uint32_t)header[4] << 8 | header[5]) + PACKET_SMALLEST;
}

// Octets of data that belong to the packet begun in stream, of which some octets are in data. 0 if none was begun.
static uint32_t octets_missing(const pl_extract_t *x, const uint8_t *stream, const uint8_t *data, size_t length) {
    uint32_t have = x->stream_length - x->open;
    if (have == 0) {
        return 0;
    }
    uint8_t header[PACKET_HEADER];
    uint32_t known = have < PACKET_HEADER ? have : PACKET_HEADER;
    if (length < PACKET_HEADER - known) {
        return UINT32_MAX;
    }
    memcpy(header, stream + x->open, known);
    memcpy(header + known, data, PACKET_HEADER - known);
    uint32_t total = packet_length(header);
    return total > have ? total - have : UINT32_MAX;
}

static uint8_t packet_status(const uint8_t *p, uint32_t length) {
    if (p[0] >> 5) {
        return PACKET_VERSION;
    }
    if (p[0] & 0x10) {
        return PACKET_TYPE;
    }
    if (!(p[0] & 0x08)) {
        return PACKET_SECONDARY;
    }
    if (p[2] >> 6 != 3) {
        return PACKET_SEGMENTED;
    }
    if (length < TELEMETRY_SMALLEST) {
        return PACKET_SIZE;
    }
    if (pl_batch_crc16(PL_CRC16_INIT, p, length) != 0) {
        return PACKET_CRC;
    }
    return p[6] >> 4 == PUS_VERSION ? 0 : PUS_VERSION_WRONG;
}

// Enters the packets that are whole.
static void enter_packets(pl_extract_t *x, const uint8_t *stream, pl_packet_t *packets, size_t frame) {
    while (x->stream_length - x->open >= PACKET_HEADER) {
        const uint8_t *p = stream + x->open;
        uint32_t length = packet_length(p);
        if (length > x->stream_length - x->open) {
            return;
        }
        uint16_t apid = (uint16_t)((p[0] & 7) << 8 | p[1]);
        if (apid == APID_IDLE && p[0] >> 5 == 0) {
            x->idle_packets++;
        } else {
            pl_packet_t *entry = &packets[x->packets++];
            bool has_header = (p[0] & 0x08) && length >= PACKET_HEADER + 3;
            entry->offset = x->open;
            entry->length = length;
            entry->frame = (uint32_t)frame;
            entry->apid = apid;
            entry->sequence = (uint16_t)((p[2] & 0x3F) << 8 | p[3]);
            entry->service = has_header ? p[7] : 0;
            entry->subtype = has_header ? p[8] : 0;
            entry->status = packet_status(p, length);
            entry->spare = 0;
        }
        x->open += length;
    }
}

static void append(pl_extract_t *x, uint8_t *stream, const uint8_t *data, size_t length) {
    memcpy(stream + x->stream_length, data, length);
    x->stream_length += (uint32_t)length;
}

// One frame of the virtual channel whose FECF is right.
static void take_frame(pl_extract_t *x, const uint8_t *frame, size_t length, uint8_t *stream) {
    const uint8_t *data = frame + FRAME_HEADER;
    size_t n = length - FRAME_HEADER - FRAME_TRAILER;
    unsigned fhp = (unsigned)(frame[4] & 7) << 8 | frame[5];
    x->frames++;
    if (x->next_count >= 0 && frame[3] != x->next_count) {
        x->frames_lost += (uint8_t)(frame[3] - x->next_count);
        cut(x);
    }
    x->next_count = (frame[3] + 1) & 0xFF;
    if (!(frame[1] & 1) || (frame[4] & 0xF8) != 0x18 || (fhp >= n && fhp < FHP_IDLE)) {
        x->bad_headers++;
        cut(x);
        return;
    }
    if (fhp == FHP_IDLE) {
        return;
    }
    if (x->synchronised) {
        uint32_t missing = octets_missing(x, stream, data, n);
        // No packet starts here: the one begun must fill the frame. One does: the one begun must end there.
        if (fhp == FHP_NO_START ? missing < n : missing != fhp) {
            cut(x);
        }
    }
    if (x->synchronised) {
        append(x, stream, data, n);
    } else if (fhp == FHP_NO_START) {
        x->octets_skipped += n;
    } else {
        x->octets_skipped += fhp;
        append(x, stream, data + fhp, n - fhp);
        x->synchronised = true;
    }
}

size_t pl_batch_extract(pl_extract_t *x, const uint8_t *frames, size_t count, size_t stride, size_t length,
                        const uint8_t *good, uint8_t *stream, size_t stream_size, pl_packet_t *packets,
                        size_t packets_size) {
    size_t n = length - FRAME_HEADER - FRAME_TRAILER;
    for (size_t i = 0; i < count; i++) {
        const uint8_t *frame = frames + i * stride;
        if (!good[i] || (frame[1] >> 1 & 7) != x->vcid || frame[0] >> 6) {
            continue;
        }
        // A packet begun before this frame, and as many of the smallest as fit in it.
        if (stream_size - x->stream_length < n || packets_size - x->packets < n / PACKET_SMALLEST + 2) {
            return i;
        }
        take_frame(x, frame, length, stream);
        enter_packets(x, stream, packets, i);
    }
    return count;
}

size_t pl_batch_select(const pl_packet_t *packets, size_t count, unsigned apid, unsigned service, unsigned subtype,
                       pl_packet_t *rows) {
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        const pl_packet_t *p = &packets[i];
        rows[n] = *p;
        n += p->status == 0 && p->apid == apid && p->service == service && p->subtype == subtype;
    }
    return n;
}
