// The C codec under AddressSanitizer and UndefinedBehaviorSanitizer: programs of octets drive every decoder.
//
//     fuzz_c SECONDS SEED [FILE ...]
//
// Runs the files, then mutated copies of them and of good frames until the time is over. Every buffer has its exact size on
// the heap, so one octet too far ends the process. Whole, octet by octet and in odd pieces must give the same frames and
// counters, and all octets must be accounted for (W-027, W-028, W-064, W-065). Memory that is not freed is an error at the
// end. Prints the number of runs.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "batch.h"
#include "codec.h"

#define LONGEST (2048)

static uint64_t random_state;

static uint32_t random32(void) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)(random_state >> 16);
}

static void fail(const char *what) {
    fprintf(stderr, "fuzz: %s\n", what);
    abort();
}

static uint8_t *exact(const uint8_t *data, size_t length) {
    uint8_t *copy = malloc(length);
    if (!copy) {
        fail("no memory");
    }
    if (length) {
        memcpy(copy, data, length);
    }
    return copy;
}

// What a receiver gave for a stream: all octets of its frames with their lengths, hashed, and its counters.
typedef struct {
    uint32_t frames;
    uint32_t hash;
    uint32_t counts[PL_CLTU_COUNTERS];
} outcome_t;

static void note(outcome_t *o, const uint8_t *frame, size_t n) {
    o->frames++;
    o->hash = pl_crc32(o->hash ^ (uint32_t)n, frame, n);
}

static outcome_t cltu(const uint8_t *data, size_t length, size_t step, size_t size, bool correct) {
    outcome_t o = {0};
    uint8_t *frame = malloc(size);
    pl_cltu_t rx;
    pl_cltu_init(&rx, size, correct);
    for (size_t at = 0; at < length;) {
        size_t n = length - at < step ? length - at : step;
        uint8_t *piece = exact(data + at, n);
        size_t used = pl_cltu_feed(&rx, frame, piece, n);
        free(piece);
        if (used == 0 || used > n) {
            fail("CLTU: octets taken");
        }
        at += used;
        size_t ready = pl_cltu_take(&rx);
        if (ready > size) {
            fail("CLTU: frame larger than its buffer");
        }
        if (ready) {
            note(&o, frame, ready);
        }
        const uint32_t *c = rx.counts;
        if (2 * c[PL_CLTU_STARTS] + 8 * (c[PL_CLTU_BLOCKS] + c[PL_CLTU_TAILS]) + c[PL_CLTU_SEARCH_BYTES] +
                pl_cltu_pending(&rx) != at) {
            fail("CLTU: W-028");
        }
    }
    memcpy(o.counts, rx.counts, sizeof(rx.counts));
    free(frame);
    return o;
}

static outcome_t tm(const uint8_t *data, size_t length, size_t step, size_t frame_length, unsigned errors, bool random) {
    outcome_t o = {0};
    uint8_t *buffer = malloc(frame_length + PL_TM_EXTRA);
    pl_tm_sync_t sync;
    pl_tm_init(&sync, frame_length, errors & 7, errors >> 3 & 7, random);
    for (size_t at = 0; at < length;) {
        size_t n = length - at < step ? length - at : step;
        uint8_t *piece = exact(data + at, n);
        size_t used = pl_tm_feed(&sync, buffer, piece, n);
        free(piece);
        if (used == 0 || used > n) {
            fail("TM: octets taken");
        }
        at += used;
        if (pl_tm_take(&sync)) {
            note(&o, buffer + 4, frame_length);
        }
        const uint32_t *c = sync.counts;
        if ((frame_length + 4) * (c[PL_TM_FRAMES] + c[PL_TM_FECF]) + c[PL_TM_SEARCH_BYTES] + pl_tm_pending(&sync) != at) {
            fail("TM: W-065");
        }
    }
    memcpy(o.counts, sync.counts, sizeof(sync.counts));
    free(buffer);
    return o;
}

static void fields(const uint8_t *data, size_t length) {
    size_t octets = length ? data[0] % 24 : 0;
    size_t values = length > 1 ? data[1] % 6 : 0;
    size_t fmt_length = length < 2 ? 0 : (length - 2) / PL_FIELD_SIZE * PL_FIELD_SIZE;
    uint8_t *fmt = exact(data + (fmt_length ? 2 : 0), fmt_length);
    uint8_t *structure = calloc(octets + 1, 1);
    uint8_t *cut = exact(structure, octets);
    pl_number_t *numbers = calloc(values + 1, sizeof(*numbers));
    uint8_t *present = malloc(values + 1);
    memset(present, 1, values + 1);
    for (size_t i = 0; i < values; i++) {
        uint64_t bits = (uint64_t)random32() << 32 | random32();
        numbers[i] = (pl_number_t){random32() & 1, random32() & 1, (random32() & 7) == 0, bits, 0.0};
        memcpy(&numbers[i].real, &bits, sizeof(bits));
    }
    int packed = pl_batch_pack(fmt, fmt_length, numbers, present, values, cut, octets);
    int unpacked = pl_batch_unpack(fmt, fmt_length, cut, octets, numbers, present, values);
    if ((packed < 0) != (unpacked < 0) || (packed < 0 && packed != unpacked)) {
        fail("fields: pack and unpack disagree on a descriptor");
    }
    free(fmt);
    free(structure);
    free(cut);
    free(numbers);
    free(present);
}

