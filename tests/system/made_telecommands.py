"""Telecommands of every command of the dictionary, with good arguments, for tests that change some of their octets.

Only so are the decoders behind the acceptance checks reached: what is random from the start is refused before them.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Callable

from flight.limits import TC_FRAME_MAX
from perilune.dictionary.encode import octets_of
from perilune.dictionary.model import Command, Dictionary, Field
from spacepackets.ecss.tc import PusTc

from tests.system.core_link import APID, cuc

# Frame header 5, segment header 1, security header 6 and trailer 16, FECF 2; packet headers 11, error control 2.
DATA_MAX = TC_FRAME_MAX - 30 - 13
ITEMS_MAX = 3
SOURCES = (0, 3)


class TelecommandMaker:
    """Makes telecommands by chance.

    Hazardous commands are left out: they need arming, and one restarts the board. So is the collection of the heap,
    which takes a large process on a workstation most of the test's time.
    """

    def __init__(self, dictionary: Dictionary, source: random.Random) -> None:
        self.commands = [
            command
            for command in dictionary.commands.values()
            if not command.hazardous and command.name != "core.collect_heap"
        ]
        self._source = source
        points = list(dictionary.points.values())
        self._settable = [point for point in points if point.settable]
        # What a field of this name may say, so that most identifiers are known.
        self._known: dict[str, list[int]] = {
            "event": [event.id for event in dictionary.events.values()],
            "parameter": [point.id for point in points],
            "point": [point.id for point in points],
            "valid_point": [0, *(point.id for point in points)],
            "monitor": [*(monitor.id for monitor in dictionary.monitors.values()), 200, 201],
            "sid": [*(structure.sid for structure in dictionary.housekeeping.values()), 300, 301],
            "sequence": [*(sequence.id for sequence in dictionary.sequences.values()), 400, 401],
            "source": list(SOURCES),
            "apid": [APID],
            "period_ms": [1000, 5000],
            "valid_mask": [0, 1],
            "valid_value": [0, 1],
            "event_low": [0, *(event.id for event in dictionary.events.values())],
            "event_high": [0, *(event.id for event in dictionary.events.values())],
            "offset_ms": [-5000, 1000, 60_000],
            "exponent": [2, 255],
            "mode": [1, 2, 3],
        }
        self._items: dict[str, Callable[[], bytes]] = {
            "schedule.insert": lambda: self._time() + self.packet(self._source.choice(self.commands), 30),
            "event_action.add": lambda: (
                self._source.choice(self._known["event"]).to_bytes(2, "big")
                + self.packet(self._source.choice(self.commands), 30)
            ),
            "core.set_parameters": self._setting,
        }
        self._open: dict[str, Callable[[], bytes]] = {
            "time.set_time": lambda: cuc(self._source.randrange(1_000_000)),
            "sequence.load": lambda: self._step() * self._source.randrange(1, 3),
            "sequence.load_part": self._step,
        }

    def packet(self, command: Command, most: int = DATA_MAX, flips: int = 0) -> bytes:
        """A telecommand with at most *most* octets of data, of which *flips* are then replaced by random ones."""
        source = self._source
        data = bytearray(self._data(command)[:most])
        first = 2 if command.function else 0  # another function is another command
        for _ in range(flips if len(data) > first else 0):
            data[source.randrange(first, len(data))] = source.randrange(256)
        return bytes(
            PusTc(
                apid=APID,
                service=command.service,
                message_subtype=command.subtype,
                app_data=bytes(data),
                source_id=source.choice(SOURCES),
                seq_count=source.randrange(16384),
                ack_flags=source.randrange(16),
            ).pack()
        )

    def _data(self, command: Command) -> bytes:
        octets = command.function.to_bytes(2, "big") if command.function else b""
        values = [self._value(field) for field in command.args]
        octets += b"".join(values)
        if command.group is not None:
            count = self._source.randint(command.group.least, min(command.group.most, ITEMS_MAX))
            make = self._items.get(command.name)
            octets += count.to_bytes(command.group.count_octets, "big")
            for _ in range(count):
                octets += make() if make else b"".join(self._value(field) for field in command.group.fields)
        if command.is_open:
            if command.args and command.args[-1].name == "window":
                times = sorted(self._time() for _ in range((0, 2, 1, 1)[values[-1][0]]))
                return octets + b"".join(times)
            make = self._open.get(command.name)
            octets += make() if make else self._source.randbytes(self._source.randrange(9))
        return octets

    def _value(self, field: Field) -> bytes:
        source = self._source
        raw = field.type
        if raw.is_float:
            return octets_of(source.uniform(max(field.low, -1e3), min(field.high, 1e3)), raw)
        known = [value for value in self._known.get(field.name, []) if field.low <= value <= field.high]
        if field.enumeration is not None:
            known = list(field.enumeration.values.values())
        if known and source.random() < 0.9:
            return octets_of(source.choice(known), raw)
        low, high = int(field.low), int(field.high)
        return octets_of(
            source.choice([low, high, source.randint(low, high), source.randint(low, max(low, min(high, 9)))]), raw
        )

    def _time(self) -> bytes:
        return cuc(self._source.randrange(1_000_000))

    def _setting(self) -> bytes:
        point = self._source.choice(self._settable)
        return point.id.to_bytes(2, "big") + octets_of(self._source.choice([point.low, point.high]), point.type)

    def _step(self) -> bytes:
        source = self._source
        kind = source.choice([0, 16])
        if source.random() < 0.5:
            request = source.choice(self.commands)
            data = bytes((request.service, request.subtype)) + self._data(request)[:20]
            return struct.pack(">BIB", kind, source.randrange(500), len(data)) + data
        point = source.choice(self._known["point"])
        return struct.pack(
            ">BIBHiI", kind | 2, 0, source.randrange(4), point, source.randrange(9), source.randrange(10, 999)
        )
