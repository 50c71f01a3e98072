"""The core's own telemetry points: counters of link, services, executive, ports and memory, copied to the pool.

At 1 Hz for what moves, at 0.1 Hz for what rarely does. dictionary/core.toml says what each point means.
"""

from micropython import const

from ..codec import CLTU_CORRECTED, CLTU_DELIVERED, CLTU_REJECTED, CLTU_STARTS, WIRE_VERSION
from ..tables import Tables

_COUNTER_MASK = const(0x3FFFFFFF)
_PORT_COUNTERS = const(8)


class CorePoints:
    """Allocates when made, never after. core: the board, of which everything but the apps exists."""

    def __init__(self, core, tables: Tables) -> None:  # type: ignore[no-untyped-def]
        self._core = core
        self._values = core.values
        ids = core.ids
        supply = core.supply
        self._once(supply, ids, tables)
        self._uptime = [0, 0]
        self._port = [0] * _PORT_COUNTERS
        self._uptime_s = supply(ids.CORE_UPTIME_S)
        self._load = supply(ids.CORE_LOAD_PERMILLE)
        self._worst_load = supply(ids.CORE_WORST_LOAD_PERMILLE)
        self._late = supply(ids.CORE_LATE_CYCLES)
        self._group_worst = (
            supply(ids.CORE_WORST_10HZ_US),
            supply(ids.CORE_WORST_1HZ_US),
            supply(ids.CORE_WORST_01HZ_US),
        )
        self._group_overruns = (
            supply(ids.CORE_OVERRUNS_10HZ),
            supply(ids.CORE_OVERRUNS_1HZ),
            supply(ids.CORE_OVERRUNS_01HZ),
        )
        self._tc_accepted = supply(ids.CORE_TC_ACCEPTED)
        self._tc_rejected = supply(ids.CORE_TC_REJECTED)
        self._tc_completed = supply(ids.CORE_TC_COMPLETED)
        self._tc_failed = supply(ids.CORE_TC_FAILED)
        self._tc_code = supply(ids.CORE_TC_LAST_CODE)
        self._tm_sent = supply(ids.CORE_TM_SENT)
        self._tm_lost = supply(ids.CORE_TM_LOST)
        self._events = supply(ids.CORE_EVENTS)
        self._events_suppressed = supply(ids.CORE_EVENTS_SUPPRESSED)
        self._last_event = supply(ids.CORE_LAST_EVENT)
        self._drops = supply(ids.CORE_DROPS)
        self._last_drop = supply(ids.CORE_LAST_DROP)
        self._frames = (
            supply(ids.CORE_FRAMES_AD),
            supply(ids.CORE_FRAMES_BD),
            supply(ids.CORE_FRAMES_BC),
            supply(ids.CORE_FRAMES_DOWN),
        )
        self._farm_state = supply(ids.CORE_FARM_STATE)
        self._farm_vr = supply(ids.CORE_FARM_VR)
        self._cltu = (
            supply(ids.CORE_CLTU_STARTS),
            supply(ids.CORE_CLTU_CORRECTED),
            supply(ids.CORE_CLTU_REJECTED),
            supply(ids.CORE_CLTU_DELIVERED),
        )
        self._link = self._port_points(supply, ids, "LINK")
        self._bus = self._port_points(supply, ids, "BUS")

    def _once(self, supply, ids, tables: Tables) -> None:  # type: ignore[no-untyped-def]
        """What does not change while the board runs: said again every ten seconds, since memory may."""
        self._digest = tables.HASH
        self._constant = (
            supply(ids.CORE_WIRE_VERSION),
            supply(ids.CORE_DICTIONARY_HIGH),
            supply(ids.CORE_DICTIONARY_LOW),
            supply(ids.CORE_RESET_CAUSE),
            supply(ids.CORE_BOOT_COUNT),
        )
        self._say_constant()
        self._heap = supply(ids.CORE_HEAP_FREE)

    def _say_constant(self) -> None:
        values = self._values
        points = self._constant
        digest = self._digest
        hal = self._core.hal
        values[points[0]] = WIRE_VERSION
        values[points[1]] = digest[0] << 8 | digest[1]
        values[points[2]] = digest[2] << 8 | digest[3]
        values[points[3]] = hal.reset_cause
        values[points[4]] = hal.boot_count

    def _port_points(self, supply, ids, name: str) -> "tuple[int, ...]":  # type: ignore[no-untyped-def]
        """The eight points of a port, in the order of its counters."""
        return tuple(
            supply(getattr(ids, "CORE_" + name + "_" + counter))
            for counter in (
                "RX_OCTETS",
                "TX_OCTETS",
                "RX_OVERFLOW",
                "OVERRUN",
                "FRAMING",
                "NOISE",
                "PARITY",
                "TX_DROPPED",
            )
        )

    def started(self) -> None:
        """Everything was made: what is left of the heap."""
        self._values[self._heap] = self._core.hal.heap_free()

    def step_1hz(self) -> None:
        """Executive, services, frames."""
        core = self._core
        values = self._values
        core.hal.clock.uptime(self._uptime)
        values[self._uptime_s] = self._uptime[0]
        executive = core.executive
        values[self._load] = executive.load_permille
        values[self._worst_load] = executive.worst_load_permille
        values[self._late] = executive.late
        groups = executive.groups
        for number in range(len(groups)):
            group = groups[number]
            values[self._group_worst[number]] = group.worst_us
            values[self._group_overruns[number]] = group.overruns
        verification = core.verification
        values[self._tc_accepted] = verification.accepted
        values[self._tc_rejected] = verification.rejected
        values[self._tc_completed] = verification.completed
        values[self._tc_failed] = verification.failed
        values[self._tc_code] = verification.last_code
        values[self._tm_sent] = core.tm.sent
        values[self._tm_lost] = core.tm.lost
        values[self._events] = core.events.raised
        values[self._events_suppressed] = core.events.suppressed
        values[self._last_event] = core.events.last
        values[self._drops] = core.drops.total
        values[self._last_drop] = core.drops.last
        uplink = core.uplink
        values[self._frames[0]] = uplink.frames_ad
        values[self._frames[1]] = uplink.frames_bd
        values[self._frames[2]] = uplink.frames_bc
        values[self._frames[3]] = core.downlink.frames
        values[self._farm_state] = uplink.farm.state
        values[self._farm_vr] = uplink.farm.v_r

    def step_01hz(self) -> None:
        """Constants, CLTU receiver and ports."""
        self._say_constant()
        values = self._values
        uplink = self._core.uplink
        values[self._cltu[0]] = uplink.cltu_count(CLTU_STARTS)
        values[self._cltu[1]] = uplink.cltu_count(CLTU_CORRECTED)
        values[self._cltu[2]] = uplink.cltu_count(CLTU_REJECTED)
        values[self._cltu[3]] = uplink.cltu_count(CLTU_DELIVERED)
        self._copy_port(self._core.hal.link, self._link)
        self._copy_port(self._core.hal.bus, self._bus)

    def _copy_port(self, port, points: "tuple[int, ...]") -> None:  # type: ignore[no-untyped-def]
        counts = self._port
        port.counters(counts)
        for number in range(_PORT_COUNTERS):
            self._values[points[number]] = counts[number] & _COUNTER_MASK
