"""A picture of the console, for documents: the flight software in this process, on a simulated Moon, in virtual time.

    python -m perilune.console.picture docs/console.svg

The same octets each time: clocks, keys and the Moon are its own.
"""

from __future__ import annotations

import asyncio
import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from textual.widgets import Input

from ..client.ground import Ground
from ..client.owned_link import OwnedLink
from ..client.round_trip import CUC_P_FIELD
from ..dictionary.keys import BENCH_KEYS
from ..dictionary.load import CORE, load
from ..errors import UsageError
from ..link.keys import VolatileNumbers
from ..link.transport import ReconnectingTransport
from ..link.uplink import Authenticator, UplinkEncoder
from ..sequence.ground_board import GroundBoard
from ..sequence.load import Loader
from ..sequence.octets import CompiledSequence, compile_steps
from ..sequence.text import read_sequence
from ..telemetry.onboard_time import from_unix
from .app import ConsoleApp
from .board_watch import BoardWatch

PAYLOAD = CORE / "payload"
# 2026-11-27T05:30:00Z, two Earth days after sunrise at the payload's place.
START_UNIX_S = 1_795_757_400
LOCAL_TIME_H = 9.5
SETTLE_S = 45 * 60.0
SEQUENCE = """\
SEQUENCE 20 survey
R00:00:00 POWER.LOAD_ON load=INSTRUMENT
WAIT power.instrument_a > 0.1 TIMEOUT 00:02:00
R00:00:30 POWER.LOAD_ON load=CAMERA
R00:00:20 POWER.LOAD_OFF load=CAMERA
WAIT power.battery_soc > 90 TIMEOUT 02:00:00
R00:00:05 POWER.LOAD_OFF load=INSTRUMENT
"""
COLUMNS, ROWS = 120, 40
LARGEST_OCTETS = 300_000
# Fonts are the reader's: a picture fetches nothing.
_FONTS = re.compile(r"@font-face\s*{.*?}\s*", re.DOTALL)


class VirtualTime:
    """Seconds that pass when somebody waits."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        """Let them pass; a wait of nothing still ends."""
        self.now_s += max(seconds, 0.001)


class MoonTransport:
    """A board with a payload in the morning of the Moon. Its time follows the clock."""

    def __init__(self, folder: Path, clock: VirtualTime) -> None:
        from hil.bench import Bench, PlantData  # noqa: PLC0415  # an extra of the distribution
        from hil.targets.make import make_plant  # noqa: PLC0415
        from hil.targets.sitl_target import SitlTarget  # noqa: PLC0415

        data = PlantData(latitude_deg=45.0, local_time_h=LOCAL_TIME_H, start_soc=0.8)
        bench = Bench(target="sitl", missions=[str(PAYLOAD)], plant=data, folder="/", name="moon")
        self._target = SitlTarget(bench, folder)
        plant = make_plant(bench)
        assert plant is not None  # the bench has one
        self._target.attach(plant)
        self._target.boot()
        self._clock = clock
        self._begin_s = clock()

    def fileno(self) -> int | None:
        """Nothing to wait on."""
        return None

    def read(self, timeout_s: float) -> bytes:
        """Let time pass."""
        self._clock.sleep(timeout_s)
        due_s = self._clock() - self._begin_s - self._target.now_s()
        if due_s >= 0.001:
            self._target.run_for(due_s)
        return self._target.link.read()

    def write(self, data: bytes) -> bool:
        """Octets arrive at the board."""
        self._target.link.write(data)
        return True

    def close(self) -> None:
        """End the board."""
        self._target.stop()


class Moon:
    """A board on the Moon, seen by a watch whose time is virtual."""

    def __init__(self, folder: Path) -> None:
        self.clock = VirtualTime()
        self.dictionary = load([CORE, PAYLOAD])
        transport = MoonTransport(folder, self.clock)
        self._link = OwnedLink(
            ReconnectingTransport(lambda: transport, self.clock),
            self.clock,
            name="moon",
            encoder=UplinkEncoder(Authenticator(*BENCH_KEYS, VolatileNumbers())),
            first_count=0,
            sleep=self.clock.sleep,
        )
        self.ground = Ground(self._link, self.dictionary, clock=self.clock, wall=self.wall)
        self.watch = BoardWatch(
            lambda: self.ground,
            self.dictionary,
            name="moon",
            clock=self.clock,
            wall=self.wall,
            sleep=self.clock.sleep,
        )

    def wall(self) -> float:
        """What UTC it is."""
        return START_UNIX_S + self.clock()

    def fly(self, seconds: float, turn_s: float = 0.25) -> None:
        """Let time pass; all that comes is noted."""
        end_s = self.clock() + seconds
        while self.clock() < end_s:
            self.watch.turn(turn_s)

    def set_time(self) -> None:
        """Tell the board what UTC it is."""
        time = from_unix(self.wall())
        octets = CUC_P_FIELD + time.seconds.to_bytes(4, "big") + time.fraction.to_bytes(2, "big")
        self.ground.request("time.set_time", octets=octets).check()

    def load_sequence(self) -> None:
        """One that the dictionary does not have."""
        sequence, problems = read_sequence(SEQUENCE, self.dictionary)
        assert sequence is not None, problems
        octets = compile_steps(sequence.steps)
        compiled = CompiledSequence(sequence.id or 0, sequence.name, len(sequence.steps), octets)
        Loader(GroundBoard(self.ground), compiled).load()


def typed() -> Iterator[tuple[str, float]]:
    """Commands, and how long each is given."""
    yield "MODES.CHANGE mode=STANDBY", 5.0
    yield "POWER.LOAD_ON load=RADIO", 5.0
    yield "MODES.CHANGE mode=NOMINAL", 5.0
    yield "THERMAL.SET_SETPOINT zone=BATTERY celsius=14", 5.0
    yield "SEQUENCE.ACTIVATE sequence=20", 100.0
    yield "POWER.LOAD_ON load=MECHANISM", 5.0


async def draw(moon: Moon, settle_s: float = SETTLE_S) -> str:
    """The console after some work, as SVG, with a command half typed. settle_s: how long before that."""
    app = ConsoleApp(moon.watch, in_thread=False, wall=moon.wall)
    async with app.run_test(size=(COLUMNS, ROWS)) as pilot:
        app.query_one("#line", Input).cursor_blink = False
        moon.fly(2.0)
        moon.set_time()
        moon.load_sequence()
        moon.fly(settle_s, turn_s=1.0)
        for text, seconds in typed():
            _give(app, text)
            await pilot.press("enter")
            await pilot.pause()
            moon.fly(seconds)
        await pilot.press("f5")
        moon.fly(3.0)
        _give(app, "THERMAL.SET_SETPOINT zone=")
        await pilot.pause()
        app.renew(all_of_it=True)
        await pilot.pause()
        return _FONTS.sub("", app.export_screenshot(title="perilune console"))


def _give(app: ConsoleApp, text: str) -> None:
    """Into the command line, at once."""
    app.query_one("#line", Input).insert_text_at_cursor(text)


def main(arguments: list[str]) -> int:
    """Write the picture; the exit status."""
    if len(arguments) != 1:
        raise UsageError("one file to write is needed", next_step="python -m perilune.console.picture docs/console.svg")
    path = Path(arguments[0])
    with tempfile.TemporaryDirectory() as folder:
        moon = Moon(Path(folder))
        try:
            picture = asyncio.run(draw(moon))
        finally:
            moon.watch.close()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(picture, encoding="utf-8")
    print(f"{path}: {len(picture.encode())} octets")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