// Writes the check code where a frame or packet of so many octets has it.
static void set_right(uint8_t *octets, size_t size) {
    uint16_t crc = pl_crc16(PL_CRC16_INIT, octets, size - 2);
    octets[size - 2] = (uint8_t)(crc >> 8);
    octets[size - 1] = (uint8_t)crc;
}

static void headers(const uint8_t *data, size_t length) {
    uint8_t *octets = exact(data, length);
    for (int right = 0; right < 2; right++) {
        size_t size = length < 8 ? 0 : (size_t)((octets[2] & 3) << 8 | octets[3]) + 1;
        if (right && size >= 8 && size <= length) {
            octets[0] &= 0x33;
            set_right(octets, size);
        }
        pl_tc_link_t link = {length, 0, 0, 0};
        if (length >= 8) {
            link = (pl_tc_link_t){length, (octets[0] & 3u) << 8 | octets[1], octets[2] >> 2, octets[5] & 0x3F};
        }
        pl_tc_frame_t frame;
        if (pl_tc_frame_read(octets, length, &link, &frame) == PL_OK && (frame.start > 6 || frame.end + 2u != size)) {
            fail("TC frame: data outside of it");
        }
        size = length < 6 ? 0 : (size_t)(octets[4] << 8 | octets[5]) + 7;
        if (right && size >= 13 && size <= length) {
            octets[0] = 0x18;
            octets[2] |= 0xC0;
            set_right(octets, size);
        }
        pl_tc_packet_t packet;
        unsigned status = pl_tc_packet_read(octets, length, length, &packet);
        if (packet.size > length || (status == PL_OK && (packet.data_start > packet.data_end || packet.data_end > packet.size))) {
            fail("TC packet: data outside of it");
        }
    }
    pl_hmac_t hmac;
    pl_hmac_init(&hmac, octets, length);
    if (length > PL_SDLS_MAC_LENGTH) {
        static const uint8_t head[5] = {0};
        size_t covered = length - PL_SDLS_MAC_LENGTH;
        uint8_t mac[32];
        for (size_t header = 0; header < 3; header++) {
            unsigned spi = covered > header + 6 ? (unsigned)(octets[header] << 8 | octets[header + 1]) : 0;
            pl_hmac_start(&hmac);
            pl_hmac_update(&hmac, head, 5);
            pl_hmac_update(&hmac, octets, covered);
            pl_hmac_finish(&hmac, mac);
            memcpy(octets + covered, mac, PL_SDLS_MAC_LENGTH);
            int32_t ahead = pl_sdls_check(&hmac, head, octets, covered, header, spi, random32(), 1000);
            if (ahead == 0 || ahead > 1000 || ahead == -PL_SDLS_MAC || ahead == -PL_SDLS_SPI) {
                fail("SDLS: a right MAC is refused, or a number is not in its window");
            }
            octets[covered] ^= 1;
            if (pl_sdls_check(&hmac, head, octets, covered, header, spi, 0, 1000) >= 0) {
                fail("SDLS: a wrong MAC is accepted");
            }
        }
    }
    if (length >= PL_IDLE_MIN) {
        pl_idle_packet(octets, length);
    }
    if (length >= PL_TM_HEADER_LENGTH + 2) {
        pl_tm_packet_end(octets, length - 2);
        pl_tm_frame_seal(octets, length, 1, 2, 3, 4);
    }
    free(octets);
}

static void batch(const uint8_t *data, size_t length) {
    size_t frame_length = 13 + (length ? data[0] : 0);
    size_t count = length / frame_length;
    uint8_t *frames = exact(data, count * frame_length);
    uint8_t *good = malloc(count + 1);
    pl_batch_check_frames(frames, count, frame_length, frame_length, good);
    memset(good, 1, count);
    size_t stream_size = count * (frame_length - 12);
    size_t packets_size = stream_size / 7 + frame_length / 7 + 2;
    uint8_t *stream = malloc(stream_size + 1);
    pl_packet_t *packets = malloc(packets_size * sizeof(*packets));
    pl_extract_t x;
    pl_batch_extract_init(&x, length > 1 ? data[1] & 7 : 0);
    size_t done =
        pl_batch_extract(&x, frames, count, frame_length, frame_length, good, stream, stream_size, packets, packets_size);
    if (done != count) {
        fail("batch: not all frames");
    }
    size_t n = x.packets < 64 ? x.packets : 64;
    double out[64];
    pl_column_t column = {out, random32() % 200, (uint8_t)(random32() % 5), (uint8_t)(random32() % 70), 8,
                          (uint8_t)(random32() % 8), {1, 2, 3, 4, 5, 6}};
    pl_batch_columns(stream, x.stream_length, packets, n, &column, 1);
    free(frames);
    free(good);
    free(stream);
    free(packets);
}

