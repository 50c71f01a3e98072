"""The board looks at itself: does the ground hear it, could it be commanded, are its settings what was set?

A bit of memory that turns over may leave a board that runs, feeds its watchdog and is of no use. Once a second: octets
leave for the ground, else nobody vouches for the board any more and its watchdog restarts it; some parameters are
compared with their copies and mended. Every ten seconds: the uplink's keys and numbers are what they were, else the
program ends, and the board starts anew with a crash report.
"""

from ..hal.null import PORT_COUNTERS
from ..limits import LINK_SILENT_S, PARAMETERS_COMPARED, SDLS_SPI_AD, SDLS_SPI_BD

_TX_OCTETS = 1


class SelfCheck:
    """core: the board, of which everything but the apps exists. Allocates when made, never after."""

    def __init__(self, core) -> None:  # type: ignore[no-untyped-def]
        self._core = core
        self._event_mended = core.ids.EVENT_CORE_MEMORY_MENDED
        self._port = [0] * PORT_COUNTERS
        self._sent = 0
        self._silent_s = 0

    def step_1hz(self) -> None:
        core = self._core
        core.hal.link.counters(self._port)
        self._silent_s = 0 if self._port[_TX_OCTETS] != self._sent else self._silent_s + 1
        self._sent = self._port[_TX_OCTETS]
        if self._silent_s < LINK_SILENT_S:
            core.executive.vouch()
        mended = core.parameters.mend(PARAMETERS_COMPARED)
        if mended >= 0:
            core.events.raise_(self._event_mended, mended)

    def step_01hz(self) -> None:
        """Raises DamagedMemory."""
        numbers = self._core.numbers
        if numbers is not None:
            first, second = numbers.pair
            if not (first.is_intact(SDLS_SPI_AD) and second.is_intact(SDLS_SPI_BD) and numbers.are_intact()):
                raise DamagedMemory


class DamagedMemory(Exception):
    """What authenticates telecommands is damaged: nobody could command this board again."""
