"""What a task of the fastest rate group tells of itself, so that cycles without work for it can be left out.

Below all stages, because tasks of every stage tell it. Who asks is executive.py.
"""

from micropython import const

NEVER = const(1_000_000_000)  # cycles, or milliseconds: nothing is due until something happens


class Idler:
    """A task that is left out while it only counts cycles."""

    def idle_cycles(self) -> int:
        """Cycles from now in which the task would do nothing but count them; NEVER = until something happens."""
        return 0

    def leave_out(self, cycles: int) -> None:
        """So many cycles, at most idle_cycles(), have passed without the task."""
