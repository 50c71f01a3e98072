"""What faulty lines make of octets, each drawn from its seed alone; by hand where a line is no matter of chance."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hil.faults import bursts, delay, duplication, garbage, loss, noise, nothing, repetition, wrong_baud

CLEAN = bytes(range(256)) * 40
PIECES = [CLEAN[at : at + 100] for at in range(0, len(CLEAN), 100)]
Through = Callable[[bytes], bytes]
LINES: dict[str, Callable[[int], Through]] = {
    "noise": lambda seed: noise(1e-3, seed),
    "bursts": lambda seed: bursts(1e-3, 20, seed),
    "loss": lambda seed: loss(1e-3, 20, seed),
    "duplication": lambda seed: duplication(1e-3, 20, seed),
    "garbage": lambda seed: garbage(1e-3, 20, seed),
}


def carried(line: Through) -> bytes:
    return b"".join(line(piece) for piece in PIECES)


@pytest.mark.parametrize("name", LINES)
def test_the_same_seed_does_the_same_and_another_does_not(name: str) -> None:
    first, again, other = (carried(LINES[name](seed)) for seed in (4, 4, 5))
    assert first == again
    assert len({first, other, CLEAN}) == 3


@pytest.mark.parametrize("name", LINES)
def test_it_makes_no_difference_how_the_octets_are_cut(name: str) -> None:
    line = LINES[name](4)
    whole = LINES[name](4)(CLEAN)
    assert b"".join(line(CLEAN[at : at + 7]) for at in range(0, len(CLEAN), 7)) == whole
    assert carried(LINES[name](4)) == whole


@pytest.mark.parametrize(
    "line",
    [
        noise(0, 1),
        bursts(0, 9, 1),
        loss(0, 9, 1),
        duplication(0, 9, 1),
        garbage(0, 9, 1),
        repetition(0, 1),
        wrong_baud(1.0),
    ],
)
def test_a_line_without_faults_carries_everything(line: Through) -> None:
    assert carried(line) == CLEAN


def test_noise_turns_as_many_bits_as_it_says() -> None:
    changed = noise(1e-2, 3)(CLEAN)
    turned = sum((a ^ b).bit_count() for a, b in zip(CLEAN, changed, strict=True))
    assert 0.8e-2 < turned / (8 * len(CLEAN)) < 1.2e-2


def test_a_burst_changes_octets_in_a_row() -> None:
    changed = bursts(2e-4, 20, 3)(CLEAN)
    wrong = [at for at, (a, b) in enumerate(zip(CLEAN, changed, strict=True)) if a != b]
    assert wrong
    runs = [at for at in wrong if at - 1 not in wrong]
    assert 0 < len(runs) < len(wrong)


def test_loss_takes_octets_and_changes_none() -> None:
    kept = iter(carried(loss(1e-3, 20, 3)))
    found = list(kept)
    assert 0 < len(CLEAN) - len(found) < 1000
    rest = iter(CLEAN)
    assert all(octet in rest for octet in found)


def test_duplication_says_again_what_has_just_been_said() -> None:
    line = duplication(1.0, 3, 2)
    said = line(b"abc")
    assert said in {b"aa" + b + c for b in (b"bb", b"bab") for c in (b"cc", b"cbc", b"cabc")}
    many = duplication(0.5, 3, 3)
    assert {many(b"x") for _ in range(50)} == {b"x" * count for count in (1, 2, 3, 4)}


def test_repetition_says_whole_pieces_twice() -> None:
    line = repetition(0.5, 3)
    assert {line(b"abc") for _ in range(50)} == {b"abc", b"abcabc"}


def test_garbage_comes_before_what_is_carried() -> None:
    line = garbage(0.5, 4, 3)
    said = [line(b"a") for _ in range(50)]
    assert all(one.endswith(b"a") for one in said)
    assert {len(one) for one in said} == {1, 2, 3, 4, 5}


def test_a_delay_keeps_the_order_and_holds_everything_back() -> None:
    now_s = [0.0]
    line = delay(1.5, lambda: now_s[0])
    assert line(b"a") == b""
    now_s[0] = 1.0
    assert line(b"b") == b""
    now_s[0] = 1.5
    assert line(b"") == b"a"
    now_s[0] = 9.0
    assert line(b"c") == b"b"
    now_s[0] = 10.5
    assert line(b"") == b"c"


def test_a_line_at_twice_the_speed_is_heard_as_something_else() -> None:
    # On the line 0x99 is 0 1001 1001 1. Heard: levels 3, 5, 7 and 9 of it, 0 1 0 1, and then the idle line.
    assert wrong_baud(2.0)(b"\x99") == b"\xfa"
    assert wrong_baud(0.5)(b"\xff") != b"\xff"


def test_nothing_is_nothing() -> None:
    assert carried(nothing) == b""
