"""`perilune seq` as operators use it: boards behind a TCP port and a pseudo-terminal, and what the archive says."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from perilune.archive.reader import ArchiveReader
from perilune.archive.recording_link import RecordingLink
from perilune.archive.writer import ArchiveWriter
from perilune.cli import main
from perilune.client.ground import Ground
from perilune.client.open_ground import find_target, open_ground, own_link
from perilune.sequence.execute import activate, content, follow
from perilune.sequence.ground_board import GroundBoard
from perilune.sequence.last_values import archived_state
from perilune.sequence.load import Loader, LoadProgress
from perilune.sequence.start_state import StartState

from tests.system.sequence_line import DICTIONARY, LONG, compiled
from tests.system.served_board import PtyBoard
from tests.system.targets import ELF, ROOT, TRIAL

AWAY_S = 10.0
BOARDS = {
    "sitl": ["--target", "sitl", "--mission", str(TRIAL)],
    "qemu-pty": ["netduinoplus2", str(ELF), "--pty", "--storage", "storage.bin"],
}
PARAMETERS = [pytest.param(name, marks=pytest.mark.board) if "qemu" in name else name for name in BOARDS]


class Desk:
    """An operator's desk: a folder with perilune.toml, and the command line in it."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self._capsys = capsys

    def file(self, name: str, text: str) -> str:
        """A sequence file."""
        (self.folder / name).write_text(text)
        return str(self.folder / name)

    def seq(self, *arguments: str) -> tuple[int, str, str]:
        """Exit status, what was printed, and what was complained."""
        self._capsys.readouterr()
        try:
            status = main(["seq", *arguments, "--config", str(self.folder / "perilune.toml")])
        except SystemExit as end:
            status = int(end.code or 0)
        printed = self._capsys.readouterr()
        return status, printed.out, printed.err


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Desk:
    """A desk without a board."""
    for variable in ("PERILUNE_RUNTIME_DIR", "PERILUNE_STATE_DIR"):
        monkeypatch.setenv(variable, str(tmp_path / variable.lower()))
    (tmp_path / "perilune.toml").write_text(f'[targets.board]\nport = "sitl"\nmissions = ["{TRIAL}"]\n')
    return Desk(tmp_path, capsys)


@pytest.fixture(params=PARAMETERS)
def staffed(request: pytest.FixtureRequest, desk: Desk) -> Iterator[Desk]:
    """A desk with a board behind a port of its own."""
    process = subprocess.Popen(
        [sys.executable, "-m", "hil.emulate", *BOARDS[request.param]],
        cwd=desk.folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(str(ROOT / part) for part in ("host_tools", "firmware", ""))},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        url = ""
        while not url:
            line = process.stdout.readline()
            assert line, process.communicate()[1]
            found = re.match(r"link +(\S+)", line)
            url = found[1] if found else ""
        text = f'[targets.board]\nport = "{url}"\nmissions = ["{TRIAL}"]\narchive = "archive.sqlite"\n'
        (desk.folder / "perilune.toml").write_text(text)
        yield desk
    finally:
        process.kill()
        process.communicate()


def test_a_day_with_sequences(staffed: Desk) -> None:
    """Each command with its exit status, and what it says."""
    day = staffed.file("day.seq", LONG)
    assert staffed.seq("check", day)[:2] == (0, f"{day}: 64 steps, {len(compiled().octets)} octets\nno error\n")
    status, out, _ = staffed.seq("upload", day)
    assert (status, out) == (0, f"sequence 80: 64 steps, 768 octets, loaded; checksum {compiled().crc:04X} read back\n")
    status, out, _ = staffed.seq("upload", day, "--json")
    assert (status, json.loads(out)["was_there"]) == (0, True)
    status, out, err = staffed.seq("upload", staffed.file("other.seq", "R00:00:00 CORE.PING"), "--id", "80")
    assert (status, out) == (3, "")
    assert "another sequence 80 on board" in err
    status, out, _ = staffed.seq("list", "--json")
    rows = {row["id"]: (row["state"], row["name"]) for row in json.loads(out)}
    assert (status, rows) == (0, {80: ("loaded", ""), 1: ("loaded", "stored.mixed")})
    status, out, _ = staffed.seq("run", "80")
    lines = out.splitlines()
    assert (status, len(lines), lines[-1]) == (0, 65, "sequence 80 came to its end")
    assert re.fullmatch(r"20\S+Z  start \+ \S+ s  step 64 of 64  R00:00:00.100 CORE.PING", lines[-2])
    status, out, _ = staffed.seq("show", "80")
    lines = out.splitlines()
    assert (status, lines[0]) == (0, f"sequence 80 on board: 64 steps, 768 octets, CRC {compiled().crc:04X}")
    assert lines[63].split("  ")[-1].strip() == "R00:00:00 WAIT trial.gain == 62 TIMEOUT 00:00:10"
    status, out, err = staffed.seq("run", "81")
    assert (status, out) == (3, "")
    assert "load it first" in err
    assert staffed.seq("schedule", "80", "--at", "2026-331T12:00:00")[0] == 0
    plan = staffed.file("plan.seq", "A2026-331T12:00:00 CORE.PING\nR00:00:30 CORE.PING")
    for _ in range(2):  # the second time it is there already
        status, out, _ = staffed.seq("schedule", plan)
        assert (status, out.splitlines()[-1]) == (0, "2 requests are in the schedule, read back")
    assert staffed.seq("delete", "80")[:2] == (0, "sequence 80 is forgotten\n")
    assert staffed.seq("abort", "--all")[:2] == (0, "aborted: none was executed\n")


