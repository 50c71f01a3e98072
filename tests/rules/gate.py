"""The gate that every change passes (``make check``): one row per step, its time beside it, all failures at the end.

Rules that are easier to say in Python than as a command are tests in this folder; the last step runs them.
"""

import os
import re
import shlex
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PYTHON = sys.executable
MPY_CROSS = ROOT / "build/mpy-cross/mpy-cross"
STUBS = ROOT / "build/micropython_stubs"

C_WARNINGS = ["-std=c99", "-pedantic", "-Wall", "-Wextra", "-Werror", "-O2"]  # some warnings need the optimiser
C_COMPILERS = {"host": ["gcc"], "board": ["arm-none-eabi-gcc", "-mcpu=cortex-m4", "-mthumb"]}
BOARD_ONLY_TESTS = "tests/flight/unittest_mpy"  # MicroPython has no unittest of its own; this stands in for it

TESTS_MAY_LACK_ANNOTATIONS = [
    "--allow-untyped-defs",
    "--allow-incomplete-defs",
    "--allow-untyped-calls",
    "--allow-untyped-decorators",
    "--no-warn-unused-ignores",  # what the strict pass over the same flight files needs is not needed here
    "--cache-dir=.mypy_cache/tests",  # other options, other cache
]


@dataclass(frozen=True)
class Step:
    """One step: its name and the commands that must all succeed, as made when the step runs."""

    name: str
    commands: Callable[[], Iterator[list[str]]]


def lint() -> Iterator[list[str]]:
    """Ruff's rules."""
    yield [PYTHON, "-m", "ruff", "check", "--quiet", "."]


def layout() -> Iterator[list[str]]:
    """Ruff's format."""
    yield [PYTHON, "-m", "ruff", "format", "--quiet", "--check", "--diff", "."]


def types_on_host() -> Iterator[list[str]]:
    """Mypy over what runs on CPython, tests apart, with CPython's standard library."""
    folders = [folder for folder in ("host_tools", "firmware/flight", "hil") if any((ROOT / folder).rglob("*.py"))]
    yield [PYTHON, "-m", "mypy", "--no-error-summary", *folders]
    yield [PYTHON, "-m", "mypy", "--no-error-summary", "setup.py"]


def types_in_tests() -> Iterator[list[str]]:
    """Mypy over the tests. They run on MicroPython too and read better without annotations; the rest is strict."""
    yield [
        PYTHON,
        "-m",
        "mypy",
        "--no-error-summary",
        *TESTS_MAY_LACK_ANNOTATIONS,
        f"--exclude={BOARD_ONLY_TESTS}",
        "tests",
    ]


def types_on_board() -> Iterator[list[str]]:
    """Mypy over what runs on the board, with MicroPython's modules and standard library."""
    packages = Path(sysconfig.get_path("purelib"))
    STUBS.mkdir(parents=True, exist_ok=True)
    for stub in [*packages.glob("*.pyi"), packages / "_mpy_shed"]:
        link = STUBS / stub.name
        if not link.is_symlink() or link.readlink() != stub:
            link.unlink(missing_ok=True)
            link.symlink_to(stub)
    options = ["--config-file=tests/rules/mypy_board.ini", f"--custom-typeshed-dir={packages}", "--no-error-summary"]
    yield [PYTHON, "-m", "mypy", *options, "firmware"]
    yield [PYTHON, "-m", "mypy", *options, *TESTS_MAY_LACK_ANNOTATIONS, BOARD_ONLY_TESTS]


def flight_bytecode() -> Iterator[list[str]]:
    """Every flight file through MicroPython's compiler."""
    for source in sorted((ROOT / "firmware/flight").rglob("*.py")):
        name = source.relative_to(ROOT)
        target = ROOT / "build/gate" / name.with_suffix(".mpy")
        target.parent.mkdir(parents=True, exist_ok=True)
        yield [str(MPY_CROSS), "-march=armv7emsp", "-o", str(target), str(name)]


def codec_in_c() -> Iterator[list[str]]:
    """The plain C, for host and board; what includes MicroPython's headers is compiled with the firmware."""
    for source in sorted((ROOT / "firmware/cmodules").rglob("*.c")):
        name = source.relative_to(ROOT)
        if includes_micropython(source):
            continue
        for target, compiler in C_COMPILERS.items():
            output = ROOT / "build/gate" / target / name.with_suffix(".o")
            output.parent.mkdir(parents=True, exist_ok=True)
            yield [*compiler, *C_WARNINGS, "-c", str(name), "-o", str(output)]


def includes_micropython(source: Path) -> bool:
    """Tell whether *source* includes a header of MicroPython, by itself or through headers beside it."""
    waiting, seen = [source], {source}
    while waiting:
        for name in re.findall(r'^#include "([^"]+)"', waiting.pop().read_text(encoding="utf-8"), re.MULTILINE):
            beside = source.parent / name
            if name.startswith("py/"):
                return True
            if beside.is_file() and beside not in seen:
                seen.add(beside)
                waiting.append(beside)
    return False


def rules() -> Iterator[list[str]]:
    """Documents, layers, words, generated files: the tests of this folder."""
    yield [PYTHON, "-m", "pytest", "--quiet", "--no-header", "tests/rules"]


# The longest first; each with a cache of its own.
STEPS = [
    Step("mypy, tests", types_in_tests),
    Step("mypy, host", types_on_host),
    Step("mypy, board", types_on_board),
    Step("ruff check", lint),
    Step("ruff format", layout),
    Step("mpy-cross", flight_bytecode),
    Step("C warnings", codec_in_c),
    Step("rules", rules),
]


def run_step(step: Step) -> str:
    """Run *step*, print its row, and return what its failed commands said (empty: it passed)."""
    start = time.monotonic()
    count = 0
    failures = ""
    for command in step.commands():
        count += 1
        # Colour and width are for terminals; what is captured here has to read the same everywhere.
        result = subprocess.run(
            command,
            cwd=ROOT,
            env={**os.environ, "NO_COLOR": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if result.returncode != 0:
            failures += f"$ {shlex.join(command)}\n{result.stdout.rstrip()}\n"
    verdict = "FAILED" if failures else "ok"
    runs = "1 run" if count == 1 else f"{count} runs"
    print(f"  {step.name:<14}{verdict:<8}{time.monotonic() - start:5.1f} s  {runs}", flush=True)
    return f"\n== {step.name}\n{failures}" if failures else ""


def main() -> int:
    """Run every step, as many at a time as there are processors; return 1 when one failed."""
    start = time.monotonic()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        failures = "".join(pool.map(run_step, STEPS))
    print(failures, end="")
    print(f"make check: {'failed' if failures else 'all passed'} in {time.monotonic() - start:.1f} s")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
