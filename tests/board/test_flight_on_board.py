"""The flight tests on the emulated board: every file of tests/flight, on the `dev` image with their own mission.

Each file runs in an interpreter of its own, as on the workstation: the board starts it anew in between, for its memory.
Where a file makes the whole core again and again, each of its tests has an interpreter of its own.
"""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from hil.targets.qemu import Qemu
from hil.targets.raw_repl import RawRepl
from tests.board.upload import FILE_SYSTEM, compiled

ROOT = Path(__file__).resolve().parents[2]
FLIGHT = ROOT / "tests/flight"
ELF = ROOT / "build/netduinoplus2-trial-dev/firmware.elf"
CHUNK = 2048
TIMEOUT_S = 120.0

FILES = sorted(path.stem for path in FLIGHT.glob("test_*.py"))
_SEVERAL = "starts the whole core again and again, which leaves the heap in pieces too small for the next start"
_REPORTS = "keeps more reports than fit"
_PATCHED = "changes a constant of a module, which the image has frozen"
# Files that do not run here, with the reason.
NOT_HERE = {
    "test_app_thermal_hours": "some 20 000 turns of the app, minutes on an emulated board",
    "test_codec_vectors": "compares with the Python twin, which the image has not; test_codec_vectors.py here runs it",
}
# Files whose tests run in an interpreter each.
ONE_BY_ONE = ("test_modes", "test_service_schedule")
# Tests of the other files that do not run here: name and reason.
LEFT_OUT = {
    "test_link_downlink": {"test_frames_are_randomised_behind_the_marker_when_the_mission_says_so": _PATCHED},
    "test_link_uplink": {"test_frames_are_derandomised_when_the_mission_says_so": _PATCHED},
    "test_service_event": {
        "test_boot_is_the_first_event": "two cores at a time do not fit",
        "test_time_gives_reports_back_one_by_one_up_to_the_burst": _REPORTS,
    },
    "test_service_parameter": {"test_a_record_cut_short_gives_its_whole_entries": _SEVERAL},
    "test_service_sequencing": {
        "test_a_cut_at_any_write_leaves_all_or_nothing": _SEVERAL,
        "test_a_short_and_a_long_one_survive": _SEVERAL,
        "test_one_of_the_dictionary_is_replaced_until_it_is_unloaded": _SEVERAL,
        "test_the_head_of_what_was_there_before_goes_first": _SEVERAL,
        "test_what_was_unloaded_or_never_whole_is_not_there_after_a_restart": _SEVERAL,
    },
    "test_service_time": {"test_rate": _REPORTS},
    "test_modes": {
        "test_every_pair_of_modes": _SEVERAL,
        "test_without_frames_to_safe": _REPORTS,
        "test_not_in_survival_and_never_when_switched_off": _REPORTS,
        "test_isolated_runs_what_is_needed_to_survive": _SEVERAL,
        "test_starts_further_apart_than_the_window_are_none": _SEVERAL,
        "test_starts_within_the_window_count_however_the_time_is_shared": _SEVERAL,
        "test_commanded_restarts_do_not_count": _SEVERAL,
        "test_limit_and_window_are_parameters": _SEVERAL,
        "test_power_may_fail_at_any_step_of_a_start": _SEVERAL,
    },
    "test_service_schedule": {
        "test_2_jump_forward_holds_what_was_jumped_over": _REPORTS,
        "test_4_a_wrong_time_that_is_mended_costs_nothing": _REPORTS,
        "test_full": _REPORTS,
        "test_reports_that_need_several_packets": _REPORTS,
        "test_shift_all": _SEVERAL,
        "test_shift_some": _SEVERAL,
        "test_insert": _SEVERAL,
        "test_delete": _SEVERAL,
        "test_reset": _SEVERAL,
    },
}
RUN = """
import gc, sys, unittest
module = __import__({name!r})
memory.files.clear()
code = None
left_out = {left_out!r}
for value in [getattr(module, name) for name in dir(module)]:
    if isinstance(value, type) and issubclass(value, unittest.TestCase):
        for test in dir(value):
            if test in left_out or ({only!r} and test.startswith("test_") and (value.__name__, test) != {only!r}):
                delattr(value, test)
gc.collect()
gc.threshold(16384)
counts = unittest.run_module(module)
print("counts", counts.passed, counts.failed, counts.skipped)
"""


