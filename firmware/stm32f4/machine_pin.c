// machine.Pin as MicroPython documents it: IN, OUT, OPEN_DRAIN, ALT, ALT_OPEN_DRAIN, ANALOG; pulls; irq on edges, soft or
// hard. Left out, as the documentation allows: `drive`, level triggers, `wake`, `priority` other than 1.
//
// A pin is named by what the board prints beside it ("D13", "LED": the aliases of board.toml), by its port ("PB13", and
// "B13" unless the board uses that name for another pin), or by its number (port * 16 + bit).
#include "py/mphal.h"
#include "py/mperrno.h"
#include "py/runtime.h"
#include "extmod/modmachine.h"
#include "extmod/virtpin.h"
#include "shared/runtime/mpirq.h"

#include "exti.h"
#include "machine_pin.h"
#include "pin.h"

#include <string.h>

typedef struct {
    mp_obj_base_t base;
    uint8_t number;
} machine_pin_obj_t;

// Modes as Python sees them: MODER, and whether open drain.
#define OPEN_DRAIN_BIT 0x10
enum {
    MODE_IN = PIN_INPUT,
    MODE_OUT = PIN_OUTPUT,
    MODE_ALT = PIN_ALTERNATE,
    MODE_ANALOG = PIN_ANALOG,
    MODE_OPEN_DRAIN = PIN_OUTPUT | OPEN_DRAIN_BIT,
    MODE_ALT_OPEN_DRAIN = PIN_ALTERNATE | OPEN_DRAIN_BIT,
};
#define UNCHANGED (-1)
#define IRQ_RISING 1
#define IRQ_FALLING 2

#define OBJ(n) { { &machine_pin_type }, n }
#define OBJ4(n) OBJ(n), OBJ((n) + 1), OBJ((n) + 2), OBJ((n) + 3)
#define OBJ16(n) OBJ4(n), OBJ4((n) + 4), OBJ4((n) + 8), OBJ4((n) + 12)
static const machine_pin_obj_t pins[PIN_COUNT] = {
    OBJ16(0), OBJ16(16), OBJ16(32), OBJ16(48), OBJ16(64), OBJ16(80), OBJ16(96), OBJ16(112), OBJ16(128),
};

static const struct {
    const char *name;
    uint8_t pin;
} aliases[] = {
    #define PIN(name, number) { #name, number },
    #include "pins.h"
    #undef PIN
};

// --- finding a pin -----------------------------------------------------------------------------------------------------

// "PB13" or "B13": the number, or PIN_COUNT.
static uint32_t number_of_port_name(const char *name, size_t len) {
    if (len > 0 && name[0] == 'P') {
        name++;
        len--;
    }
    if (len < 2 || len > 3 || name[0] < 'A' || name[0] > 'I') {
        return PIN_COUNT;
    }
    uint32_t bit = 0;
    for (size_t i = 1; i < len; i++) {
        if (name[i] < '0' || name[i] > '9' || (i == 1 && len == 3 && name[i] == '0')) {
            return PIN_COUNT;
        }
        bit = bit * 10 + (uint32_t)(name[i] - '0');
    }
    return bit > 15 ? PIN_COUNT : (uint32_t)(name[0] - 'A') * 16 + bit;
}

static uint32_t number_of_name(const char *name, size_t len) {
    for (size_t i = 0; i < MP_ARRAY_SIZE(aliases); i++) {
        if (strlen(aliases[i].name) == len && memcmp(aliases[i].name, name, len) == 0) {
            return aliases[i].pin;
        }
    }
    return number_of_port_name(name, len);
}

uint32_t machine_pin_number(mp_obj_t id) {
    if (mp_obj_is_type(id, &machine_pin_type)) {
        return ((machine_pin_obj_t *)MP_OBJ_TO_PTR(id))->number;
    }
    if (mp_obj_is_str(id)) {
        size_t len;
        const char *name = mp_obj_str_get_data(id, &len);
        uint32_t named = number_of_name(name, len);
        if (!pin_exists(named)) {
            mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("Pin('%s') doesn't exist"), name);
        }
        return named;
    }
    mp_int_t pin = mp_obj_get_int(id); // TypeError when it is no number
    if (!pin_exists((uint32_t)pin)) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("Pin(%d) doesn't exist"), (int)pin);
    }
    return (uint32_t)pin;
}

