"""The pytest plugin of hil/: what is left out and why, what a failure keeps, what breaks, what stays behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec
import pytest

from hil.bench import load_bench
from hil.outlet import PtyOutlet
from hil.targets.live_sitl import LiveSitl
from hil.targets.sitl_target import SitlTarget
from tests.system.serial_board import SerialBoard

ROOT = Path(__file__).resolve().parents[2]
TRIAL = ROOT / "tests" / "flight" / "trial"
PAYLOAD = ROOT / "firmware" / "dictionary" / "payload"
PAYLOAD_ELF = ROOT / "build/netduinoplus2-payload/firmware.elf"
DEV_ELF = ROOT / "build/netduinoplus2-trial-dev/firmware.elf"
ELF = ROOT / "build/netduinoplus2-trial/firmware.elf"
TIMEOUT_S = 60.0
BENCHES = {
    "sitl": f'target = "sitl"\nmissions = ["{TRIAL}"]\n[plant]\n',
    "qemu": f'target = "qemu"\nimage = "{ELF}"\nmissions = ["{TRIAL}"]\n[plant]\n',
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with its own benches: `sitl.toml`, `qemu.toml`."""
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = -ra -p hil.plugin -p no:cacheprovider\n")
    for kind, text in BENCHES.items():
        (tmp_path / f"{kind}.toml").write_text(text)
    return tmp_path


def command(project: Path, test: str, *arguments: str) -> list[str]:
    (project / "test_it.py").write_text("import pytest\n" + test, encoding="utf-8")
    return [sys.executable, "-m", "pytest", "-c", str(project / "pytest.ini"), str(project / "test_it.py"), *arguments]


