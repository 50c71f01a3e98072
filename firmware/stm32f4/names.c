// Where names are in maps: the look-up that the interpreter does for every attribute, method and global.
//
// The interpreter's own cache remembers one place for each name, whatever the map; here it is one for each pair of name and
// map, so that two classes may use the same name. A place is only a guess: it counts when the name stands there. Small maps
// are looked through from end to end when it does not: that tells sooner that a name is missing, as that of every method is
// in its object, than working out where it would be.
#include "names.h"

#include "py/obj.h"

#define PLACES (1024) // octets, a power of two

static uint8_t places[PLACES];

#define SMALL (40) // entries, up to which looking through them takes fewer instructions than the hash of the name

static inline uint8_t *place_of(const mp_map_t *map, mp_obj_t name) {
    // Tables are on the heap's blocks of 16 octets, names are counted in steps of 16.
    return &places[(((uintptr_t)map->table >> 4) + ((uintptr_t)name >> 4)) % PLACES];
}

// Not inlined: the way of a name whose place is remembered then needs no registers but those of its arguments.
static __attribute__((noinline)) mp_map_elem_t *search(mp_map_t *map, mp_obj_t name, mp_map_lookup_kind_t kind) {
    if (kind == MP_MAP_LOOKUP_REMOVE_IF_FOUND || map->alloc == 0) {
        return mp_map_lookup_search(map, name, kind);
    }
    if (map->alloc <= SMALL && map->all_keys_are_qstrs && mp_obj_is_qstr(name)) {
        size_t count = map->is_ordered ? map->used : map->alloc;
        for (mp_map_elem_t *slot = map->table, *end = slot + count; slot < end; slot++) {
            if (slot->key == name) {
                *place_of(map, name) = (uint8_t)(slot - map->table);
                return slot;
            }
        }
        if (kind == MP_MAP_LOOKUP) {
            return NULL;
        }
    }
    mp_map_elem_t *found = mp_map_lookup_search(map, name, kind);
    if (found) {
        // After an addition the table may be another one, and so may be what remembers the place.
        *place_of(map, name) = (uint8_t)(found - map->table);
    }
    return found;
}

mp_map_elem_t *mp_map_lookup(mp_map_t *map, mp_obj_t name, mp_map_lookup_kind_t kind) {
    size_t place = *place_of(map, name);
    if (place < map->alloc && map->table[place].key == name && kind != MP_MAP_LOOKUP_REMOVE_IF_FOUND) {
        return &map->table[place];
    }
    return search(map, name, kind);
}
