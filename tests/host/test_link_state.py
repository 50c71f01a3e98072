"""What is said of a link, from octets and frames."""

from __future__ import annotations

import pytest
from perilune.link.link_state import NO_FRAMES_OCTETS, SILENT_S, Condition, LinkObserver

Note = tuple[float, bool, int, int]


@pytest.mark.parametrize(
    ("notes", "now_s", "condition"),
    [
        ([], 0.0, Condition.NO_PORT),
        ([(1.0, True, 0, 0)], 1.5, Condition.OPENING),
        ([(1.0, True, 0, 0)], 1.1 + SILENT_S, Condition.SILENT),
        ([(1.0, True, 300, 0)], 1.5, Condition.OPENING),
        ([(1.0, True, NO_FRAMES_OCTETS - 1, 0), (1.2, True, 1, 0)], 1.5, Condition.NO_FRAMES),
        ([(1.0, True, 260, 1)], 1.5, Condition.UP),
        ([(1.0, True, 260, 1)], 1.1 + SILENT_S, Condition.SILENT),
        # Noise now and then in a line that carries frames is no wrong baud rate.
        ([(1.0, True, 260, 1), (1.5, True, NO_FRAMES_OCTETS, 0)], 1.6, Condition.UP),
        ([(1.0, True, 260, 1), (5.0, True, NO_FRAMES_OCTETS, 0)], 5.1, Condition.NO_FRAMES),
        ([(1.0, True, NO_FRAMES_OCTETS, 0), (2.0, True, 260, 1)], 2.1, Condition.UP),
        ([(1.0, True, 260, 1), (2.0, False, 0, 0)], 2.1, Condition.NO_PORT),
        ([(1.0, True, 260, 1), (2.0, False, 0, 0), (9.0, True, 0, 0)], 9.1, Condition.OPENING),
    ],
)
def test_conditions(notes: list[Note], now_s: float, condition: Condition) -> None:
    observer = LinkObserver(0.0)
    for note in notes:
        observer.note(*note)
    state = observer.state(now_s, "the port", "gone")
    assert state.condition is condition
    assert "the port" in str(state)


def test_octets_without_frames_name_the_baud_rate() -> None:
    observer = LinkObserver(0.0)
    observer.note(0.0, True, 5000, 0)
    assert "wrong baud rate" in (text := str(observer.state(0.1, "COM3"))) and "--baud" in text