@pytest.mark.parametrize("staffed", ["sitl"], indirect=True)
def test_what_is_hazardous_asks_for_a_word(staffed: Desk) -> None:
    text = "SEQUENCE 82\nR00:00:00 CORE.ARM service=8 subtype=1 function=0x0203\nR00:00:00 TRIAL.DANGEROUS"
    path = staffed.file("danger.seq", text)
    for arguments in (["upload", path], ["run", "82"], ["schedule", "82", "--at", "2026-331T12:00:00"]):
        status, _, err = staffed.seq(*arguments)
        assert (status, "confirms it; found TRIAL.DANGEROUS" in err) == (1, True)
        assert staffed.seq(*arguments, "--hazardous")[0] == 0


@pytest.mark.parametrize("staffed", ["sitl"], indirect=True)
def test_missions_that_are_named_stand_for_the_targets_on_board_too(staffed: Desk) -> None:
    """A port's board speaks what is named for it; nothing made of other missions goes up."""
    url = find_target(None, staffed.folder / "perilune.toml").port
    status, out, _ = staffed.seq("list", "--target", url, "--mission", str(TRIAL), "--json")
    assert (status, [row["name"] for row in json.loads(out)]) == (0, ["stored.mixed"])
    path = staffed.file("radio.seq", "SEQUENCE 83\nR00:00:00 POWER.LOAD_ON load=RADIO")
    for arguments in (["upload", path], ["schedule", path, "--at", "2026-331T12:00:00"]):
        status, out, err = staffed.seq(*arguments, "--mission", "perilune:payload")
        assert (status, out, "the board speaks another dictionary" in err) == (1, "", True), err


def test_the_archive_shows_a_run(staffed: Desk) -> None:
    """64 steps with a WAIT: loaded, verified, run; every step's report and the last value are in the archive."""
    config = staffed.folder / "perilune.toml"
    archive = staffed.folder / "archive.sqlite"
    link = RecordingLink(own_link(find_target(None, config)), ArchiveWriter(archive, DICTIONARY))
    with Ground(link, DICTIONARY) as ground:
        ground.check_dictionary()
        board = GroundBoard(ground)
        Loader(board, compiled()).load()
        request = activate(board, 80)
        assert follow(board, 80, request).completed
        run_id = request.reports[0].request_id
        ground.run(6.0)  # the mode comes every 5 s
    with ArchiveReader(archive) as reader:
        verification = list(reader.reports(kind="verification"))
        assert [row["step"] for row in verification if row["stage"] == "progress"] == list(range(63))
        assert [(row["stage"], row["success"]) for row in verification if row["request_id"] == run_id][-1] == (
            "completion",
            True,
        )
        kinds = [row["report"] for row in reader.reports()]
        assert kinds.count("ping") == 1
        checksum = next(iter(reader.reports(kind="sequence_checksum")))
        assert (checksum["length"], checksum["crc"]) == (768, compiled().crc)
        assert reader.values("trial.gain").engineering[-1] == 62
    state = archived_state(archive, DICTIONARY, StartState())
    assert (state.mode, state.parameters["trial.gain"]) == ("SAFE", 62)
    text = staffed.file("day.seq", "WAIT trial.gain == 62 TIMEOUT 00:00:05")
    status, out, _ = staffed.seq("rehearse", text, "--from-archive", "--tail", "5", "--json")
    result = json.loads(out)
    assert (status, result["completed"], result["modes"][0]["name"]) == (0, True, "SAFE")


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["check", "missing.seq"], 2, "missing.seq cannot be read"),
        (["upload", "missing.seq"], 2, "missing.seq cannot be read"),
        (["run"], 2, "ID"),
        (["abort"], 2, "one id, or --all"),
        (["schedule", "80"], 2, "add --at"),
        (["schedule", "80", "--at", "noon"], 2, "no absolute time"),
        (["rehearse", "missing.seq", "--from-archive", "--from-live"], 2, "missing.seq"),
    ],
)
def test_arguments_that_are_wrong(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, arguments: list[str], status: int, said: str
) -> None:
    monkeypatch.chdir(desk.folder)
    found, _, err = desk.seq(*arguments)
    assert (found, said in err) == (status, True), err


