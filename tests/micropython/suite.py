"""MicroPython's own tests on the ``dev`` image in QEMU, through the console's pseudo terminal and its ``run-tests.py``.

``python -m tests.micropython.suite`` runs all of them and prints passed, failed and skipped; exit code 1 when one
failed, or stepped aside without a reason in ``skips.toml``. Each part runs on a machine of its own.
"""

import argparse
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from hil.targets.qemu import Qemu

ROOT = Path(__file__).resolve().parents[2]
VERSION = re.search(r"MICROPYTHON_VERSION := (\S+)", (ROOT / "firmware/micropython.mk").read_text(encoding="utf-8"))
SOURCES = ROOT / f".deps/micropython-{VERSION[1] if VERSION else 'unknown'}/tests"
RESULTS = ROOT / "build/micropython-tests"
SKIPS = Path(__file__).parent / "skips.toml"
# The folders the port is held to; inline assembler and stress because the dev image has the native emitters.
FOLDERS = ("basics", "micropython", "float", "extmod", "misc", "inlineasm/thumb", "stress")
PART_TIMEOUT_S = 600


@dataclass(frozen=True)
class Group:
    """Tests that are not run, or step aside, for one reason."""

    reason: str
    tests: list[str]
    run: bool = True


@dataclass
class Outcome:
    """Paths of tests by what became of them."""

    passed: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    log: str = ""

    def add(self, other: "Outcome") -> None:
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped
        self.log += other.log


def read_groups(path: Path = SKIPS) -> list[Group]:
    """Read the groups with their reasons."""
    return [Group(**row) for row in tomllib.loads(path.read_text(encoding="utf-8"))["group"]]


def group_of(test: str, groups: Iterable[Group]) -> Group | None:
    """Return the first group that *test* belongs to."""
    return next((group for group in groups if any(fnmatchcase(test, pattern) for pattern in group.tests)), None)


def all_tests(folders: Iterable[str] = FOLDERS) -> list[str]:
    """Return every test below *folders*, as run-tests.py names them."""
    return sorted(str(path.relative_to(SOURCES)) for folder in folders for path in (SOURCES / folder).glob("*.py"))


def chosen(tests: Iterable[str], groups: Iterable[Group]) -> list[str]:
    """Return *tests* without those that a group leaves out."""
    left_out = [group for group in groups if not group.run]
    return [test for test in tests if group_of(test, left_out) is None]


def parse(log: str) -> Outcome:
    """Read what run-tests.py printed."""
    outcome = Outcome(log=log)
    lists = {"pass": outcome.passed, "FAIL": outcome.failed, "skip": outcome.skipped}
    for word, test in re.findall(r"^(pass|FAIL|skip)  (\S+\.py)", log, re.MULTILINE):
        lists[word].append(test)
    return outcome


def run_part(name: str, elf: Path, tests: list[str]) -> Outcome:
    """Run *tests* on a new machine. A test of which nothing was heard counts as failed."""
    results = RESULTS / name
    results.mkdir(parents=True, exist_ok=True)
    with Qemu() as target:
        target.boot(elf, console_pty=True)
        finished = subprocess.run(
            [sys.executable, "run-tests.py", "-t", f"port:{target.console_pty}", "-r", str(results), *tests],
            cwd=SOURCES,
            env={**os.environ, "MICROPY_CPYTHON3": sys.executable, "PYTHONWARNINGS": "ignore"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=PART_TIMEOUT_S,
            check=False,
        )
    outcome = parse(finished.stdout)
    (results / "run-tests.log").write_text(finished.stdout, encoding="utf-8")
    heard = {*outcome.passed, *outcome.failed, *outcome.skipped}
    outcome.failed += [test for test in tests if test not in heard]
    return outcome


def complaints(outcome: Outcome, tests: list[str], groups: list[Group]) -> list[str]:
    """Return what is wrong besides failures: skips without a reason, and, after all tests, reasons without a skip."""
    found = [
        f"{test} stepped aside, and skips.toml has no reason" for test in outcome.skipped if not group_of(test, groups)
    ]
    if set(tests) == set(all_tests()):
        not_passed = {*all_tests()} - {*outcome.passed}
        for pattern in (pattern for group in groups for pattern in group.tests):
            if not any(fnmatchcase(test, pattern) for test in not_passed):
                found.append(f"skips.toml: no test of '{pattern}' is skipped any more")
    return found


def report(outcome: Outcome, tests: list[str], groups: list[Group]) -> str:
    """Return the text for people: every group with its reason and number, then the totals."""
    skipped = [test for test in tests if test in outcome.skipped or test not in chosen(tests, groups)]
    lines = []
    for group in groups:
        count = sum(group_of(test, groups) is group for test in skipped)
        if count:
            lines.append(f"skipped {count:3}: {group.reason}")
    lines += [f"FAILED: {test}" for test in outcome.failed]
    lines.append(f"{len(outcome.passed)} passed, {len(outcome.failed)} failed, {len(skipped)} skipped")
    return "\n".join(lines)


def run(elf: Path, tests: list[str], parts: int, name: str) -> tuple[Outcome, list[Group]]:
    """Run *tests* on *parts* machines side by side."""
    groups = read_groups()
    wanted = chosen(tests, groups)
    outcome = Outcome()
    with ThreadPoolExecutor(parts) as pool:
        for done in pool.map(lambda n: run_part(f"{name}-{n}", elf, wanted[n::parts]), range(parts)):
            outcome.add(done)
    return outcome, groups


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.micropython.suite", description=__doc__)
    parser.add_argument("--elf", type=Path, default=ROOT / "build/netduinoplus2-dev/firmware.elf")
    parser.add_argument("--parts", type=int, default=os.cpu_count() or 1, help="machines side by side")
    parser.add_argument("folders", nargs="*", default=FOLDERS, help="folders of the suite (default: all we hold to)")
    args = parser.parse_args()
    tests = all_tests(args.folders)
    outcome, groups = run(args.elf.resolve(), tests, args.parts, "all")
    print(report(outcome, tests, groups))
    wrong = complaints(outcome, tests, groups)
    print("".join(f"{line}\n" for line in wrong), end="")
    if outcome.failed:
        print(f"expected and found output of failed tests: {RESULTS.relative_to(ROOT)}/*/*.exp, *.out")
    return 1 if outcome.failed or wrong else 0


if __name__ == "__main__":
    sys.exit(main())
