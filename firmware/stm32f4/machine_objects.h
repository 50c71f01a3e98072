// machine's objects for module `board`, whose functions answer a status where machine's methods raise. TypeError when the
// object is another one.
#ifndef PERILUNE_MACHINE_OBJECTS_H
#define PERILUNE_MACHINE_OBJECTS_H

#include "py/obj.h"

#define MACHINE_ADC_TIMEOUT (-1)

// Convert: 0..65535, or MACHINE_ADC_TIMEOUT when no conversion ended.
int machine_adc_read(mp_obj_t adc);

// Number of an I2C bus that is open.
int machine_i2c_id(mp_obj_t i2c);

#endif
