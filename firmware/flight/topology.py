"""The wiring of the board, and nothing else: every stage is made and joined here, in the order of the data's way.

hal.link -> Uplink -> Router -> services -> apps -> Devices -> hal.bus and the board's own parts
apps, services -> Telemetry -> Downlink -> hal.link
"""

from micropython import const

from .app.base import App
from .device.devices import Devices
from .errors import DropCounters
from .executive import Executive
from .hal.null import Hal
from .journal import Journal
from .limits import APID, CYCLE_MS, FAREWELL_MS, SDLS_SPI_AD, SDLS_SPI_BD, TC_SDLS
from .link.downlink import Downlink
from .link.sdls import SecurityAssociation
from .link.uplink import Uplink
from .modes import Modes
from .packet.counters import MessageTypeCounters, SequenceCounts
from .packet.telemetry import TelemetryWriter
from .pool import Pool
from .service.core_functions import CoreFunctions
from .service.core_points import CorePoints
from .service.event import Events
from .service.event_action import EventActions
from .service.function import Functions
from .service.housekeeping import Housekeeping
from .service.link_loop import LinkLoop
from .service.monitoring import Monitoring
from .service.onboard_time import OnboardTime
from .service.parameter import Parameters, Store
from .service.persistence import KeptNumbers, StorageState
from .service.request import Request
from .service.router import Router
from .service.schedule import Schedule
from .service.scheduling import Scheduling
from .service.self_check import SelfCheck
from .service.sequencing import Sequencing
from .service.telemetry import Telemetry
from .service.test import ConnectionTest
from .service.time_management import TimeManagement
from .service.verification import Verification
from .tables import ALL_MODES, MODE_BOOT, Tables

_TICKS_MASK = const(0x3FFFFFFF)