def run(project: Path, test: str, *arguments: str, timeout_s: float = TIMEOUT_S) -> str:
    """Run a test of the project; what pytest says."""
    done = subprocess.run(
        command(project, test, *arguments),
        cwd=project,
        env={**os.environ, "PYTHONPATH": f"{ROOT / 'host_tools'}:{ROOT / 'firmware'}:{ROOT}", "COLUMNS": "200"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=timeout_s,
        check=False,
    )
    return done.stdout


def on(project: Path, kind: str) -> list[str]:
    return ["--target", kind, "--bench", str(project / f"{kind}.toml")]


def test_a_test_is_left_out_with_the_reason_where_the_target_lacks_something(project: Path) -> None:
    said = run(
        project,
        "@pytest.mark.needs('power', 'memory')\ndef test_a(target): assert False\n"
        "def test_b(target): assert target.can('power')\n"
        "def test_c(target): target.require('memory')\n",
        *on(project, "sitl"),
    )
    assert "SKIPPED [1]" in said
    assert "sitl has no memory: its memory is that of this process: no addresses, no regions" in said
    assert "CapabilityMissing: sitl has no memory" in said
    assert "1 failed, 1 passed, 1 skipped" in said


def test_a_capability_that_there_is_not_is_a_mistake_of_the_test(project: Path) -> None:
    said = run(project, "@pytest.mark.needs('memroy')\ndef test_a(target): pass\n", *on(project, "sitl"))
    assert "no capability 'memroy'; there are reset, power" in said
    assert "1 error" in said


def test_time_moves_only_when_it_is_let(project: Path) -> None:
    said = run(
        project,
        "def test_a(ground, plant):\n"
        "    begin, moon = ground.target.now_s(), plant.call(lambda p: p.now_s)\n"
        "    ground.target.run_for(100)\n"
        "    assert round(ground.target.now_s() - begin, 3) == 100\n"
        "    assert abs(plant.call(lambda p: p.now_s) - moon - 100) <= 1\n"
        "@pytest.mark.plant(local_time_h=19.0, start_soc=0.25)\n"
        "def test_b(plant):\n"
        "    assert plant.truth()['sun_elevation_deg'] < 0\n"
        "    assert abs(plant.truth()['soc'] - 0.25) < 0.01\n",
        *on(project, "sitl"),
    )
    assert "2 passed" in said


def test_a_failed_test_keeps_its_evidence(project: Path) -> None:
    said = run(project, "def test_a(ground): ground.do('core.ping'); assert False\n", *on(project, "sitl"))
    assert "1 failed" in said
    folder = project / "hil" / "out" / "test_it.py_test_a[sitl]"
    assert str(folder) in said
    names = {path.name for path in folder.iterdir()}
    assert names == {
        "reason.txt",
        "bus.received",
        "bus.sent",
        "link.received",
        "link.sent",
        "storage.bin",
        "reports.jsonl",
        "housekeeping.json",
        "plant.json",
        "run.npz",
        "run.html",
    }
    reports = [json.loads(line) for line in (folder / "reports.jsonl").read_text().splitlines()]
    assert [row["report"] for row in reports if row["report"] == "ping"] == ["ping"]
    assert (folder / "link.sent").read_bytes().endswith(bytes.fromhex("c5c5c5c5c5c5c579"))
    assert "core.uptime_s" in json.loads((folder / "housekeeping.json").read_text())
    assert "core.uptime_s" in (folder / "run.html").read_text()


def test_the_evidence_of_a_board_in_this_process_has_what_went_over_the_payload_bus(project: Path) -> None:
    (project / "sitl.toml").write_text(f'target = "sitl"\nmissions = ["{PAYLOAD}"]\n[plant]\n')
    said = run(
        project, "def test_a(ground): ground.run_for(20); ground.target.reset(); assert False\n", *on(project, "sitl")
    )
    assert "1 failed" in said
    [folder] = (project / "hil" / "out").iterdir()
    asked, answered = (folder / "bus.received").read_bytes(), (folder / "bus.sent").read_bytes()
    assert min(len(asked), len(answered)) > 50
    assert asked[:2] == answered[:2], "unit and function of the first request are those of the first answer"


def test_the_evidence_of_an_emulated_board_has_console_and_crash_record(project: Path) -> None:
    said = run(project, "def test_a(ground): assert False\n", *on(project, "qemu"))
    assert "1 failed" in said
    [folder] = (project / "hil" / "out").iterdir()
    names = {path.name for path in folder.iterdir()}
    assert {"console.received", "bus.received", "qemu.output", "crash_record.bin", "storage.bin"} <= names


def test_a_bench_that_broke_is_said_once_and_left_alone(project: Path) -> None:
    bench = project / "broken.toml"
    bench.write_text('target = "qemu"\nimage = "none.elf"\n')
    tests = "".join(f"def test_{name}(ground): pass\n" for name in "abc")
    said = run(project, tests, "--target", "qemu", "--bench", str(bench))
    assert said.count("FileNotFoundError") >= 1
    assert "1 error" in said
    assert "2 skipped" in said
    assert said.count(f"bench broken broke: {project}/none.elf is not there") == 2


def test_renode_that_is_not_there_is_said_in_one_line(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RENODE_ROOT", str(project))
    bench = project / "renode.toml"
    bench.write_text(f'target = "renode"\nboard = "stm32f4_discovery"\nimage = "{ELF}"\n')
    said = run(project, "def test_a(ground): pass\n", "--target", "renode", "--bench", str(bench))
    assert f"RENODE_ROOT is {project}, but there is no command 'renode' in it" in said
    assert "1 skipped" in said


@pytest.mark.parametrize(
    ("required", "found"), [("renode", "PERILUNE_REQUIRE names renode: RENODE_ROOT is"), ("renod", "found renod")]
)
def test_a_renode_that_is_required_and_not_there_is_a_failure(
    project: Path, monkeypatch: pytest.MonkeyPatch, required: str, found: str
) -> None:
    monkeypatch.setenv("RENODE_ROOT", str(project))
    monkeypatch.setenv("PERILUNE_REQUIRE", required)
    bench = project / "renode.toml"
    bench.write_text(f'target = "renode"\nboard = "stm32f4_discovery"\nimage = "{ELF}"\nmissions = ["{TRIAL}"]\n')
    said = run(project, "def test_a(ground): pass\n", "--target", "renode", "--bench", str(bench))
    assert found in said
    assert "1 error" in said
    assert "skipped" not in said


def test_renode_has_more_of_the_hosts_time(project: Path) -> None:
    (project / "renode.toml").write_text(f'target = "renode"\nimage = "{ELF}"\n')
    test = (
        "def limit(request): return [mark.args for mark in request.node.iter_markers('timeout')]\n"
        "def test_a(bench, request): assert limit(request) == ([(900,)] if bench.target == 'renode' else [])\n"
        "@pytest.mark.timeout(7)\ndef test_b(bench, request): assert limit(request) == [(7,)]\n"
    )
    assert "4 passed" in run(project, test, *on(project, "sitl"), *on(project, "renode"))


def test_a_wrong_bench_or_target_is_a_mistake_of_the_command_line(project: Path) -> None:
    test = "def test_a(ground): pass\n"
    assert "--target serial; expected --bench" in run(project, test, "--target", "serial")
    assert "bench nosuch; expected a file" in run(project, test, "--bench", "nosuch")
    assert "--bench is for sitl" in run(project, test, "--target", "qemu", "--bench", str(project / "sitl.toml"))


def test_one_run_may_have_several_targets(project: Path) -> None:
    said = run(
        project, "def test_a(ground): ground.do('core.ping')\n", *on(project, "sitl"), *on(project, "qemu"), "-v"
    )
    assert "test_a[sitl] PASSED" in said
    assert "test_a[qemu] PASSED" in said


def test_a_target_may_be_sampled(project: Path) -> None:
    said = run(
        project,
        "@pytest.mark.sample\ndef test_a(bench): pass\ndef test_b(bench): pass\ndef test_c(): pass\n",
        *on(project, "sitl"),
        *on(project, "qemu"),
        "--sample",
        "qemu",
    )
    assert "4 passed, 1 deselected" in said


# ---- processes -------------------------------------------------------------------------------------------------------


def gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def await_gone(pids: Iterable[int]) -> None:
    end = time.monotonic() + TIMEOUT_S
    for pid in pids:
        while not gone(pid):
            assert time.monotonic() < end, f"process {pid} is still there"
            time.sleep(0.02)  # there is nothing to be notified by


def end_by_signal(arguments: list[str], folder: Path, boards: int, number: signal.Signals) -> None:
    """Start a run whose tests write the ids of their emulators to `pid-*`; when they have, end it, and see them go."""
    process = subprocess.Popen(
        arguments,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": f"{ROOT / 'host_tools'}:{ROOT / 'firmware'}:{ROOT}"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        end = time.monotonic() + TIMEOUT_S
        while len(told := [path.read_text() for path in folder.glob("pid-*")]) < boards or not all(told):
            assert process.poll() is None
            assert time.monotonic() < end
            time.sleep(0.02)
        pids = [int(text) for text in told]
        assert not any(map(gone, pids))
        process.send_signal(number)
        assert process.wait(TIMEOUT_S) != 0
        await_gone(pids)
    finally:
        process.kill()
        process.wait()


FLYING = """
from pathlib import Path

@pytest.mark.parametrize("number", [1, 2])
def test_a(target, number):
    Path(f"pid-{number}").write_text(str(target.qemu.pid))
    target.run_for(60)
"""


@pytest.mark.parametrize(
    ("number", "workers"),
    [
        (signal.SIGINT, 2),
        (signal.SIGTERM, 0),
        pytest.param(signal.SIGINT, 0, marks=pytest.mark.long),
        pytest.param(signal.SIGTERM, 2, marks=pytest.mark.long),
    ],
)
def test_a_run_that_is_ended_leaves_no_board(project: Path, number: signal.Signals, workers: int) -> None:
    arguments = command(project, FLYING, *on(project, "qemu"), "-n", str(workers))
    end_by_signal(arguments, project, workers or 1, number)


def test_a_test_that_fails_leaves_no_board(project: Path) -> None:
    test = FLYING.replace("[1, 2]", "[1]").replace("target.run_for(60)", "assert False")
    assert "1 failed" in run(project, test, *on(project, "qemu"), timeout_s=2 * TIMEOUT_S)
    await_gone(int(path.read_text()) for path in project.glob("pid-*"))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_robot_run_that_is_ended_leaves_no_board(project: Path, number: signal.Signals) -> None:
    (project / "flying.py").write_text(
        "from pathlib import Path\nfrom robot.libraries.BuiltIn import BuiltIn\n"
        "def note_board():\n"
        "    payload = BuiltIn().get_library_instance('hil.robot.payload.Payload')\n"
        "    Path('pid-1').write_text(str(payload._target.qemu.pid))\n"
    )
    suite = project / "flying.robot"
    suite.write_text(
        f"*** Settings ***\nLibrary    hil.robot.payload.Payload    {project / 'qemu.toml'}\nLibrary    flying.py\n\n"
        "*** Test Cases ***\nFlying\n    Boot Payload\n    Note Board\n    Sleep    60 s\n"
    )
    arguments = [sys.executable, "-m", "robot", "--outputdir", str(project), "--console", "none", str(suite)]
    end_by_signal(arguments, project, 1, number)


# ---- a real board, as far as a pseudo terminal is one ----------------------------------------------------------------


@pytest.fixture
def serial_bench(project: Path) -> Iterator[Path]:
    """A bench with a board on a serial device: the flight software in real time behind a pseudo terminal."""
    bench = msgspec.structs.replace(load_bench(project / "sitl.toml"), plant=None)
    live = LiveSitl(SitlTarget(bench, project))
    outlet = PtyOutlet(live.link)
    path = project / "serial.toml"
    path.write_text(f'target = "serial"\nmissions = ["{TRIAL}"]\n[link]\nport = "{outlet.url}"\n')
    yield path
    outlet.close()
    live.stop()


def test_the_same_tests_run_on_a_serial_bench(project: Path, serial_bench: Path) -> None:
    said = run(
        project,
        "def test_a(ground): assert ground.do('core.ping').stages[-1] == 'completion'\n"
        "def test_b(ground): assert ground.value('modes.mode') == 'SAFE'\n"
        "@pytest.mark.needs('power')\ndef test_c(ground): pass\n"
        "def test_d(plant): pass\n",
        "--target",
        "serial",
        "--bench",
        str(serial_bench),
    )
    assert "2 passed, 2 skipped" in said
    assert "serial has no power: bench serial names no [power]" in said
    assert "serial has no bus: bench serial names no [bus]" in said
    # Its anti-replay numbers outlast the run, as the board's do.
    assert (project / "serial.numbers.json").is_file()


@pytest.fixture
def wired_board(project: Path, request: pytest.FixtureRequest) -> Iterator[SerialBoard]:
    """A board with all that a bench can have: `wired.toml` is for it."""
    board = SerialBoard(getattr(request, "param", PAYLOAD_ELF), project / "storage.bin")
    try:
        (project / "wired.toml").write_text(board.bench(PAYLOAD), encoding="utf-8")
        yield board
    finally:
        board.stop()


SCENARIOS = """
from hil.scenarios.test_link import test_the_link_comes_back_after_a_reset_of_the_board
from hil.scenarios.test_power import powered, test_a_load_is_switched_on_and_off
from hil.scenarios.test_power import test_loads_are_as_wanted_after_a_restart_of_the_board
from hil.scenarios.test_storage import test_parameters_survive_a_power_cut
"""


@pytest.mark.board
@pytest.mark.timeout(300)
@pytest.mark.qemu("whose UARTs are put on serial devices")
def test_scenarios_run_on_a_serial_bench_with_power_reset_and_bus(project: Path, wired_board: SerialBoard) -> None:
    said = run(
        project,
        SCENARIOS,
        "--target",
        "serial",
        "--bench",
        str(project / "wired.toml"),
        timeout_s=250.0,
    )
    assert "4 passed" in said, said
    # The power is cut at each start of a test and where a scenario does it.
    assert wired_board.told.count("off") == wired_board.told.count("on") == 4 + 2
    assert wired_board.told.count("reset") == 1


@pytest.mark.board
@pytest.mark.qemu("whose UARTs are put on serial devices")
@pytest.mark.parametrize("wired_board", [DEV_ELF], indirect=True, ids=["dev"])
def test_the_console_of_a_serial_bench_is_heard_and_spoken_to(project: Path, wired_board: SerialBoard) -> None:
    said = run(
        project,
        "@pytest.mark.needs('console')\n"
        "def test_a(target):\n"
        "    target.console.write(b'\\x03\\r\\n')\n"
        "    target.console.read_until(b'>>> ', timeout_s=20)\n"
        "    target.console.write(b'print(6 * 7)\\r\\n')\n"
        "    target.console.read_until(b'42', timeout_s=20)\n",
        "--bench",
        str(project / "wired.toml"),
    )
    assert "1 passed" in said, said
    assert wired_board.told == ["off", "on"]


@pytest.mark.board
@pytest.mark.qemu("whose UARTs are put on serial devices")
def test_a_power_switch_that_fails_breaks_the_bench(project: Path, wired_board: SerialBoard) -> None:
    bench = project / "wired.toml"
    bench.write_text(
        bench.read_text().replace(json.dumps(wired_board.command("off")), '["sh", "-c", "echo hot; exit 3"]')
    )
    said = run(project, "def test_a(ground): pass\ndef test_b(ground): pass\n", "--bench", str(bench))
    assert "ControlError: sh -c echo hot; exit 3 ended with 3: hot" in said
    assert "1 skipped, 1 error" in said
    assert wired_board.told == []


def test_a_port_that_is_not_there_breaks_the_bench(project: Path) -> None:
    path = project / "serial.toml"
    path.write_text('target = "serial"\n[link]\nport = "/dev/nosuchport"\n')
    said = run(project, "def test_a(ground): pass\ndef test_b(ground): pass\n", "--bench", str(path))
    assert "cannot open /dev/nosuchport; expected a serial port or pyserial URL" in said
    assert "1 skipped, 1 error" in said
