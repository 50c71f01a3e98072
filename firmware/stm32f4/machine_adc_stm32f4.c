// Included by extmod/machine_adc.c: machine.ADC over adc.c.
//
// ADC(id, *, sample_ns): id is a Pin or the name of one, or the number of a channel: 0..15 are pins, CORE_TEMP, CORE_VREF
// and CORE_VBAT (half the voltage) are inside the part. read_u16 raises OSError(ETIMEDOUT) when no conversion ends, as in
// QEMU, which has no converter; board.adc_read answers a status instead.
#include "py/mperrno.h"
#include "py/mphal.h"

#include "adc.h"
#include "machine_objects.h"
#include "machine_pin.h"

#define DEFAULT_SAMPLE_NS 4000u // right for a source of up to 50 kOhm (DS8626, equation 1)
#define LONGEST_SAMPLE_NS 22000

#define MICROPY_PY_MACHINE_ADC_CLASS_CONSTANTS \
    { MP_ROM_QSTR(MP_QSTR_CORE_TEMP), MP_ROM_INT(ADC_CHANNEL_TEMPERATURE) }, \
    { MP_ROM_QSTR(MP_QSTR_CORE_VREF), MP_ROM_INT(ADC_CHANNEL_VREFINT) }, \
    { MP_ROM_QSTR(MP_QSTR_CORE_VBAT), MP_ROM_INT(ADC_CHANNEL_VBAT) }, \

struct _machine_adc_obj_t {
    mp_obj_base_t base;
    uint8_t channel;
    uint16_t sample_ns;
};

static uint32_t channel_of_pin(mp_obj_t id) {
    uint32_t pin = machine_pin_number(id);
    for (uint32_t channel = 0; channel < ADC_CHANNEL_TEMPERATURE; channel++) {
        if (adc_pin_of_channel(channel) == pin) {
            return channel;
        }
    }
    mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT(MP_HAL_PIN_FMT " has no ADC channel"), mp_hal_pin_name(pin));
}

static uint32_t channel_of(mp_obj_t id) {
    if (!mp_obj_is_int(id)) {
        return channel_of_pin(id);
    }
    mp_int_t channel = mp_obj_get_int(id);
    if (channel < 0 || channel >= (mp_int_t)ADC_CHANNELS) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("ADC channel must be 0..%u, not %d"),
            (unsigned)(ADC_CHANNELS - 1), (int)channel);
    }
    return (uint32_t)channel;
}

static void mp_machine_adc_init_helper(machine_adc_obj_t *self, size_t n_pos_args, const mp_obj_t *pos_args, mp_map_t *kw_args) {
    static const mp_arg_t allowed_args[] = {
        { MP_QSTR_sample_ns, MP_ARG_KW_ONLY | MP_ARG_INT, { .u_int = DEFAULT_SAMPLE_NS } },
    };
    mp_arg_val_t args[MP_ARRAY_SIZE(allowed_args)];
    mp_arg_parse_all(n_pos_args, pos_args, kw_args, MP_ARRAY_SIZE(allowed_args), allowed_args, args);
    mp_int_t sample_ns = args[0].u_int;
    if (sample_ns < 0 || sample_ns > LONGEST_SAMPLE_NS) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("sample_ns must be 0..%u"), LONGEST_SAMPLE_NS);
    }
    self->sample_ns = (uint16_t)sample_ns;
}

static mp_obj_t mp_machine_adc_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw, const mp_obj_t *args) {
    mp_arg_check_num(n_args, n_kw, 1, 1, true);
    machine_adc_obj_t *self = mp_obj_malloc(machine_adc_obj_t, type);
    self->channel = (uint8_t)channel_of(args[0]);
    mp_map_t kw_args;
    mp_map_init_fixed_table(&kw_args, n_kw, args + n_args);
    mp_machine_adc_init_helper(self, 0, NULL, &kw_args);
    if (self->channel < ADC_CHANNEL_TEMPERATURE) {
        pin_configure(adc_pin_of_channel(self->channel), &(pin_config_t) { .mode = PIN_ANALOG });
    }
    return MP_OBJ_FROM_PTR(self);
}

static void mp_machine_adc_print(const mp_print_t *print, mp_obj_t self_in, mp_print_kind_t kind) {
    machine_adc_obj_t *self = MP_OBJ_TO_PTR(self_in);
    mp_printf(print, "ADC(%u, sample_ns=%u)", self->channel, self->sample_ns);
}

// Twelve bits to sixteen so that full scale stays full scale.
static int read_or_fail(const machine_adc_obj_t *self) {
    uint32_t value;
    return adc_convert(self->channel, self->sample_ns, &value) ? (int)(value << 4 | value >> 8) : MACHINE_ADC_TIMEOUT;
}

static mp_int_t mp_machine_adc_read_u16(machine_adc_obj_t *self) {
    int value = read_or_fail(self);
    if (value < 0) {
        mp_raise_OSError(MP_ETIMEDOUT);
    }
    return value;
}

int machine_adc_read(mp_obj_t adc) {
    if (!mp_obj_is_type(adc, &machine_adc_type)) {
        mp_raise_TypeError(MP_ERROR_TEXT("expected an ADC"));
    }
    return read_or_fail(MP_OBJ_TO_PTR(adc));
}
