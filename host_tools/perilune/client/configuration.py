"""perilune.toml: the boards of a mission by name. Where it is looked for, what may stand in it, what is wrong with it.

    default = "bench"                      # the target when none is named
    renode_root = "../renode"              # folder of Renode, where neither RENODE_ROOT nor PATH leads to it

    [targets.bench]
    port = "/dev/ttyACM0"                  # serial port, pyserial URL, tcp://HOST:PORT, or sitl
    baud = 115200
    missions = ["../my_mission"]           # dictionary folders beside the core's; perilune:payload is Perilune's own
    keys = "keys.toml"                     # keys of the uplink; without it the bench's, which everybody knows
    archive = "bench.sqlite"               # where `perilune link` keeps everything

Paths are relative to the file. The file is the one that is named, or $PERILUNE_CONFIG, or the first perilune.toml in
this folder and those above it. Without a file there is the target `sitl`: the flight software in the process.
"""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from ..dictionary.load import CORE, mission_folder
from ..errors import ConfigurationError
from ..link.transport import DEFAULT_BAUD
from .names import next_try

FILE_NAME = "perilune.toml"
VARIABLE = "PERILUNE_CONFIG"
SITL = "sitl"
BAUD_MIN, BAUD_MAX = 300, 12_000_000


class _Target(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A table of the file."""

    port: str
    baud: int = DEFAULT_BAUD
    missions: list[str] = []
    keys: str | None = None
    archive: str | None = None
    text: str = ""


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    targets: dict[str, _Target] = {}
    default: str | None = None
    renode_root: str | None = None  # read by hil/renode_package.py


class Target(msgspec.Struct, frozen=True):
    """A board: how it is reached and what it speaks. Paths are absolute. name: of the target, or the port itself."""

    name: str
    port: str
    baud: int = DEFAULT_BAUD
    missions: tuple[Path, ...] = ()
    keys: Path | None = None
    archive: Path | None = None
    text: str = ""

    @property
    def folders(self) -> list[Path]:
        """Dictionary folders, the core's first."""
        return [CORE, *self.missions]

    @property
    def address(self) -> str:
        """What programs that share it meet at."""
        return f"{SITL}:{self.name}" if self.is_in_process else self.port

    @property
    def is_in_process(self) -> bool:
        """Is the board made in this process?"""
        return self.port == SITL


class Configuration(msgspec.Struct, frozen=True):
    """All targets. path: of the file, None when there is none."""

    targets: dict[str, Target]
    default: str | None = None
    path: Path | None = None

    def target(self, name: str | None = None) -> Target:
        """The target of that name, the default one, or one made of a port. Raises ConfigurationError."""
        wanted = name or self.default
        if wanted is None:
            raise ConfigurationError(
                "no target is named",
                expected="a port, or one of " + ", ".join(self.targets),
                next_step=f"give --target, or write default = ... into {self.path or FILE_NAME}",
            )
        if wanted in self.targets:
            return self.targets[wanted]
        if _is_port(wanted):
            return Target(wanted, wanted)
        raise ConfigurationError(
            f"there is no target {wanted}",
            expected="a port (/dev/..., COM3, tcp://HOST:PORT) or one of " + ", ".join(self.targets),
            next_step=next_try(wanted, self.targets, f"write [targets.{wanted}] into {self.path or FILE_NAME}"),
        )

    def folders(self, name: str | None = None) -> list[Path]:
        """Dictionary folders of that target, or of the default one; without any the core's, for work without a board.

        Raises ConfigurationError.
        """
        return self.target(name or self.default or SITL).folders


def check_baud(baud: int, place: str) -> None:
    """Raises ConfigurationError, which names *place*, for a rate that no serial port has."""
    if not BAUD_MIN <= baud <= BAUD_MAX:
        raise ConfigurationError(place, expected=f"{BAUD_MIN} to {BAUD_MAX}", found=str(baud))


def _is_port(text: str) -> bool:
    return "://" in text or "/" in text or (text.upper().startswith("COM") and text[3:].isdecimal())


def find(start: Path | None = None) -> Path | None:
    """The file that counts in folder *start* (default: this one), None when there is none."""
    named = os.environ.get(VARIABLE)
    if named:
        return Path(named)
    folder = (start or Path.cwd()).resolve()
    for candidate in (folder, *folder.parents):
        path = candidate / FILE_NAME
        if path.is_file():
            return path
    return None


def load_configuration(path: Path | None = None) -> Configuration:
    """The configuration in *path*, or in the file that is found. Raises ConfigurationError."""
    is_named = path is not None
    path = path or find()
    built_in = {SITL: Target(SITL, SITL, text="the flight software in this process")}
    if path is None:
        return Configuration(built_in)
    try:
        file = msgspec.toml.decode(path.read_text(encoding="utf-8"), type=_File)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"cannot read {path}",
            expected="a TOML file",
            found=getattr(error, "strerror", None) or str(error),
            next_step=_way_to_read(error, is_named),
        ) from error
    except msgspec.DecodeError as error:
        raise ConfigurationError(
            f"{path} is not a configuration",
            expected="default, and [targets.NAME] with port, baud, missions, keys, archive, text",
            found=str(error),
            next_step="`perilune targets --help` shows one",
        ) from error
    targets = built_in | {name: _target(path, name, table) for name, table in file.targets.items()}
    default = file.default
    if default is None and len(file.targets) == 1:
        [default] = file.targets
    if default is not None and default not in targets:
        raise ConfigurationError(
            f"{path}: default names no target",
            expected="one of " + ", ".join(targets),
            found=default,
            next_step=next_try(default, targets),
        )
    return Configuration(targets, default, path)


def _way_to_read(error: Exception, is_named: bool) -> str:
    """What to do about a file that cannot be read. is_named: by --config."""
    if isinstance(error, FileNotFoundError):
        return "check the name behind --config" if is_named else f"write it, or unset {VARIABLE}"
    return "check its permissions" if isinstance(error, OSError) else "save it as UTF-8 text"


def _target(path: Path, name: str, table: _Target) -> Target:
    place = f"{path}: targets.{name}"
    if not name or _is_port(name):
        raise ConfigurationError(f"{place}: not a name", expected="a word", found=repr(name))
    if not table.port:
        raise ConfigurationError(f"{place}: port is empty", expected="a serial port, pyserial URL, or sitl")
    check_baud(table.baud, f"{place}: baud")
    missions = tuple(mission_folder(mission, path.parent) for mission in table.missions)
    for mission in missions:
        if not mission.is_dir():
            raise ConfigurationError(
                f"{place}: missions", expected="a folder with dictionary files", found=f"{mission} is none"
            )
    keys = None if table.keys is None else (path.parent / table.keys).resolve()
    if keys is not None and not keys.is_file():
        raise ConfigurationError(f"{place}: keys", expected="a key file", found=f"{keys} is none")
    archive = None if table.archive is None else (path.parent / table.archive).resolve()
    return Target(name, table.port, table.baud, missions, keys, archive, table.text)
