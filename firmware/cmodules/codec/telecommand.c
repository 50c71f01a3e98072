// The way up, one look at each layer: TC transfer frame, security header and trailer, telecommand packet. The order of the
// checks is SPEC.md's (sections 4, 6, 8 and 9); the first one that fails is the reason.
#include "codec.h"

#define FRAME_HEADER (5)
#define FRAME_MIN (8)
#define FECF (2)
#define FLAGS (0x30)
#define ILLEGAL (0x10)
#define UNLOCK (0x00)
#define SET_VR (0x82)

#define PACKET_HEADER (6)
#define PACKET_MIN (13)
#define PACKET_DATA (11)
#define ERROR_CONTROL (2)
#define IDLE_APID (0x7FF)

static unsigned get16(const uint8_t *p) {
    return ((unsigned)p[0] << 8) | p[1];
}

static unsigned command_read(const uint8_t *frame, size_t end, pl_tc_frame_t *out) {
    const uint8_t *command = frame + FRAME_HEADER;
    size_t length = end - FRAME_HEADER;
    out->command = 0;
    if (length == 1 && command[0] == UNLOCK) {
        return PL_OK;
    }
    if (length == 3 && command[0] == SET_VR && command[1] == 0) {
        out->command = 1;
        out->v_r = command[2];
        return PL_OK;
    }
    return PL_TC_CONTROL;
}

unsigned pl_tc_frame_read(const uint8_t *frame, size_t count, const pl_tc_link_t *link, pl_tc_frame_t *out) {
    if (count < FRAME_MIN) {
        return PL_TC_SHORT;
    }
    size_t length = (get16(frame + 2) & 0x3FF) + 1;
    if (length < FRAME_MIN || length > count || length > link->longest) {
        return PL_TC_LENGTH;
    }
    if (pl_crc16(PL_CRC16_INIT, frame, length) != 0) {
        return PL_TC_FECF;
    }
    if (frame[0] & 0xC0) {
        return PL_TC_VERSION;
    }
    if (frame[0] & 0x0C) {
        return PL_TC_RESERVED;
    }
    if ((get16(frame) & 0x3FF) != link->scid) {
        return PL_TC_SCID;
    }
    if (frame[2] >> 2 != link->vcid) {
        return PL_TC_VCID;
    }
    out->kind = frame[0] & FLAGS;
    if (out->kind == ILLEGAL) {
        return PL_TC_FLAGS;
    }
    out->n_s = frame[4];
    out->start = FRAME_HEADER + 1;
    out->end = (uint16_t)(length - FECF);
    out->command = 0;
    out->v_r = 0;
    if (out->kind == FLAGS) {
        return command_read(frame, out->end, out);
    }
    if (out->end < FRAME_HEADER + 2) {
        return PL_TC_DATA_SHORT;
    }
    return frame[FRAME_HEADER] == (0xC0 | link->map) ? PL_OK : PL_TC_SEGMENT;
}

int32_t pl_sdls_check(pl_hmac_t *hmac, const uint8_t head[5], const uint8_t *covered, size_t length, size_t header,
    unsigned spi, uint32_t last, uint32_t window) {
    if (length <= header + PL_SDLS_HEADER_LENGTH) {
        return -PL_TC_DATA_SHORT;
    }
    const uint8_t *security = covered + header;
    if (get16(security) != spi) {
        return -PL_SDLS_SPI;
    }
    pl_hmac_start(hmac);
    pl_hmac_update(hmac, head, FRAME_HEADER);
    pl_hmac_update(hmac, covered, length);
    if (!pl_hmac_check(hmac, covered + length, PL_SDLS_MAC_LENGTH)) {
        return -PL_SDLS_MAC;
    }
    uint32_t number = ((uint32_t)get16(security + 2) << 16) | get16(security + 4);
    if (number <= last) {
        return -PL_SDLS_REPLAY;
    }
    return number - last <= window ? (int32_t)(number - last) : -PL_SDLS_WINDOW;
}

// Which field of a primary header comes first in the order of the checks; PL_OK when all are as they must be.
static unsigned header_fault(const uint8_t *packet, unsigned apid) {
    if (packet[0] & 0xE0) {
        return PL_PACKET_VERSION;
    }
    if (apid == IDLE_APID) {
        return PL_PACKET_IDLE;
    }
    if (!(packet[0] & 0x10)) {
        return PL_PACKET_TYPE;
    }
    if (!(packet[0] & 0x08)) {
        return PL_PACKET_SECONDARY;
    }
    return packet[2] < 0xC0 ? PL_PACKET_SEGMENTED : PL_OK;
}

unsigned pl_tc_packet_read(const uint8_t *data, size_t length, size_t longest, pl_tc_packet_t *out) {
    out->size = length;
    if (length < PACKET_HEADER) {
        return PL_PACKET_SHORT;
    }
    size_t size = get16(data + 4) + PACKET_HEADER + 1;
    if (size > length) {
        return PL_PACKET_LENGTH;
    }
    out->size = size;
    out->apid = get16(data) & 0x7FF;
    unsigned fault = header_fault(data, out->apid);
    if (fault != PL_OK) {
        return fault;
    }
    if (size < PACKET_MIN || size > longest) {
        return PL_PACKET_SIZE;
    }
    if (pl_crc16(PL_CRC16_INIT, data, size) != 0) {
        return PL_PACKET_CRC;
    }
    out->count = get16(data + 2) & 0x3FFF;
    out->ack = data[6] & 0x0F;
    out->service = data[7];
    out->subtype = data[8];
    out->source = (uint16_t)get16(data + 9);
    out->data_start = PACKET_DATA;
    out->data_end = size - ERROR_CONTROL;
    return data[6] >> 4 == 2 ? PL_OK : PL_PUS_VERSION;
}
