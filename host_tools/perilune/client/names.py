"""Names as people type them, patterns too, against those that there are: one wording for all tools."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

from ..errors import UsageError
from .command_text import near

_SHOWN_MOST = 12


def next_try(name: str, known: Iterable[str], otherwise: str = "") -> str:
    """The next step for a name that is not known: the likely ones, else `otherwise`, else some that there are."""
    known = list(known)
    found = near(name.strip("*"), known)
    if found or otherwise:
        return " or ".join(found) or otherwise
    return f"one of {', '.join(known[:_SHOWN_MOST])}{', ...' * (len(known) > _SHOWN_MOST)}" if known else ""


def chosen(patterns: Iterable[str], known: Sequence[str], what: str, otherwise: str = "") -> list[str]:
    """Known names that match any pattern. what: kind of the names. Raises UsageError for a pattern without a match."""
    if not known:
        raise UsageError(f"the dictionary has no {what}s", next_step="name the board's missions in perilune.toml")
    found: dict[str, None] = {}
    for pattern in patterns:
        matching = [name for name in known if fnmatchcase(name, pattern.lower())]
        if not matching:
            raise UsageError(f"there is no {what} {pattern}", next_step=next_try(pattern, known, otherwise))
        found |= dict.fromkeys(matching)
    return list(found)


def point_patterns(patterns: Iterable[str]) -> list[str]:
    """Patterns of points; a subsystem's name alone means all of it."""
    return [pattern if "." in pattern or "*" in pattern else f"{pattern}.*" for pattern in patterns]


def check_points(patterns: Sequence[str], known: Sequence[str]) -> None:
    """Raises UsageError for a pattern that no point matches."""
    subsystems = sorted({name.partition(".")[0] for name in known})
    for typed, pattern in zip(patterns, point_patterns(patterns), strict=True):
        if not any(fnmatchcase(name, pattern.lower()) for name in known):
            names = [*subsystems, *known] if "." not in typed else list(known)
            raise UsageError(
                f"there is no point {typed}", next_step=next_try(typed, names, f"one of {', '.join(subsystems)}")
            )


def counted(number: int, what: str) -> str:
    """1 event, 2 events."""
    return f"{number} {what}{'s' * (number != 1)}"