kept = cache(compiled)  # a file is compiled once


class FlightTests:
    """A board that runs test files, one after the other."""

    def __init__(self, target: Qemu) -> None:
        self.repl = RawRepl(target.console)
        target.console.read_until(b">>> ")
        self.repl.enter()

    def upload(self, sources: list[Path]) -> None:
        """Start the interpreter anew and let it import these files."""
        self.repl.soft_reset()
        self.repl.exec(FILE_SYSTEM)
        for source in sources:
            code = kept(source)
            self.repl.exec(f"code = memory.files['{source.stem}.mpy'] = bytearray({len(code)})")
            for at in range(0, len(code), CHUNK):
                self.repl.exec(f"code[{at}:{at + CHUNK}] = {code[at : at + CHUNK]!r}")


def imports(source: Path) -> list[Path]:
    """*source* and the files of its folder that it imports."""
    found = [source]
    for file in found:
        for line in file.read_text(encoding="utf-8").splitlines():
            words = line.split()
            if words[:1] in (["import"], ["from"]):
                other = FLIGHT / f"{words[1]}.py"
                if other.is_file() and other not in found and other.stem != "run_unix":
                    found.append(other)
    return found


@pytest.fixture(scope="module")
def flight_tests() -> Iterator[FlightTests]:
    """The board that the files share."""
    with Qemu("netduinoplus2") as target:
        if not ELF.is_file():
            pytest.fail(f"{ELF} is not built: make test-images", pytrace=False)
        target.boot(ELF)
        yield FlightTests(target)


def passes(flight_tests: FlightTests, name: str, only: tuple[str, str] | None = None) -> int:
    """Run a file, or one test (class, name), in an interpreter of its own; how many passed. None may fail."""
    flight_tests.upload(imports(FLIGHT / f"{name}.py"))
    run = RUN.format(name=name, left_out=list(LEFT_OUT.get(name, ())), only=only)
    lines = flight_tests.repl.exec(run, TIMEOUT_S).splitlines()
    counts = lines.pop().split()
    assert counts[0] == "counts"
    passed, failed, skipped = map(int, counts[1:])
    assert (failed, skipped) == (0, 0), "\n".join(line for line in lines if not line.startswith("ok "))
    return passed


@pytest.mark.xdist_group("flight tests on the board")
@pytest.mark.qemu("the board is shared by the files of a module")
@pytest.mark.parametrize("name", [name for name in FILES if name not in (*NOT_HERE, *ONE_BY_ONE)])
def test_flight_file_passes(flight_tests: FlightTests, name: str) -> None:
    assert passes(flight_tests, name) > 0


def each_test_of(name: str) -> list[tuple[str, str]]:
    """Class and name of each test of a file."""
    classes = [
        node
        for node in ast.parse((FLIGHT / f"{name}.py").read_text(encoding="utf-8")).body
        if isinstance(node, ast.ClassDef)
    ]
    return [
        (one.name, part.name)
        for one in classes
        for part in one.body
        if isinstance(part, ast.FunctionDef) and part.name.startswith("test_")
    ]


@pytest.mark.xdist_group("flight tests on the board, one by one")
@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.qemu("the board is shared by the files of a module")
@pytest.mark.parametrize("name", ONE_BY_ONE)
def test_flight_file_passes_one_by_one(flight_tests: FlightTests, name: str) -> None:
    for only in each_test_of(name):
        if only[1] not in LEFT_OUT.get(name, ()):
            assert passes(flight_tests, name, only) == 1, only


def test_what_is_left_out_is_there() -> None:
    assert set(FILES) >= set(NOT_HERE) | set(LEFT_OUT)
    for name, tests in LEFT_OUT.items():
        text = (FLIGHT / f"{name}.py").read_text(encoding="utf-8")
        for test in tests:
            assert f"def {test}(" in text, (name, test)
