"""perilune.small_integers on lines as MicroPython's tool writes them."""

import pytest
from perilune.small_integers import shrink

LINE = (
    "static const mp_obj_int_t const_obj_t_{name} = {{{{&mp_type_int}}, {{.neg={neg}, .fixed_dig=1, .alloc={n}, "
    ".len={n}, .dig=(uint16_t*)(const uint16_t[]){{{digits}}}}}}};\n"
)


def frozen(neg: int, *digits: int) -> str:
    return LINE.format(name=3, neg=neg, n=len(digits), digits=",".join(f"{digit:#x}" for digit in digits))


@pytest.mark.parametrize(
    ("neg", "digits", "value"),
    [
        (0, (0x2710,), 10_000),
        (0, (0x5180, 0x1), 86_400),
        (0, (0xFFFF, 0x3FFF), 2**30 - 1),
        (1, (0x0, 0x4000), -(2**30)),
    ],
)
def test_what_fits_becomes_a_small_integer(neg: int, digits: tuple[int, ...], value: int) -> None:
    use = "    MP_ROM_PTR(&const_obj_t_3), MP_ROM_PTR(&const_obj_t_30),\n"
    assert shrink(frozen(neg, *digits) + use) == f"    MP_ROM_INT({value}), MP_ROM_PTR(&const_obj_t_30),\n"


@pytest.mark.parametrize(("neg", "digits"), [(0, (0x0, 0x4000)), (1, (0x1, 0x4000)), (0, (0, 0, 1))])
def test_what_does_not_fit_stays(neg: int, digits: tuple[int, ...]) -> None:
    text = frozen(neg, *digits) + "    MP_ROM_PTR(&const_obj_t_3),\n"
    assert shrink(text) == text
