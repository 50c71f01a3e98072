// The way down: headers and end of a telemetry packet (SPEC.md sections 8 and 9), counters of its types, idle packet and
// closing of a TM frame (section 7).
#include <string.h>

#include "codec.h"

#define PRIMARY (6)
#define FHP_MASK (0x7FFu)

static void put16(uint8_t *p, unsigned value) {
    p[0] = (uint8_t)(value >> 8);
    p[1] = (uint8_t)value;
}

static void put_crc(uint8_t *data, size_t length) {
    put16(data + length, pl_crc16(PL_CRC16_INIT, data, length));
}

int32_t pl_tm_count(uint16_t *table, size_t rows, unsigned destination, unsigned service, unsigned subtype) {
    unsigned key = (service << 8) | subtype;
    size_t row = (key + (service << 4) + destination * 31) & (rows - 1);
    for (size_t i = 0; i < rows; i++) {
        uint16_t *found = table + 3 * row;
        if (found[0] == key && found[1] == destination) {
            return found[2]++;
        }
        if (found[0] == 0) {
            found[0] = (uint16_t)key;
            found[1] = (uint16_t)destination;
            found[2] = 1;
            return PL_TM_COUNT_NEW;
        }
        row = (row + 1) & (rows - 1);
    }
    return PL_TM_COUNT_FULL;
}

void pl_tm_packet_begin(uint8_t *packet, const pl_tm_header_t *header) {
    put16(packet, 0x0800u | header->apid);
    put16(packet + 2, 0xC000u | header->count);
    put16(packet + 4, 0);
    packet[6] = (uint8_t)(0x20 | header->status);
    packet[7] = header->service;
    packet[8] = header->subtype;
    put16(packet + 9, header->counter);
    put16(packet + 11, header->destination);
    packet[13] = 0x1E;
    put16(packet + 14, header->seconds >> 16);
    put16(packet + 16, header->seconds & 0xFFFF);
    put16(packet + 18, header->fraction);
}

size_t pl_tm_packet_end(uint8_t *packet, size_t length) {
    put16(packet + 4, (unsigned)(length + 2 - PRIMARY - 1));
    put_crc(packet, length);
    return length + 2;
}

void pl_idle_packet(uint8_t *packet, size_t length) {
    put16(packet, 0x07FF);
    put16(packet + 2, 0xC000);
    put16(packet + 4, (unsigned)(length - PL_IDLE_MIN));
    memset(packet + PRIMARY, 0x55, length - PRIMARY);
}

void pl_tm_frame_seal(uint8_t *frame, size_t length, unsigned mc_count, unsigned vc_count, unsigned fhp, unsigned report) {
    frame[2] = (uint8_t)mc_count;
    frame[3] = (uint8_t)vc_count;
    put16(frame + 4, 0x1800u | (fhp & FHP_MASK));
    put16(frame + length - 4, report);
    put_crc(frame, length - 2);
}
