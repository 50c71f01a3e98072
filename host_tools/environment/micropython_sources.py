"""Bring the MicroPython sources that are compiled here to ``.deps/`` and prove that they are the right ones.

Four sources, in this order: the folder that MICROPYTHON_DIR names; an earlier fetch; the version's tag of the official
git repository, when it answers within seconds; Debian's source package through apt. Whatever the source, the SHA-256 of
every folder in ``micropython_sources.toml`` must match, so all of them give the same build. Nothing but the standard
library is imported: this runs while the machine is being set up.
"""

import argparse
import hashlib
import os
import shutil
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from environment import bounded
from environment.debian_archive import DebianArchiveError, fetch_original

PINS_FILE = Path(__file__).with_suffix(".toml")
DEPENDENCIES = Path(__file__).resolve().parents[2] / ".deps"

REACH_TIMEOUT_S = 10  # to learn whether the git repository answers at all
CLONE_TIMEOUT_S = 240  # a shallow clone is about 20 MB
UNPACK_TIMEOUT_S = 120

GENERATED_FOLDERS = {"__pycache__", "results"}  # what a build or a test run leaves in a tree; `build*` too


class SourcesError(Exception):
    """No usable sources; the text says what was found and what to do next."""


@dataclass(frozen=True)
class Pins:
    """The one version that is built, and the hash of each of its folders."""

    version: str
    git_url: str
    git_tag: str
    debian_suite: str
    debian_version: str
    folders: dict[str, str]


def read_pins(path: Path = PINS_FILE) -> Pins:
    """Read the pins from *path* (TOML)."""
    return Pins(**tomllib.loads(path.read_text(encoding="utf-8")))


