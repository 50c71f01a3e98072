"""The flight tests on the emulated board: every file of tests/flight, on the `dev` image with their own mission.

Each file runs in an interpreter of its own, as on the workstation: the board starts it anew in between, for its memory.
"""

from collections.abc import Iterator
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
_PATCHED = "changes a constant of a module, which the image has frozen"
# Files that do not run here, with the reason.
NOT_HERE = {
    "test_app_thermal_hours": "some 20 000 turns of the app, minutes on an emulated board",
    "test_codec_vectors": "compares with the Python twin, which the image has not; test_codec_vectors.py here runs it",
    "test_modes": _SEVERAL,
    "test_service_schedule": _SEVERAL,
}
# Tests of the other files that do not run here: name and reason.
LEFT_OUT = {
    "test_link_downlink": {"test_frames_are_randomised_behind_the_marker_when_the_mission_says_so": _PATCHED},
    "test_link_uplink": {"test_frames_are_derandomised_when_the_mission_says_so": _PATCHED},
    "test_service_event": {
        "test_boot_is_the_first_event": "two cores at a time do not fit",
        "test_time_gives_reports_back_one_by_one_up_to_the_burst": "keeps more reports than fit",
    },
    "test_service_parameter": {"test_a_record_cut_short_gives_its_whole_entries": _SEVERAL},
    "test_service_sequencing": {
        "test_a_cut_at_any_write_leaves_all_or_nothing": _SEVERAL,
        "test_a_short_and_a_long_one_survive": _SEVERAL,
        "test_one_of_the_dictionary_is_replaced_until_it_is_unloaded": _SEVERAL,
        "test_what_was_unloaded_or_never_whole_is_not_there_after_a_restart": _SEVERAL,
    },
    "test_service_time": {"test_rate": "keeps more reports than fit"},
}
RUN = """
import gc, sys, unittest
module = __import__({name!r})
memory.files.clear()
code = None
left_out = {left_out!r}
for value in [getattr(module, name) for name in dir(module)]:
    if isinstance(value, type) and issubclass(value, unittest.TestCase):
        for test in left_out:
            if test in dir(value):
                delattr(value, test)
gc.collect()
gc.threshold(16384)
counts = unittest.run_module(module)
print("counts", counts.passed, counts.failed, counts.skipped)
"""


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
            code = compiled(source)
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


@pytest.mark.xdist_group("flight tests on the board")
@pytest.mark.qemu("the board is shared by the files of a module")
@pytest.mark.parametrize("name", [name for name in FILES if name not in NOT_HERE])
def test_flight_file_passes(flight_tests: FlightTests, name: str) -> None:
    source = FLIGHT / f"{name}.py"
    flight_tests.upload(imports(source))
    lines = flight_tests.repl.exec(RUN.format(name=name, left_out=list(LEFT_OUT.get(name, ()))), TIMEOUT_S).splitlines()
    counts = lines.pop().split()
    assert counts[0] == "counts"
    passed, failed, skipped = map(int, counts[1:])
    assert (failed, skipped) == (0, 0), "\n".join(line for line in lines if not line.startswith("ok "))
    assert passed > 0


def test_what_is_left_out_is_there() -> None:
    assert set(FILES) >= set(NOT_HERE) | set(LEFT_OUT)
    for name, tests in LEFT_OUT.items():
        text = (FLIGHT / f"{name}.py").read_text(encoding="utf-8")
        for test in tests:
            assert f"def {test}(" in text, (name, test)