static void checks(const uint8_t *data, size_t length) {
    uint8_t *copy = exact(data, length);
    uint16_t crc = pl_crc16(PL_CRC16_INIT, copy, length);
    if (pl_batch_crc16_sliced(PL_CRC16_INIT, copy, length) != crc ||
        pl_batch_crc16_carryless(PL_CRC16_INIT, copy, length) != crc) {
        fail("CRC-16: loops disagree");
    }
    pl_crc16_modbus(PL_CRC16_INIT, copy, length);
    uint8_t mac[32];
    pl_hmac_t hmac;
    pl_hmac_init(&hmac, copy, length);
    pl_hmac_update(&hmac, copy, length / 2);
    pl_hmac_update(&hmac, copy + length / 2, length - length / 2);
    pl_hmac_finish(&hmac, mac);
    if (length) {
        size_t size = pl_cltu_size(length);
        uint8_t *out = malloc(size);
        pl_cltu_encode(copy, length, data[0] & 1, out);
        size_t room = (length + 6) / 7 * 7;
        outcome_t o = cltu(out, size, size, room, true);
        if (o.frames != 1 || o.counts[PL_CLTU_CORRECTED]) {
            fail("CLTU: does not come back");
        }
        free(out);
    }
    free(copy);
}

static void one(const uint8_t *data, size_t length) {
    static const size_t steps[] = {1, 3, 7, 61};
    uint8_t mode = length ? data[0] : 0;
    size_t size = 7 + mode % 70;
    outcome_t whole = cltu(data, length, LONGEST * 2, size, mode & 1);
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        outcome_t part = cltu(data, length, steps[i], size, mode & 1);
        if (memcmp(&part, &whole, sizeof(part)) != 0) {
            fail("CLTU: pieces differ from the whole (W-027)");
        }
    }
    whole = tm(data, length, LONGEST * 2, 24, mode, mode >> 6 & 1);
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        outcome_t part = tm(data, length, steps[i], 24, mode, mode >> 6 & 1);
        if (memcmp(&part, &whole, sizeof(part)) != 0) {
            fail("TM: pieces differ from the whole (W-064)");
        }
    }
    fields(data, length);
    headers(data, length);
    batch(data, length);
    checks(data, length);
}

// A stream made of good CLTUs, good frames, single octets and noise, then with some bits and octets changed.
static size_t compose(uint8_t *out) {
    size_t length = 0;
    unsigned parts = random32() % 12;
    out[length++] = (uint8_t)random32();
    for (unsigned i = 0; i < parts && length < LONGEST - 300; i++) {
        uint8_t frame[28] = {0x1A, 0xCF, 0xFC, 0x1D};
        switch (random32() % 6) {
            case 0: {
                uint8_t tc[20];
                size_t n = 1 + random32() % sizeof(tc);
                for (size_t k = 0; k < n; k++) {
                    tc[k] = (uint8_t)random32();
                }
                pl_cltu_encode(tc, n, random32() & 1, out + length);
                length += pl_cltu_size(n);
                break;
            }
            case 1:
            case 2: {
                for (size_t k = 4; k < 26; k++) {
                    frame[k] = (uint8_t)random32();
                }
                uint16_t crc = pl_crc16(PL_CRC16_INIT, frame + 4, 22);
                frame[26] = (uint8_t)(crc >> 8);
                frame[27] = (uint8_t)crc;
                memcpy(out + length, frame, sizeof(frame));
                length += sizeof(frame);
                break;
            }
            case 3:
                memcpy(out + length, frame, 4);
                length += 4;
                break;
            case 4:
                out[length++] = 0xEB;
                out[length++] = 0x90;
                break;
            default:
                for (unsigned k = random32() % 20; k; k--) {
                    out[length++] = (uint8_t)random32();
                }
                break;
        }
    }
    for (unsigned k = random32() % 4; k && length > 1; k--) {
        size_t at = random32() % length;
        if (random32() & 1) {
            out[at] ^= (uint8_t)(1u << random32() % 8);
        } else {
            memmove(out + at, out + at + 1, length - at - 1);
            length--;
        }
    }
    return length;
}

int main(int argc, char **argv) {
    if (argc < 3) {
        fprintf(stderr, "usage: fuzz_c SECONDS SEED [FILE ...]\n");
        return 2;
    }
    double seconds = atof(argv[1]);
    random_state = strtoull(argv[2], NULL, 10) * 2654435761u + 88172645463325252u;
    uint8_t *data = malloc(LONGEST);
    for (int i = 3; i < argc; i++) {
        FILE *file = fopen(argv[i], "rb");
        if (!file) {
            perror(argv[i]);
            return 2;
        }
        size_t n = fread(data, 1, LONGEST, file);
        fclose(file);
        one(data, n);
    }
    struct timespec begin;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    unsigned long runs = 0;
    do {
        size_t n = compose(data);
        one(data, n);
        runs++;
        clock_gettime(CLOCK_MONOTONIC, &now);
    } while ((double)(now.tv_sec - begin.tv_sec) + (double)(now.tv_nsec - begin.tv_nsec) / 1e9 < seconds);
    free(data);
    printf("%lu runs\n", runs);  // memory that was not freed is reported by the leak sanitizer
    return 0;
}
