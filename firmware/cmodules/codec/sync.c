// TM frame synchronisation on a stream of octets (131.0-B, SPEC.md section 7).
//
// The caller's buffer is the memory of the search: it holds every octet since the ASM being tried, so a frame that turns
// out to be none is searched again from its second octet, and nothing is lost behind a false ASM or a slipped octet.
#include <string.h>

#include "codec.h"

enum {
    HUNT,  // looking for an ASM at buffer[0]
    BODY,  // ASM at buffer[0], frame being taken
    BAD,   // frame with wrong FECF, waiting for what follows it
};

static const uint8_t marker[PL_TM_ASM_LENGTH] = {0x1A, 0xCF, 0xFC, 0x1D};

static void count(pl_tm_sync_t *sync, unsigned which, uint32_t n) {
    sync->counts[which] = (sync->counts[which] + n) & PL_COUNTER_MASK;
}

static unsigned marker_errors(const uint8_t *p) {
    unsigned n = 0;
    for (unsigned i = 0; i < PL_TM_ASM_LENGTH; i++) {
        for (unsigned x = p[i] ^ marker[i]; x; x &= x - 1) {
            n++;
        }
    }
    return n;
}

void pl_tm_init(pl_tm_sync_t *sync, size_t length, unsigned search_errors, unsigned lock_errors, bool randomised) {
    memset(sync, 0, sizeof(*sync));
    sync->length = length;
    sync->search_errors = (uint8_t)search_errors;
    sync->lock_errors = (uint8_t)lock_errors;
    sync->randomised = randomised;
    sync->state = HUNT;
}

// Takes the first n octets out of the buffer.
static void drop(pl_tm_sync_t *sync, uint8_t *buffer, size_t n) {
    sync->fill -= n;
    memmove(buffer, buffer + n, sync->fill);
}

static void lose_lock(pl_tm_sync_t *sync) {
    if (sync->locked) {
        sync->locked = false;
        count(sync, PL_TM_LOCK_LOST, 1);
    }
}

static void begin_frame(pl_tm_sync_t *sync, unsigned errors) {
    sync->state = BODY;
    if (errors) {
        count(sync, PL_TM_ASM_ERRORS, 1);
    }
}

// The next three: true when there may be more to do with the octets that are there.

static bool hunt(pl_tm_sync_t *sync, uint8_t *buffer) {
    unsigned errors = marker_errors(buffer);
    if (sync->locked && errors <= sync->lock_errors) {
        begin_frame(sync, errors);
        return true;
    }
    lose_lock(sync);
    size_t skip = 0;
    while (errors > sync->search_errors && skip + PL_TM_ASM_LENGTH < sync->fill) {
        errors = marker_errors(buffer + ++skip);
    }
    bool found = errors <= sync->search_errors;
    if (!found) {
        skip++;
    }
    count(sync, PL_TM_SEARCH_BYTES, (uint32_t)skip);
    drop(sync, buffer, skip);
    if (found) {
        begin_frame(sync, errors);
    }
    return found;
}

static bool end_frame(pl_tm_sync_t *sync, uint8_t *buffer) {
    uint8_t *frame = buffer + PL_TM_ASM_LENGTH;
    if (sync->randomised) {
        pl_randomise_tm(frame, sync->length);
    }
    if (pl_crc16(PL_CRC16_INIT, frame, sync->length) == 0) {
        count(sync, PL_TM_FRAMES, 1);
        sync->kept = sync->fill - PL_TM_ASM_LENGTH - sync->length;
        sync->fill = 0;
        sync->state = HUNT;
        sync->locked = true;
        sync->ready = true;
        return false;
    }
    if (sync->randomised) {
        pl_randomise_tm(frame, sync->length);  // back to what came: it may be searched again
    }
    sync->state = BAD;
    return true;
}

static bool end_bad_frame(pl_tm_sync_t *sync, uint8_t *buffer) {
    size_t next = PL_TM_ASM_LENGTH + sync->length;
    unsigned errors = marker_errors(buffer + next);
    if (errors <= (sync->locked ? sync->lock_errors : sync->search_errors)) {
        count(sync, PL_TM_FECF, 1);
        drop(sync, buffer, next);
        begin_frame(sync, errors);
        return true;
    }
    count(sync, PL_TM_RESYNC, 1);
    lose_lock(sync);
    count(sync, PL_TM_SEARCH_BYTES, 1);
    drop(sync, buffer, 1);
    sync->state = HUNT;
    return true;
}

// Octets the buffer must hold before the state can decide.
static size_t needed(const pl_tm_sync_t *sync) {
    switch (sync->state) {
        case HUNT:
            return PL_TM_ASM_LENGTH;
        case BODY:
            return PL_TM_ASM_LENGTH + sync->length;
        default:
            return 2 * PL_TM_ASM_LENGTH + sync->length;
    }
}

static void advance(pl_tm_sync_t *sync, uint8_t *buffer) {
    bool going = true;
    while (going && sync->fill >= needed(sync)) {
        switch (sync->state) {
            case HUNT:
                going = hunt(sync, buffer);
                break;
            case BODY:
                going = end_frame(sync, buffer);
                break;
            default:
                going = end_bad_frame(sync, buffer);
                break;
        }
    }
}

size_t pl_tm_feed(pl_tm_sync_t *sync, uint8_t *buffer, const uint8_t *data, size_t length) {
    if (length == 0) {
        return 0;
    }
    if (sync->ready) {
        sync->ready = false;
        count(sync, PL_TM_UNTAKEN, 1);
    }
    if (sync->kept) {
        memmove(buffer, buffer + PL_TM_ASM_LENGTH + sync->length, sync->kept);
        sync->fill = sync->kept;
        sync->kept = 0;
    }
    size_t used = 0;
    while (used < length && !sync->ready) {
        size_t n = needed(sync) - sync->fill;
        if (n > length - used) {
            n = length - used;
        }
        memcpy(buffer + sync->fill, data + used, n);
        sync->fill += n;
        used += n;
        advance(sync, buffer);
    }
    return used;
}

size_t pl_tm_take(pl_tm_sync_t *sync) {
    if (!sync->ready) {
        return 0;
    }
    sync->ready = false;
    return sync->length;
}

size_t pl_tm_pending(const pl_tm_sync_t *sync) {
    return sync->fill + sync->kept;
}

void pl_tm_reset(pl_tm_sync_t *sync) {
    count(sync, PL_TM_SEARCH_BYTES, (uint32_t)(sync->fill + sync->kept));
    sync->fill = 0;
    sync->kept = 0;
    sync->state = HUNT;
    sync->ready = false;
    sync->locked = false;
}
