"""One heater power for all: shared out by priority, among equals in proportion.

Never more than there is. A share is cut to whole steps of duty, so that noise of the bus voltage tells no heater
anything new; a heater that can only be on or off gets all or nothing.
"""

from .places import HEATERS


def share(
    duty: "list[float]",
    watts: "list[float]",
    priority: "list[int]",
    switched: bytearray,
    budget_w: float,
    step: float,
) -> bool:
    """Cut *duty* (0..1, by heater) in place to what *budget_w* allows; True when something was cut.

    watts: power of each heater at duty 1. priority: 1 is served first. step: of duty. Allocates nothing.
    """
    wanted_w = 0.0
    for heater in range(HEATERS):
        wanted_w += duty[heater] * watts[heater]
    if wanted_w <= budget_w:
        return False
    left_w = budget_w if budget_w > 0.0 else 0.0
    for level in range(1, HEATERS + 1):
        level_w = 0.0
        for heater in range(HEATERS):
            if priority[heater] == level:
                level_w += duty[heater] * watts[heater]
        if level_w > left_w:
            left_w = _cut(duty, watts, priority, switched, level, level_w, left_w, step)
        else:
            left_w -= level_w
    return True


def _cut(
    duty: "list[float]",
    watts: "list[float]",
    priority: "list[int]",
    switched: bytearray,
    level: int,
    level_w: float,
    left_w: float,
    step: float,
) -> float:
    """Cut the heaters of one level to *left_w*; what is left then."""
    part = left_w / level_w
    spent_w = 0.0
    for heater in range(HEATERS):
        if priority[heater] != level:
            continue
        if switched[heater]:
            if duty[heater] * watts[heater] > left_w - spent_w:
                duty[heater] = 0.0
        else:
            duty[heater] = int(duty[heater] * part / step) * step
            if duty[heater] * watts[heater] > left_w - spent_w:
                # A switched one of the same level has had more than its part.
                duty[heater] = max(0, int((left_w - spent_w) / watts[heater] / step)) * step
        spent_w += duty[heater] * watts[heater]
    # Steps round: a tenth of a milliwatt too much is none.
    return max(0.0, left_w - spent_w)