def source_files(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield (relative POSIX path, file) of *folder*, sorted by path, without what a build leaves behind."""
    paths = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    for name in sorted(paths):
        parents = name.split("/")[:-1]
        if not any(parent in GENERATED_FOLDERS or parent.startswith("build") for parent in parents):
            yield name, paths[name]


def folder_hash(folder: Path) -> str:
    """Return the SHA-256 of *folder*'s files in the order of their paths; modes and times do not count."""
    digest = hashlib.sha256()
    for name, path in source_files(folder):
        content = path.read_bytes()
        digest.update(name.encode() + b"\0" + len(content).to_bytes(8, "big"))
        digest.update(content)
    return digest.hexdigest()


def check_tree(tree: Path, pins: Pins) -> None:
    """Raise SourcesError with expected and found hashes unless every pinned folder of *tree* matches."""
    differences = []
    for folder, expected in pins.folders.items():
        found = folder_hash(tree / folder) if (tree / folder).is_dir() else "no such folder"
        if found != expected:
            differences.append(f"  {folder}: expected {expected}, found {found}")
    if differences:
        listed = "\n".join(differences)
        raise SourcesError(f"{tree} does not hold MicroPython {pins.version} as released:\n{listed}")


def from_git(pins: Pins, destination: Path) -> None:
    """Clone the tag into *destination*, which does not exist yet; raise SourcesError when that cannot be done."""
    _git(REACH_TIMEOUT_S, "ls-remote", "--exit-code", pins.git_url, f"refs/tags/{pins.git_tag}")
    options = ["--quiet", "--depth=1", "--branch", pins.git_tag, "--config", "core.autocrlf=false"]
    _git(CLONE_TIMEOUT_S, "-c", "advice.detachedHead=false", "clone", *options, pins.git_url, str(destination))
    shutil.rmtree(destination / ".git")  # no build may take this project's commits for MicroPython's


def _git(timeout_s: int, *arguments: str) -> None:
    # No question for a password, no waiting for a connection that has gone silent.
    environment = {**os.environ, "GIT_TERMINAL_PROMPT": "0", "GIT_ASKPASS": "true"}
    stalled = ["-c", "http.lowSpeedLimit=1000", "-c", f"http.lowSpeedTime={REACH_TIMEOUT_S}"]
    try:
        bounded.run(["git", *stalled, *arguments], timeout_s, env=environment)
    except bounded.CommandError as failure:
        raise SourcesError(str(failure)) from None


def from_debian(pins: Pins, destination: Path) -> None:
    """Unpack the original archive of Debian's source package into *destination*, without Debian's patches."""
    with tempfile.TemporaryDirectory(prefix="perilune-apt-") as work:
        try:
            archive = fetch_original("micropython", pins.debian_version, pins.debian_suite, Path(work))
            destination.mkdir()
            unpack = ["tar", "--extract", "--file", str(archive), "--directory", str(destination)]
            bounded.run([*unpack, "--strip-components=1", "--no-same-owner"], UNPACK_TIMEOUT_S)
        except (DebianArchiveError, bounded.CommandError) as failure:
            raise SourcesError(str(failure)) from None


def fetch(pins: Pins, tree: Path) -> str:
    """Fetch and check the sources, put them at *tree* in one step, and return what they came from."""
    failures = []
    sources = {f"git tag {pins.git_tag}": from_git, f"Debian source package {pins.debian_version}": from_debian}
    for name, source in sources.items():
        with tempfile.TemporaryDirectory(prefix="fetch-", dir=tree.parent) as scratch:
            try:
                print(f"MicroPython {pins.version}: trying the {name}", flush=True)
                source(pins, Path(scratch) / "tree")
                check_tree(Path(scratch) / "tree", pins)
                (Path(scratch) / "tree").rename(tree)
                return name
            except SourcesError as failure:
                failures.append(f"- {name}: {failure}")
    listed = "\n".join(failures)
    raise SourcesError(
        f"MicroPython {pins.version} could not be fetched:\n{listed}\nNext step: unpack its sources anywhere on this "
        "machine and say where: make setup MICROPYTHON_DIR=/path/to/micropython"
    )


def provide(pins: Pins, dependencies: Path, given: str) -> str:
    """Make ``<dependencies>/micropython-<version>`` hold checked sources; return what they came from.

    *given* is the value of MICROPYTHON_DIR, empty when it is not set. A given folder is linked to, never changed or
    copied, and stays linked until another one is given; what had been fetched before is kept under another name.
    """
    tree = dependencies / f"micropython-{pins.version}"
    set_aside = dependencies / f"micropython-{pins.version}.fetched"
    dependencies.mkdir(exist_ok=True)
    if given and Path(given).resolve() != tree.resolve():
        check_tree(Path(given).resolve(), pins)
        if tree.is_symlink():
            tree.unlink()
        elif tree.exists():
            tree.rename(set_aside)
        tree.symlink_to(Path(given).resolve(), target_is_directory=True)
        return f"linked to {given}"
    if tree.is_symlink() and not tree.exists():
        tree.unlink()
    if set_aside.exists() and not tree.exists():
        set_aside.rename(tree)
    if tree.exists():
        try:
            check_tree(tree, pins)
        except SourcesError as failure:
            raise SourcesError(f"{failure}\nNext step: rm -rf {tree}, then make setup") from None
        return "in place from an earlier set-up"
    return f"fetched as {fetch(pins, tree)}"


def main() -> int:
    """Run from the command line; return the exit code."""
    parser = argparse.ArgumentParser(description="Fetch and check the MicroPython sources.")
    parser.add_argument("--print-hashes", metavar="DIR", type=Path, help="print the hashes of a source tree and stop")
    options = parser.parse_args()
    pins = read_pins()
    if options.print_hashes is not None:
        for folder in pins.folders:
            print(f'"{folder}" = "{folder_hash(options.print_hashes / folder)}"')
        return 0
    try:
        source = provide(pins, DEPENDENCIES, os.environ.get("MICROPYTHON_DIR", ""))
    except SourcesError as failure:
        print(failure, file=sys.stderr)
        return 1
    print(f"MicroPython {pins.version}: {source}; every hash matches")
    return 0


if __name__ == "__main__":
    sys.exit(main())