class Core:
    """Everything on board, by name. Made by build(); apps get it.

    ids: names of the dictionary as numbers, None once the board runs.
    """

    def __init__(self, tables: Tables, ids, hal: Hal, keys: "tuple[bytes, bytes]") -> None:  # type: ignore[no-untyped-def]
        self.ids = ids
        self.hal = hal
        clock = hal.clock

        # Ground: values, counters, time.
        self.drops = DropCounters()
        self.pool = Pool(tables)
        self.values = self.pool.values
        self.time = OnboardTime(clock)

        # The way up and down, to packets.
        self.numbers: KeptNumbers | None = None
        if TC_SDLS:
            sa_ad = SecurityAssociation(SDLS_SPI_AD, keys[0])
            sa_bd = SecurityAssociation(SDLS_SPI_BD, keys[1])
            self.uplink = Uplink(self.drops, sa_ad, sa_bd)
        else:
            self.uplink = Uplink(self.drops)
        self.downlink = Downlink(self.uplink.farm, self.drops, clock.ticks_ms())
        writer = TelemetryWriter(self.time, SequenceCounts((APID,)), MessageTypeCounters(self.drops))
        self.tm = Telemetry(writer, self.time, self.downlink.realtime, APID)

        # Services.
        self.request = Request((APID,), self.drops)
        self.verification = Verification(self.tm)
        self.router = Router(tables, self.request, self.tm, self.verification, clock)
        self.events = Events(tables, self.tm)
        self.housekeeping = Housekeeping(tables, self.pool, self.tm)
        self.journal = Journal(hal.storage)
        self.journal.mount()
        # The journal is below the services and does not know their interface.
        self.store: Store = self.journal  # type: ignore[assignment]
        self.parameters = Parameters(tables, self.pool, self.tm, self.store)
        self.functions = Functions(self.router, hal)
        self.test = ConnectionTest(self.tm)
        self.time_management = TimeManagement(self.time, self.tm, self.events, ids.EVENT_TIME_SET)
        for service in (
            self.functions,
            self.test,
            self.housekeeping,
            self.events,
            self.parameters,
            self.time_management,
        ):
            self.router.add(service)
        self.schedule = Schedule(self, self.store)
        self.time.listener = self.schedule
        self.router.add(Scheduling(self.schedule, self.time, self.tm))
        self.monitoring = Monitoring(self, tables)
        self.router.add(self.monitoring)
        self.event_actions = EventActions(self, tables, self.schedule.reader)
        self.events.listener = self.event_actions
        self.router.add(self.event_actions)
        self.sequencing = Sequencing(self, tables)
        self.router.add(self.sequencing)

        # Time.
        self.executive = Executive(clock, hal.watchdog, 1 << MODE_BOOT)
        self.executive.note_app = hal.note_app
        self.link_loop = LinkLoop(hal.link, self.uplink, self.downlink, self.router)
        self.executive.add_poller(self.schedule.poll)
        self.executive.add_poller(self.sequencing.poll)
        self.points = CorePoints(self, tables)
        self.core_functions = CoreFunctions(self)
        self.modes = Modes(self, tables)
        if TC_SDLS:
            self.numbers = KeptNumbers(self.store, (sa_ad, sa_bd))
            self.numbers.load()
        self.storage_state = StorageState(self)
        self.self_check = SelfCheck(self)
        self._event_boot = ids.EVENT_CORE_BOOT
        self._event_crash = ids.EVENT_CORE_CRASH
        self._event_overrun = ids.EVENT_CORE_OVERRUN
        self.executive.add_overrun_listener(self._overrun)
        self.apps: list[App] = []

    def supply(self, identifier: int) -> int:
        """Claim to keep a point up to date; its index in `values`. At start only."""
        return self.pool.supply(identifier)

    def index(self, identifier: int) -> int:
        """Index in `values` of an on-board parameter that somebody else supplies. At start only."""
        index = self.pool.index_of(identifier)
        assert index >= 0, identifier
        return index

    def _events_step(self) -> None:
        self.events.step(CYCLE_MS)

    def _overrun(self, group: int, took_us: int) -> None:
        self.events.raise_(self._event_overrun, group, took_us)

    def start(self) -> None:
        """Everything is made: say why the board started, and let time begin."""
        self.ids = None
        self.parameters.load()
        self.schedule.load()
        self.sequencing.load()
        self.points.started()
        hal = self.hal
        self.events.raise_(self._event_boot, hal.boot_count, hal.reset_cause)
        crash = [0, 0, 0, 0]
        if hal.crash(crash):
            self.events.raise_(self._event_crash, crash[0], crash[1], crash[2], crash[3])
            self.modes.blame(crash[3])
        self.modes.start()
        self.executive.start()
        self.points.step_1hz()
        self.points.step_01hz()
        self.housekeeping.start()
        self.downlink.hurry(hal.clock.ticks_ms())

    def run(self) -> None:
        """Run until a restart is asked for."""
        self.start()
        self.executive.run()
        self.farewell()
        self.hal.reset()

    def farewell(self) -> None:
        """A restart was commanded: let what was reported leave, and keep what it must not cost."""
        clock = self.hal.clock
        begin_ms = clock.ticks_ms()
        left_ms = FAREWELL_MS
        while left_ms > 0:
            self.link_loop.poll(clock.ticks_ms())
            clock.wait(min(left_ms, CYCLE_MS))  # ends early when octets arrive
            left_ms = FAREWELL_MS - ((clock.ticks_ms() - begin_ms) & _TICKS_MASK)
        self.modes.restart_commanded()
        if self.numbers is not None:
            self.numbers.settle()

    def add_devices(self, rows, drivers) -> None:  # type: ignore[no-untyped-def]
        """Make the units that the dictionary names; apps read in the same second what they found."""
        self.devices = Devices(self, rows, drivers)
        self.executive.groups[1].add(self.devices.step_1hz, ALL_MODES)

    def add_apps(self, apps, modes: bytes) -> None:  # type: ignore[no-untyped-def]
        """Make every app and put its steps behind the core's."""
        groups = self.executive.groups
        groups[0].add(self.modes.step_10hz, ALL_MODES, self.modes)
        groups[0].add(self._events_step, ALL_MODES, self.events)
        for number, make in enumerate(apps):
            app = make(self)
            self.apps.append(app)
            self.functions.add_app(app)
            for group, name in enumerate(("step_10hz", "step_1hz", "step_01hz")):
                step = getattr(app, name, None)
                if step is not None:
                    groups[group].add(step, modes[number], None, number + 1)
        groups[1].add(self.time_management.step_1hz, ALL_MODES)
        groups[1].add(self.schedule.step_1hz, ALL_MODES)
        groups[1].add(self.monitoring.step_1hz, ALL_MODES)
        groups[1].add(self.sequencing.step_1hz, ALL_MODES)
        groups[1].add(self.modes.step_1hz, ALL_MODES)
        if self.numbers is not None:
            groups[1].add(self.numbers.step_1hz, ALL_MODES)
        groups[1].add(self.storage_state.step_1hz, ALL_MODES)
        groups[1].add(self.points.step_1hz, ALL_MODES)
        groups[1].add(self.self_check.step_1hz, ALL_MODES)
        groups[2].add(self.self_check.step_01hz, ALL_MODES)
        groups[2].add(self.points.step_01hz, ALL_MODES)
        # What the apps have found is checked in the same cycle.
        groups[0].add(self.monitoring.table.step, ALL_MODES, self.monitoring.table)
        groups[0].add(self.event_actions.step, ALL_MODES, self.event_actions)
        # Last: housekeeping tells what this cycle has found.
        groups[0].add(self.housekeeping.step, ALL_MODES, self.housekeeping)
        # Last of all that is polled: what the others report leaves now.
        self.executive.add_poller(self.link_loop.poll)


def build(tables, ids, hal: Hal, keys: "tuple[bytes, bytes]", apps=(), drivers=()) -> Core:  # type: ignore[no-untyped-def]
    """The whole board, not yet running. keys: of AD and BD frames. apps, drivers: the classes of the mission."""
    core = Core(tables, ids, hal, keys)
    core.add_devices(tables.DEVICES, drivers)
    core.add_apps(apps, tables.APP_MODES)
    return core
