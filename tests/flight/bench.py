"""A board on a bench in this process: the whole on-board core with the trial mission, virtual time, packets by hand.

Telecommands go straight to the router, reports are caught before they become frames. tests/system has the way over the
link.

A board's memory holds one of them: there is one storage, and forget() what was before a new start.
"""

import gc

try:
    import mission_apps
except ImportError:  # CPython: generated on the way; MicroPython's runner does it before
    import sys

    from run_unix import make_mission

    sys.path.insert(0, str(make_mission()))
    import mission_apps
import mission_ids as ids
import mission_tables as tables
from flight.codec import crc16
from flight.hal.host import HostHal, MemoryPort, MemoryStorage, VirtualClock
from flight.topology import build

APID = 0x64
KEYS = (bytes(range(32)), bytes(range(32, 64)))
ALL = 0x0F  # acknowledge everything
STORAGE = MemoryStorage()
__all__ = [
    "ALL",
    "APID",
    "KEYS",
    "Bench",
    "Report",
    "empty_storage",
    "forget",
    "ids",
    "mission_apps",
    "tables",
    "telecommand",
]


def empty_storage():
    """The one storage, erased."""
    for sector in range(STORAGE.sectors):
        STORAGE.erase(sector)
    return STORAGE


def forget(case, *names):
    """Let go of what these attributes of *case* hold, and of its memory."""
    for name in names:
        setattr(case, name, None)
    gc.collect()


def telecommand(service, subtype, data=b"", ack=ALL, source=0, count=0, apid=APID, version=2):
    """A PUS-C telecommand packet, octet by octet (SPEC 8, 9)."""
    octets = bytes((0x18 | apid >> 8, apid & 0xFF, 0xC0 | count >> 8, count & 0xFF))
    size = 5 + len(data) + 2 - 1
    octets += bytes((size >> 8, size & 0xFF, version << 4 | ack, service, subtype, source >> 8, source & 0xFF)) + data
    crc = crc16(octets, 0, len(octets))
    return octets + bytes((crc >> 8, crc & 0xFF))


class Report:
    """A telemetry packet, taken apart octet by octet (SPEC 8, 9)."""

    def __init__(self, packet):
        assert crc16(packet, 0, len(packet)) == 0
        assert packet[0] == 0x08 and packet[1] == APID and packet[2] & 0xC0 == 0xC0 and packet[6] & 0xF0 == 0x20
        assert packet[4] << 8 | packet[5] == len(packet) - 7
        self.count = (packet[2] & 0x3F) << 8 | packet[3]
        self.kind = (packet[7], packet[8])
        self.destination = packet[11] << 8 | packet[12]
        self.time = packet[13:20]
        self.data = packet[20:-2]

    def __repr__(self):
        return f"{self.kind[0]}/{self.kind[1]} {self.data.hex()}"


class Catcher:
    """Takes what the services send, in place of the downlink. full: refuse everything. room: octets that it still
    takes, a packet that is longer is refused; -1 = any number.
    """

    def __init__(self):
        self.packets = []
        self.full = False
        self.room = -1
        self.keep = True

    def send(self, packet, start, end):
        if self.full or 0 <= self.room < end - start:
            return 0x68
        if self.room > 0:
            self.room -= end - start
        if self.keep:
            self.packets.append(bytes(packet[start:end]))
        return 0


class Bench:
    """core: everything on board. Time moves only with run()."""

    def __init__(self, storage=None, store=None):
        self.clock = VirtualClock()
        self.link = MemoryPort()
        self.storage = empty_storage() if storage is None else storage
        self.hal = HostHal(self.clock, self.link, MemoryPort(), self.storage)
        self.core = build(tables, ids, self.hal, KEYS, mission_apps.APPS)
        if store is not None:
            self.core.parameters.use(store)
        self.catcher = Catcher()
        self.core.tm.use(self.catcher)  # type: ignore[arg-type]
        self.core.start()
        self.core.executive.turn()
        self.take()

    @property
    def trial(self):
        """The trial mission's app."""
        return self.core.apps[-1]

    def take(self):
        """Reports since the last call."""
        packets = self.catcher.packets
        self.catcher.packets = []
        return [Report(packet) for packet in packets]

    def command(self, service, subtype, data=b"", **fields):
        """Execute a telecommand; the reports that came of it."""
        self.take()
        packet = bytearray(telecommand(service, subtype, data, **fields))
        self.core.router.execute(packet, 0, len(packet))
        return self.take()

    def function(self, number, data=b"", **fields):
        """Execute a function of ST[08]."""
        return self.command(8, 1, bytes((number >> 8, number & 0xFF)) + data, **fields)

    def run(self, ms):
        """Let time pass; the reports that came of it."""
        self.take()
        left = ms
        while left > 0:
            wait = min(self.core.executive.turn(), left)
            self.clock.wait(wait)
            left -= wait
            self.link.take()  # frames; nobody looks at them
        self.core.executive.turn()
        return self.take()
