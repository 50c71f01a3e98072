// Where names are in maps (names.c).
#ifndef PERILUNE_NAMES_H
#define PERILUNE_NAMES_H

#include "py/obj.h"

// The interpreter's own look-up, without a cache; it has this name by MICROPY_WRAP_MP_MAP_LOOKUP.
mp_map_elem_t *mp_map_lookup_search(mp_map_t *map, mp_obj_t name, mp_map_lookup_kind_t kind);

#endif
