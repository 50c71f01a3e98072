"""ST[03] housekeeping: structures of on-board parameters, sent at an interval. ECSS-E-ST-70-41C 6.3.

Structures come from the dictionary and, at run time, from 3/1. Report 3/25: SID (2 octets), then the values, packed by
one call of the codec straight from the pool. What is in a structure and how it is switched lives in structure.py.
"""

from micropython import const

from ..limits import CYCLE_MS
from ..pool import Pool
from ..tables import Tables
from .base import Service
from .failure import UNKNOWN_SUBTYPE
from .request import Request
from .structure import Structure, dictionary_structures
from .telemetry import Telemetry

_REPORT = const(25)


class Housekeeping(Service):
    """Allocates when made, never after. structures: all of them."""

    service_type = 3

    def __init__(self, tables: Tables, pool: Pool, tm: Telemetry) -> None:
        self._tm = tm
        self._values = pool.values
        self.structures = dictionary_structures(tables)

    def step(self) -> None:
        """One cycle of CYCLE_MS: send what is due."""
        for structure in self.structures:
            if structure.enabled:
                structure.left_ms -= CYCLE_MS
                if structure.left_ms <= 0:
                    structure.left_ms += structure.period_ms
                    self.send(structure, 0)

    def send(self, structure: Structure, destination: int) -> None:
        """3/25 of *structure*, now."""
        tm = self._tm
        tm.begin(3, _REPORT, destination)
        tm.u16(structure.sid)
        tm.pack(structure.fmt, self._values, structure.size)
        tm.send()

    def handle(self, request: Request) -> int:
        return UNKNOWN_SUBTYPE