void machine_pin_check_fixed(const char *name, mp_obj_t pin, uint32_t board_pin) {
    if (pin != mp_const_none && machine_pin_number(pin) != board_pin) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("%s is fixed by the board: " MP_HAL_PIN_FMT), name,
            mp_hal_pin_name(board_pin));
    }
}

mp_obj_t machine_pin_object(uint32_t pin) {
    return MP_OBJ_FROM_PTR(&pins[pin]);
}

static uint32_t number(mp_obj_t self_in) {
    return ((machine_pin_obj_t *)MP_OBJ_TO_PTR(self_in))->number;
}

// --- configuration -----------------------------------------------------------------------------------------------------

static void set_mode(pin_config_t *config, mp_int_t mode, mp_int_t alternate) {
    switch (mode) {
        case MODE_IN:
        case MODE_OUT:
        case MODE_ANALOG:
        case MODE_OPEN_DRAIN:
            break;
        case MODE_ALT:
        case MODE_ALT_OPEN_DRAIN:
            if (alternate < 0 || alternate > 15) {
                mp_raise_ValueError(MP_ERROR_TEXT("alt must be 0..15"));
            }
            config->alternate = (uint32_t)alternate;
            break;
        default:
            mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("invalid pin mode: %d"), (int)mode);
    }
    config->mode = (pin_mode_t)(mode & 3);
    config->drive = mode & OPEN_DRAIN_BIT ? PIN_OPEN_DRAIN : PIN_PUSH_PULL;
}

static void set_pull(pin_config_t *config, mp_obj_t pull) {
    if (pull == MP_OBJ_NEW_SMALL_INT(UNCHANGED)) {
        return;
    }
    mp_int_t value = pull == mp_const_none ? PIN_PULL_NONE : mp_obj_get_int(pull);
    if (value < PIN_PULL_NONE || value > PIN_PULL_DOWN) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("invalid pin pull: %d"), (int)value);
    }
    config->pull = (pin_pull_t)value;
}

// What is not given stays as it is.
static void init_helper(mp_obj_t self_in, size_t n_args, const mp_obj_t *pos_args, mp_map_t *kw_args) {
    enum { ARG_mode, ARG_pull, ARG_value, ARG_alt };
    static const mp_arg_t allowed_args[] = {
        { MP_QSTR_mode, MP_ARG_INT, { .u_int = UNCHANGED } },
        { MP_QSTR_pull, MP_ARG_OBJ, { .u_rom_obj = MP_ROM_INT(UNCHANGED) } },
        { MP_QSTR_value, MP_ARG_KW_ONLY | MP_ARG_OBJ, { .u_rom_obj = MP_ROM_NONE } },
        { MP_QSTR_alt, MP_ARG_KW_ONLY | MP_ARG_INT, { .u_int = UNCHANGED } },
    };
    mp_arg_val_t args[MP_ARRAY_SIZE(allowed_args)];
    mp_arg_parse_all(n_args, pos_args, kw_args, MP_ARRAY_SIZE(allowed_args), allowed_args, args);
    uint32_t pin = number(self_in);
    pin_config_t config;
    pin_get_config(pin, &config);
    if (args[ARG_mode].u_int != UNCHANGED) {
        set_mode(&config, args[ARG_mode].u_int, args[ARG_alt].u_int);
    }
    set_pull(&config, args[ARG_pull].u_obj);
    if (args[ARG_value].u_obj != mp_const_none) {
        pin_write(pin, mp_obj_is_true(args[ARG_value].u_obj)); // before the mode: no pulse of the old value
    }
    pin_configure(pin, &config);
}

mp_obj_t mp_pin_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw, const mp_obj_t *args) {
    (void)type;
    mp_arg_check_num(n_args, n_kw, 1, MP_OBJ_FUN_ARGS_MAX, true);
    mp_obj_t self = machine_pin_object(machine_pin_number(args[0]));
    if (n_args > 1 || n_kw > 0) {
        mp_map_t kw_args;
        mp_map_init_fixed_table(&kw_args, n_kw, args + n_args);
        init_helper(self, n_args - 1, args + 1, &kw_args);
    }
    return self;
}