def test_check_and_rehearse_have_an_exit_status_for_what_they_find(desk: Desk) -> None:
    bad = desk.file("bad.seq", "R00:00:00 CORE.PONG\nCORE.PING")
    status, out, _ = desk.seq("check", bad)
    assert (status, out.count("error:"), out.splitlines()[-1]) == (5, 2, "2 errors")
    status, out, _ = desk.seq("check", bad, "--json")
    assert (status, [row["kind"] for row in json.loads(out)]) == (5, ["command", "time"])
    plan = desk.file("plan.seq", "WAIT trial.gain == 99 TIMEOUT 00:00:01")
    for arguments in (["show", bad], ["rehearse", bad], ["schedule", plan, "--at", "2026-331T12:00:00"]):
        assert desk.seq(*arguments)[0] == 2, arguments
    slow = desk.file("slow.seq", "WAIT trial.gain == 99 TIMEOUT 00:00:01")
    status, out, _ = desk.seq("rehearse", slow, "--tail", "1")
    assert (status, "ended at step 1 with TIMEOUT" in out) == (5, True)


def test_compile_and_show(desk: Desk) -> None:
    path = desk.file("one.seq", "SEQUENCE 80 one\nR00:00:05 CORE.PING")
    assert desk.seq("compile", path)[:2] == (0, "0000001388021101\n")
    output = desk.folder / "one.bin"
    assert desk.seq("compile", path, "-o", str(output))[0] == 0
    assert output.read_bytes().hex() == "0000001388021101"
    status, out, _ = desk.seq("show", path, "--octets")
    assert (status, out.splitlines()[0]) == (0, "sequence 80 one: 1 steps, 8 octets, takes 00:00:05")
    assert out.splitlines()[-1].strip() == "00 00 00 13 88 02 11 01"


def test_every_action_explains_itself_with_an_example(desk: Desk) -> None:
    names = "check show compile rehearse upload run status list abort delete schedule"
    for name in names.split(" "):
        status, out, _ = desk.seq(name, "--help")
        assert (status, f"perilune seq {name}" in out.split("options:")[0]) == (0, True), name


def test_a_port_that_goes_away_for_ten_seconds(desk: Desk) -> None:
    """The adapter is unplugged as soon as the first octets are up, and comes back; the same call goes on."""
    with PtyBoard(desk.folder) as served:
        (desk.folder / "perilune.toml").write_text(f'[targets.board]\nport = "{served.url}"\nmissions = ["{TRIAL}"]\n')
        timers: list[threading.Timer] = []

        def told(progress: LoadProgress) -> None:
            if progress.stage == "loading" and not timers:
                served.unplug()
                timers.append(threading.Timer(AWAY_S, served.plug))
                timers[0].start()

        with open_ground(None, configuration=desk.folder / "perilune.toml") as ground:
            ground.check_dictionary()
            began = time.monotonic()
            result = Loader(GroundBoard(ground), compiled(), told=told).load()
            assert time.monotonic() - began > AWAY_S
            timers[0].join()
            assert result.crc == compiled().crc
            assert content(GroundBoard(ground), 80) == compiled().octets


@pytest.mark.parametrize("staffed", ["sitl"], indirect=True)
def test_a_rehearsal_starts_from_the_board_and_is_drawn(staffed: Desk) -> None:
    """What the board has now holds at the start; the drawings and the run are there afterwards."""
    config = ["--config", str(staffed.folder / "perilune.toml")]
    assert main(["params", "set", "trial.gain=33", *config]) == 0
    text = staffed.file("live.seq", "WAIT trial.gain == 33 TIMEOUT 00:00:05")
    plot = staffed.folder / "live"
    status, out, err = staffed.seq(
        "rehearse", text, "--from-live", "--listen", "13", "--tail", "5", "--plot", str(plot), "--json"
    )
    result = json.loads(out)
    assert (status, result["completed"], result["start"]["mode"]) == (0, True, "SAFE"), out
    assert result["start"]["source"] == "the board's housekeeping of now"
    assert result["start"]["parameters"]["trial.gain"] == 33
    assert plot.with_suffix(".png").read_bytes().startswith(b"\x89PNG")
    assert "<html" in plot.with_suffix(".html").read_text(encoding="utf-8")[:200].lower()
    assert plot.with_suffix(".npz").is_file()
    assert err.splitlines()[-2:] == [str(plot.with_suffix(".png")), str(plot.with_suffix(".html"))]


@pytest.mark.parametrize("staffed", ["sitl"], indirect=True)
def test_a_rehearsal_of_a_board_that_is_silent_ends_with_its_reason(staffed: Desk) -> None:
    (staffed.folder / "perilune.toml").write_text('[targets.board]\nport = "loop://"\n')
    text = staffed.file("live.seq", "R00:00:00 CORE.PING")
    status, out, err = staffed.seq("rehearse", text, "--from-live", "--listen", "2")
    assert (status, out, "the board is not heard; expected frames within 4 s" in err) == (4, "", True)
