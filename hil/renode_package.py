"""``make renode``: say which Renode is used and where the official package is, or unpack one that was downloaded.

    python -m hil.renode_package [PACKAGE]      which it is; the package is unpacked first
    python -m hil.renode_package --folder       the folder that it is in, with renode-test beside it

Lives here: the version's data, where Renode is looked for and which one that is, unpacking. No network is used.
Places, in this order: $RENODE_ROOT, PATH, `renode_root` of perilune.toml, .deps/renode (where a package is unpacked).
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from functools import cache
from pathlib import Path

import msgspec
from perilune.client.configuration import find as find_configuration
from perilune.errors import PeriluneError

from hil.targets.errors import EmulatorMissing

ROOT = Path(__file__).resolve().parents[1]
UNPACKED = ROOT / ".deps" / "renode"
COMMAND = "renode"


class Pinned(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """hil/renode.toml."""

    version: str
    package: str
    page: str

    @property
    def numbers(self) -> tuple[int, ...]:
        """The version as numbers."""
        return tuple(int(part) for part in self.version.split("."))


PINNED = msgspec.toml.decode((Path(__file__).parent / "renode.toml").read_bytes(), type=Pinned)


MINIMUM_VERSION = PINNED.numbers
VERSION_TIMEOUT_S = 60.0


class PackageError(PeriluneError):
    """A file that is no portable package of Renode."""


def configured_root() -> Path | None:
    """Folder of Renode that perilune.toml names (`renode_root`, relative to the file); None when it names none."""
    path = find_configuration()
    if path is None or not path.is_file():
        return None
    try:
        root = tomllib.loads(path.read_text(encoding="utf-8")).get("renode_root")
    except (OSError, ValueError):
        return None  # whoever opens the file for its targets tells what is wrong with it
    return (path.parent / root).resolve() if isinstance(root, str) else None


def places() -> list[tuple[str, str]]:
    """What to look in, and how that is called: a folder, or a search path."""
    found = []
    if root := os.environ.get("RENODE_ROOT"):
        return [(root, "RENODE_ROOT")]
    found.append((os.environ.get("PATH", ""), "PATH"))
    if configured := configured_root():
        found.append((str(configured), "perilune.toml"))
    found.append((str(UNPACKED), "make renode"))
    return found


def how_to_get() -> str:
    """What to do, in one line."""
    return (
        f"download {PINNED.package} from {PINNED.page} and run `make renode PACKAGE=<the file>`, "
        f"or set RENODE_ROOT to an unpacked one"
    )


def find_renode() -> str:
    """Path of Renode's start command, in the first of places() that has it. Raises EmulatorMissing."""
    for folder, name in places():
        path = shutil.which("renode", path=folder)
        if path is not None:
            return path
        if name == "RENODE_ROOT":
            raise EmulatorMissing(f"RENODE_ROOT is {folder}, but there is no command 'renode' in it")
    raise EmulatorMissing(f"Renode is not installed: {how_to_get()}")


@cache  # a start of Renode takes seconds
def check_version(command: str) -> tuple[int, ...]:
    """Version of the Renode that *command* starts, asked for once a run. Raises EmulatorMissing when it is too old or
    does not say."""
    try:
        said = subprocess.run(
            [command, "--version"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=VERSION_TIMEOUT_S,
            check=False,
        ).stdout
    except (OSError, subprocess.TimeoutExpired) as error:
        raise EmulatorMissing(f"{command} --version failed: {error}") from error
    found = re.search(r"(\d+)\.(\d+)\.(\d+)", said)
    if found is None:
        raise EmulatorMissing(f"{command} --version says no version: {said.strip()[:80]!r}")
    version = tuple(int(part) for part in found.groups())
    if version < MINIMUM_VERSION:
        wanted, has = (".".join(map(str, parts)) for parts in (MINIMUM_VERSION, version))
        raise EmulatorMissing(f"Renode {wanted} or later is needed, {command} is {has}")
    return version


def _extract(archive: tarfile.TarFile, to: Path) -> None:
    """All of it into the folder *to*, and nothing beside it. Raises TarError."""
    if hasattr(tarfile, "tar_filter"):
        archive.extractall(to, filter="tar")
        return
    # Python before 3.11.4, as Debian 12 has it.
    for member in archive.getmembers():
        names = [member.name, *([str(Path(member.name).parent / member.linkname)] if member.issym() else [])]
        if not all((to / name).resolve().is_relative_to(to.resolve()) for name in names):
            raise tarfile.TarError(f"{member.name} would be outside of the folder")
    archive.extractall(to)


def unpack(package: Path, to: Path = UNPACKED) -> Path:
    """Unpack a downloaded portable package; the folder that has Renode's command. Raises PackageError.

    What was there before goes only when the new one is whole.
    """
    to.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=to.parent, prefix="renode-") as name:
        fresh = Path(name) / "unpacked"
        try:
            with tarfile.open(package) as archive:
                _extract(archive, fresh)
        except (OSError, tarfile.TarError) as error:
            raise PackageError(
                f"{package} cannot be unpacked", expected=PINNED.package, found=str(error), next_step=how_to_get()
            ) from error
        commands = [path for path in (fresh / COMMAND, *fresh.glob(f"*/{COMMAND}")) if path.is_file()]
        if not commands:
            raise PackageError(
                f"{package} is no portable package of Renode",
                expected=f"a folder with the command '{COMMAND}'",
                found=", ".join(sorted(path.name for path in fresh.iterdir())[:5]) or "nothing",
                next_step=how_to_get(),
            )
        shutil.rmtree(to, ignore_errors=True)
        commands[0].parent.replace(to)
    return to


def main(argv: list[str]) -> int:
    """Entry; 0 when Renode can be used or it was told how to get it, 2 for no package and for the folder of none."""
    try:
        if argv == ["--folder"]:
            print(Path(find_renode()).resolve().parent)
            return 0
        if argv:
            print(f"Unpacked to {unpack(Path(argv[0]))}")
        command = find_renode()
        version = check_version(command)
    except PackageError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except EmulatorMissing as missing:
        print(missing, file=sys.stderr if argv else sys.stdout)
        return 2 if argv else 0
    print(f"{command} is version {'.'.join(map(str, version))}; tested with {PINNED.version}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