static mp_obj_t machine_pin_init(size_t n_args, const mp_obj_t *args, mp_map_t *kw_args) {
    init_helper(args[0], n_args - 1, args + 1, kw_args);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_KW(machine_pin_init_obj, 1, machine_pin_init);

static void machine_pin_print(const mp_print_t *print, mp_obj_t self_in, mp_print_kind_t kind) {
    (void)kind;
    static const char *const modes[] = { "IN", "OUT", "ALT", "ANALOG" };
    static const char *const pulls[] = { "", ", pull=PULL_UP", ", pull=PULL_DOWN", "" };
    uint32_t pin = number(self_in);
    pin_config_t config;
    pin_get_config(pin, &config);
    const char *mode = modes[config.mode];
    if (config.drive == PIN_OPEN_DRAIN && config.mode == PIN_OUTPUT) {
        mode = "OPEN_DRAIN";
    } else if (config.drive == PIN_OPEN_DRAIN && config.mode == PIN_ALTERNATE) {
        mode = "ALT_OPEN_DRAIN";
    }
    mp_printf(print, "Pin('" MP_HAL_PIN_FMT "', mode=%s%s", mp_hal_pin_name(pin), mode, pulls[config.pull]);
    if (config.mode == PIN_ALTERNATE) {
        mp_printf(print, ", alt=%u", (unsigned)config.alternate);
    }
    mp_print_str(print, ")");
}

// --- level -------------------------------------------------------------------------------------------------------------

static mp_obj_t machine_pin_call(mp_obj_t self_in, size_t n_args, size_t n_kw, const mp_obj_t *args) {
    mp_arg_check_num(n_args, n_kw, 0, 1, false);
    if (n_args == 0) {
        return MP_OBJ_NEW_SMALL_INT(pin_read(number(self_in)));
    }
    pin_write(number(self_in), mp_obj_is_true(args[0]));
    return mp_const_none;
}

static mp_obj_t machine_pin_value(size_t n_args, const mp_obj_t *args) {
    return machine_pin_call(args[0], n_args - 1, 0, args + 1);
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(machine_pin_value_obj, 1, 2, machine_pin_value);

static mp_obj_t machine_pin_on(mp_obj_t self_in) {
    pin_write(number(self_in), true);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(machine_pin_on_obj, machine_pin_on);

static mp_obj_t machine_pin_off(mp_obj_t self_in) {
    pin_write(number(self_in), false);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(machine_pin_off_obj, machine_pin_off);

static mp_obj_t machine_pin_toggle(mp_obj_t self_in) {
    uint32_t pin = number(self_in);
    pin_write(pin, !pin_driven_high(pin));
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(machine_pin_toggle_obj, machine_pin_toggle);

static mp_uint_t machine_pin_ioctl(mp_obj_t self_in, mp_uint_t request, uintptr_t arg, int *errcode) {
    switch (request) {
        case MP_PIN_READ:
            return pin_read(number(self_in));
        case MP_PIN_WRITE:
            pin_write(number(self_in), arg);
            return 0;
        default:
            *errcode = MP_EINVAL;
            return (mp_uint_t)-1;
    }
}

// --- interrupts --------------------------------------------------------------------------------------------------------

typedef struct {
    mp_irq_obj_t base; // base.parent is the Pin that has the line
    uint8_t trigger;
    uint8_t flags; // edge of the last interrupt
} machine_pin_irq_obj_t;

MP_REGISTER_ROOT_POINTER(void *machine_pin_irqs[16]); // EXTI_LINES

void machine_pin_init0(void) {
    for (uint32_t line = 0; line < EXTI_LINES; line++) {
        if (MP_STATE_PORT(machine_pin_irqs)[line] != NULL) {
            exti_disable(line);
        }
        MP_STATE_PORT(machine_pin_irqs)[line] = NULL;
    }
}

static void apply_trigger(const machine_pin_irq_obj_t *irq) {
    uint32_t pin = number(irq->base.parent);
    if (irq->trigger == 0 || irq->base.handler == mp_const_none) {
        exti_disable(PIN_BIT(pin));
    } else {
        exti_enable(pin, irq->trigger & IRQ_RISING, irq->trigger & IRQ_FALLING);
    }
}

static void check_trigger(mp_uint_t trigger) {
    if (trigger & ~(mp_uint_t)(IRQ_RISING | IRQ_FALLING)) {
        mp_raise_ValueError(MP_ERROR_TEXT("trigger must be made of IRQ_RISING and IRQ_FALLING"));
    }
}

static mp_uint_t irq_trigger(mp_obj_t self_in, mp_uint_t trigger) {
    machine_pin_irq_obj_t *irq = MP_STATE_PORT(machine_pin_irqs)[PIN_BIT(number(self_in))];
    check_trigger(trigger);
    irq->trigger = (uint8_t)trigger;
    apply_trigger(irq);
    return 0;
}

static mp_uint_t irq_info(mp_obj_t self_in, mp_uint_t info_type) {
    const machine_pin_irq_obj_t *irq = MP_STATE_PORT(machine_pin_irqs)[PIN_BIT(number(self_in))];
    return info_type == MP_IRQ_INFO_FLAGS ? irq->flags : irq->trigger;
}

static const mp_irq_methods_t irq_methods = { irq_trigger, irq_info };

// The hardware does not tell which edge it was. With both asked for, the level right after it does, unless the pulse was
// shorter than the way here.
void exti_fired(uint32_t line) {
    machine_pin_irq_obj_t *irq = MP_STATE_PORT(machine_pin_irqs)[line];
    if (irq == NULL) {
        exti_disable(line);
        return;
    }
    irq->flags = irq->trigger;
    if (irq->trigger == (IRQ_RISING | IRQ_FALLING)) {
        irq->flags = pin_read(number(irq->base.parent)) ? IRQ_RISING : IRQ_FALLING;
    }
    mp_irq_handler(&irq->base);
}

// The irq object of the pin's line; made at the first call. A line that another port's pin uses is refused.
static machine_pin_irq_obj_t *irq_of(mp_obj_t self_in) {
    uint32_t line = PIN_BIT(number(self_in));
    machine_pin_irq_obj_t *irq = MP_STATE_PORT(machine_pin_irqs)[line];
    if (irq == NULL) {
        irq = m_new0(machine_pin_irq_obj_t, 1);
        mp_irq_init(&irq->base, &irq_methods, self_in);
        MP_STATE_PORT(machine_pin_irqs)[line] = irq;
    }
    if (irq->base.parent != self_in) {
        if (irq->base.handler != mp_const_none) {
            mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("interrupt line %u is used by " MP_HAL_PIN_FMT),
                (unsigned)line, mp_hal_pin_name(number(irq->base.parent)));
        }
        irq->base.parent = self_in;
    }
    return irq;
}

static mp_obj_t machine_pin_irq(size_t n_args, const mp_obj_t *pos_args, mp_map_t *kw_args) {
    enum { ARG_handler, ARG_trigger, ARG_priority, ARG_wake, ARG_hard };
    static const mp_arg_t allowed_args[] = {
        { MP_QSTR_handler, MP_ARG_OBJ, { .u_rom_obj = MP_ROM_NONE } },
        { MP_QSTR_trigger, MP_ARG_INT, { .u_int = IRQ_RISING | IRQ_FALLING } },
        { MP_QSTR_priority, MP_ARG_KW_ONLY | MP_ARG_INT, { .u_int = 1 } },
        { MP_QSTR_wake, MP_ARG_KW_ONLY | MP_ARG_OBJ, { .u_rom_obj = MP_ROM_NONE } },
        { MP_QSTR_hard, MP_ARG_KW_ONLY | MP_ARG_BOOL, { .u_bool = false } },
    };
    mp_arg_val_t args[MP_ARRAY_SIZE(allowed_args)];
    mp_arg_parse_all(n_args - 1, pos_args + 1, kw_args, MP_ARRAY_SIZE(allowed_args), allowed_args, args);
    bool only_asked = n_args == 1 && kw_args->used == 0;
    mp_obj_t handler = args[ARG_handler].u_obj;
    if (handler != mp_const_none && !mp_obj_is_callable(handler)) {
        mp_raise_ValueError(MP_ERROR_TEXT("handler must be None or callable"));
    }
    check_trigger((mp_uint_t)args[ARG_trigger].u_int);
    if (args[ARG_priority].u_int != 1 || args[ARG_wake].u_obj != mp_const_none) {
        mp_raise_ValueError(MP_ERROR_TEXT("priority must be 1 and wake None"));
    }
    machine_pin_irq_obj_t *irq = irq_of(pos_args[0]);
    if (!only_asked) {
        exti_disable(PIN_BIT(number(pos_args[0])));
        irq->base.handler = handler;
        irq->base.ishard = args[ARG_hard].u_bool;
        irq->trigger = (uint8_t)args[ARG_trigger].u_int;
        apply_trigger(irq);
    }
    return MP_OBJ_FROM_PTR(irq);
}
static MP_DEFINE_CONST_FUN_OBJ_KW(machine_pin_irq_obj, 1, machine_pin_irq);

// --- type --------------------------------------------------------------------------------------------------------------

static const mp_rom_map_elem_t machine_pin_locals_dict_table[] = {
    { MP_ROM_QSTR(MP_QSTR_init), MP_ROM_PTR(&machine_pin_init_obj) },
    { MP_ROM_QSTR(MP_QSTR_value), MP_ROM_PTR(&machine_pin_value_obj) },
    { MP_ROM_QSTR(MP_QSTR_on), MP_ROM_PTR(&machine_pin_on_obj) },
    { MP_ROM_QSTR(MP_QSTR_off), MP_ROM_PTR(&machine_pin_off_obj) },
    { MP_ROM_QSTR(MP_QSTR_high), MP_ROM_PTR(&machine_pin_on_obj) },
    { MP_ROM_QSTR(MP_QSTR_low), MP_ROM_PTR(&machine_pin_off_obj) },
    { MP_ROM_QSTR(MP_QSTR_toggle), MP_ROM_PTR(&machine_pin_toggle_obj) },
    { MP_ROM_QSTR(MP_QSTR_irq), MP_ROM_PTR(&machine_pin_irq_obj) },
    { MP_ROM_QSTR(MP_QSTR_IN), MP_ROM_INT(MODE_IN) },
    { MP_ROM_QSTR(MP_QSTR_OUT), MP_ROM_INT(MODE_OUT) },
    { MP_ROM_QSTR(MP_QSTR_OPEN_DRAIN), MP_ROM_INT(MODE_OPEN_DRAIN) },
    { MP_ROM_QSTR(MP_QSTR_ALT), MP_ROM_INT(MODE_ALT) },
    { MP_ROM_QSTR(MP_QSTR_ALT_OPEN_DRAIN), MP_ROM_INT(MODE_ALT_OPEN_DRAIN) },
    { MP_ROM_QSTR(MP_QSTR_ANALOG), MP_ROM_INT(MODE_ANALOG) },
    { MP_ROM_QSTR(MP_QSTR_PULL_UP), MP_ROM_INT(PIN_PULL_UP) },
    { MP_ROM_QSTR(MP_QSTR_PULL_DOWN), MP_ROM_INT(PIN_PULL_DOWN) },
    { MP_ROM_QSTR(MP_QSTR_IRQ_RISING), MP_ROM_INT(IRQ_RISING) },
    { MP_ROM_QSTR(MP_QSTR_IRQ_FALLING), MP_ROM_INT(IRQ_FALLING) },
};
static MP_DEFINE_CONST_DICT(machine_pin_locals_dict, machine_pin_locals_dict_table);

static const mp_pin_p_t machine_pin_protocol = { .ioctl = machine_pin_ioctl };

MP_DEFINE_CONST_OBJ_TYPE(
    machine_pin_type,
    MP_QSTR_Pin,
    MP_TYPE_FLAG_NONE,
    make_new, mp_pin_make_new,
    print, machine_pin_print,
    call, machine_pin_call,
    protocol, &machine_pin_protocol,
    locals_dict, &machine_pin_locals_dict
    );
