"""Benches: what a test runs on, as data. One TOML file each in hil/benches/, or anywhere else by its path.

Lives here: the fields of such a file and their checks. Does not live here: what is made of them (targets/).
Paths in a file are relative to the file's folder. An unknown field is an error: a misspelt one must not be left out.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import msgspec
from perilune.dictionary.load import mission_folder
from perilune.errors import PeriluneError

BENCHES_DIR = Path(__file__).resolve().parent / "benches"
KINDS = ("sitl", "qemu", "renode", "serial")
Kind = Literal["sitl", "qemu", "renode", "serial"]


class BenchError(PeriluneError):
    """A bench file that is not there or says something impossible."""


class Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A serial line: device name or pyserial URL, and bits per second."""

    port: str
    baud: int = 115200


class Switch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A power switch: the commands that turn it off and on, and how long the board's capacitors take to empty, s."""

    off: list[str]
    on: list[str]
    settle_s: float = 1.0


class PlantData(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The plant on the payload bus; arguments of `hil.plant.Plant`. speed: plant seconds for a second of the board."""

    latitude_deg: float = 0.0
    local_time_h: float = 9.0
    declination_deg: float = 0.0
    payload: str = "lander_28kg"
    seed: int = 1
    step_s: float = 1.0
    start_soc: float | None = None
    speed: float = 1.0


class Bench(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One bench.

    target: kind of target. image: ELF that is booted (qemu, renode). missions: dictionary folders added to the core,
    the same that the image was built with; perilune:payload is Perilune's own. keys: key file of the image; the
    bench's own where there is none. link, bus, console, power, reset: of a real board; reset is a command. boot_s:
    time for the first housekeeping. parts: parts of the board's own, a script that Renode includes behind the board's
    (renode), or "memory" (sitl).
    """

    target: Kind
    text: str = ""
    board: str = "netduinoplus2"
    image: str | None = None
    missions: list[str] = []
    keys: str | None = None
    plant: PlantData | None = None
    parts: str | None = None
    boot_s: float = 20.0
    link: Line | None = None
    bus: Line | None = None
    console: Line | None = None
    power: Switch | None = None
    reset: list[str] | None = None
    name: str = ""
    folder: str = ""

    def path(self, text: str) -> Path:
        """A path of the file as one that holds everywhere; a bench without a file has such paths already."""
        return (Path(self.folder) / text).resolve() if self.folder else Path(text)

    @property
    def mission_folders(self) -> list[Path]:
        """The dictionary folders beside the core's."""
        return [mission_folder(text, Path(self.folder)) for text in self.missions]

    @property
    def image_path(self) -> Path:
        """The program that is booted. Raises BenchError when the bench names none."""
        if self.image is None:
            raise BenchError(f"bench {self.name}", expected="image = a firmware.elf", found="none")
        return self.path(self.image)


def bench_names(folder: Path = BENCHES_DIR) -> list[str]:
    """The benches of a folder."""
    return sorted(path.stem for path in folder.glob("*.toml"))


def load_bench(name: str | Path, folder: Path = BENCHES_DIR) -> Bench:
    """A bench by its name in *folder* or by the path of its file. Raises BenchError."""
    path = Path(name) if str(name).endswith(".toml") else folder / f"{name}.toml"
    try:
        bench = msgspec.toml.decode(path.read_bytes(), type=Bench)
    except OSError as error:
        raise BenchError(
            f"bench {name}",
            expected=f"a file, or one of {', '.join(bench_names(folder))}",
            found=error.strerror or str(error),
            next_step=f"write {path}; hil/benches/serial.toml is a pattern",
        ) from error
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise BenchError(f"{path}: {error}") from error
    if bench.name or bench.folder:
        raise BenchError(f"{path}: name and folder are the file's own", next_step="take them out")
    bench = msgspec.structs.replace(bench, name=path.stem, folder=str(path.resolve().parent))
    _check(bench, path)
    return bench


def _check(bench: Bench, path: Path) -> None:
    real = {"link": bench.link, "bus": bench.bus, "console": bench.console, "power": bench.power, "reset": bench.reset}
    named = [name for name, value in real.items() if value is not None]
    if bench.target == "serial":
        if bench.link is None:
            raise BenchError(f"{path}: a serial bench has no [link]", expected="[link] with port", found="none")
        if bench.plant is not None and bench.bus is None:
            raise BenchError(f"{path}: [plant] has no line to the board", expected="[bus] with port", found="none")
    elif named:
        raise BenchError(
            f"{path}: {', '.join(named)}: only a serial bench has that", found=f'target = "{bench.target}"'
        )
    if bench.target in ("qemu", "renode") and bench.image is None:
        raise BenchError(f"{path}: no program to boot", expected="image = a firmware.elf", found="none")
    if bench.target in ("sitl", "serial") and bench.image is not None:
        raise BenchError(f"{path}: image: a {bench.target} bench boots none", next_step="take it out")
    if bench.target == "sitl" and bench.keys is not None:
        raise BenchError(f"{path}: keys: sitl has the keys of the bench", next_step="take it out")
    if bench.parts is not None and (bench.target, bench.parts == "memory") not in (("renode", False), ("sitl", True)):
        raise BenchError(
            f"{path}: parts",
            expected='"memory" (sitl) or a script of Renode (renode)',
            found=f'"{bench.parts}" ({bench.target})',
        )
    for line in (bench.link, bench.bus, bench.console):
        if line is not None and not 1200 <= line.baud <= 3_000_000:
            raise BenchError(f"{path}: baud of {line.port}", expected="1200 to 3000000", found=str(line.baud))
    if bench.boot_s <= 0:
        raise BenchError(f"{path}: boot_s", expected="above 0", found=str(bench.boot_s))
    if bench.plant is not None:
        _check_plant(bench.plant, path)
    for switch in (bench.power.off, bench.power.on) if bench.power else ():
        if not switch:
            raise BenchError(f"{path}: power: a command is empty", expected="a program and its arguments")


def _check_plant(plant: PlantData, path: Path) -> None:
    for name, value, low, high in (
        ("latitude_deg", plant.latitude_deg, -90.0, 90.0),
        ("local_time_h", plant.local_time_h, 0.0, 24.0),
        ("step_s", plant.step_s, 0.1, 60.0),
        ("start_soc", plant.start_soc, 0.0, 1.0),
        ("speed", plant.speed, 1.0, 60.0),
    ):
        if value is not None and not low <= value <= high:
            raise BenchError(f"{path}: plant.{name}", expected=f"{low:g} to {high:g}", found=f"{value:g}")
