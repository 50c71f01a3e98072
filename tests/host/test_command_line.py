"""The command line: every subcommand has help with an example, and none imports what it does not need."""

from __future__ import annotations

import argparse
import errno
import itertools
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from perilune.cli import build_parser, main, subcommand_names

ROOT = Path(__file__).resolve().parents[2]
# What prints no data of its own, and why.
NO_JSON = {
    "console": "a screen for people",
    "completion": "a program for a shell",
}
HEAVY = ("numpy", "rich", "textual", "serial", "flight.topology", "perilune.dictionary.load")


def inner_parsers(parser: argparse.ArgumentParser) -> list[Mapping[str, argparse.ArgumentParser]]:
    """Parsers of what may follow."""
    return [row.choices for row in parser._actions if isinstance(row, argparse._SubParsersAction)]


def actions() -> list[str]:
    """Every subcommand, and each action that has a parser of its own ("seq upload")."""
    found = []
    for name in subcommand_names():
        [outer] = inner_parsers(build_parser([name]))
        inner = inner_parsers(outer[name])
        found += [name, *(f"{name} {action}" for choices in inner for action in choices)]
    return found


@pytest.mark.parametrize("name", actions())
def test_help_has_an_example(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*name.split(), "--help"])
    assert ended.value.code == 0
    # Below the line of usage, which names it anyhow.
    assert re.search(rf"^ +perilune {name}\b", capsys.readouterr().out, re.MULTILINE)


def test_help_of_operators_commands_imports_nothing_heavy() -> None:
    names = ["send", "ping", "events", "params", "schedule", "monitors", "time", "modes", "targets", "link", "gateway"]
    program = (
        "import sys; from perilune.cli import build_parser\n"
        f"build_parser({names!r}); print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(str(ROOT / part) for part in ("host_tools", "firmware"))}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "[]"


def leaves() -> list[tuple[str, argparse.ArgumentParser]]:
    """Every parser that does something, with its words."""
    found = []
    for name in subcommand_names():
        [outer] = inner_parsers(build_parser([name]))
        inner = inner_parsers(outer[name])
        found += [(f"{name} {action}", sub) for choices in inner for action, sub in choices.items()]
        if not inner:
            found.append((name, outer[name]))
    return found


def test_everything_that_prints_data_prints_it_as_json() -> None:
    without = {
        name
        for name, parser in leaves()
        if name not in NO_JSON and not any("--json" in action.option_strings for action in parser._actions)
    }
    assert without == set()


# --- where options may stand ------------------------------------------------------------------------------------------

LINES = [
    (["params", "get", "core.uptime_s", "modes.mode"], {"names": ["core.uptime_s", "modes.mode"]}),
    (["params", "set", "modes.reset_limit=2", "a.b=3"], {"settings": ["modes.reset_limit=2", "a.b=3"]}),
    (["params", "diff", "a.toml", "b.toml"], {"file": Path("a.toml"), "second": Path("b.toml")}),
    (["events", "watch", "power.*", "core.boot"], {"names": ["power.*", "core.boot"]}),
    (["events", "disable", "power.*"], {"names": ["power.*"]}),
    (["monitors", "disable", "thermal.*"], {"names": ["thermal.*"]}),
    (["monitors"], {"action": "list", "names": []}),
    (["schedule", "delete", "0:100:17"], {"requests": [{"source": 0, "apid": 100, "sequence": 17}]}),
    (["schedule", "shift", "--by", "-30"], {"by": -30.0, "requests": []}),
    (["modes", "go", "STANDBY"], {"mode": "STANDBY"}),
    (["modes"], {"action": "show"}),
    (["time", "sync", "--samples", "3"], {"action": "sync", "samples": 3}),
    (["seq", "upload", "day.seq", "--replace"], {"file": Path("day.seq"), "replace": True}),
    (["seq", "run", "20"], {"identifier": 20}),
    (["hk", "watch", "power", "core.*"], {"points": ["power", "core.*"]}),
    (["send", "CORE.PING", "MODES.CHANGE mode=SAFE"], {"commands": ["CORE.PING", "MODES.CHANGE mode=SAFE"]}),
]


def placed(words: list[str], *options: list[str]) -> Iterator[list[str]]:
    """The words with each option at each place behind the subcommand; an option of the words keeps its value."""
    places = [
        at for at in range(1, len(words) + 1) if not words[at - 1].startswith("--") or words[at - 1] == "--replace"
    ]
    for chosen in itertools.product(places, repeat=len(options)):
        line = list(words)
        for at, option in sorted(zip(chosen, options, strict=True), key=lambda row: -row[0]):
            line[at:at] = option
        yield line


@pytest.mark.parametrize(
    ("words", "expected"), LINES, ids=lambda value: " ".join(value) if isinstance(value, list) else ""
)
def test_options_stand_anywhere(words: list[str], expected: dict[str, object]) -> None:
    parser = build_parser([words[0]])
    for line in placed(words, ["-t", "bench"], ["--json"]):
        found = vars(parser.parse_args(line))
        wanted = {"target": "bench", "json": True, **expected}
        assert {name: found[name] for name in wanted} == wanted, line


# --- mistakes ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("sned CORE.PING", "there is no subcommand sned; expected .*try: perilune send"),
        ("params gte", "there is no action gte; expected get, set, dump, load, diff; try: perilune params get"),
        ("modes STANDBY", "there is no action STANDBY; .*try: perilune modes go STANDBY"),
        ("monitors thermal.*", r"there is no action thermal\.\*; .*try: perilune monitors list thermal\.\*"),
        ("events --severity hihg", "cannot be hihg; expected info, low, medium, high; try: high"),
        ("hk check --jnuit x.xml", "--jnuit x.xml is not known here; try: --junit"),
        ("hk check --for nan", "expected a time such as 60s"),
        ("hk check --for 0", "expected a time such as 60s"),
        ("events --for -1", "expected a time such as 60s|expected one argument"),
        ("link --for nan", "expected a time such as 60s"),
        ("link --every 0", "expected a time such as 60s"),
        ("send CORE.PING --timeout nan", "expected a time such as 60s"),
        ("send CORE.PING --timeout 0", "expected a time such as 60s"),
        ("ping --timeout=-1", "expected a time such as 60s"),
        ("ping --count=-1", "expected a whole number from 1, found '-1'"),
        ("ping --count 0", "expected a whole number from 1"),
        ("ping --interval nan", "expected a time such as 60s"),
        ("time --samples 0", "expected a whole number from 1"),
        ("time --interval=-1", "expected a time such as 60s"),
        ("schedule shift --by nan", "expected seconds such as 30 or -1.5"),
        ("schedule shift --by 1e12", "expected seconds such as 30 or -1.5"),
        ("schedule delete 0:100", "expected SOURCE:APID:COUNT"),
        ("schedule delete 0:100:99999", "expected SOURCE:APID:COUNT"),
        ("seq rehearse a.seq --tail=-1", "expected a time such as 60s"),
        ("seq rehearse a.seq --for nan", "expected a time such as 60s"),
        *((f"seq {action} {number}", "expected the id of a sequence, 1 to 65535")
          for action in ("run", "delete", "abort") for number in ("0", "65536", "-1", "x")),
        *((f"seq {action} a.seq --id 70000", "expected the id of a sequence, 1 to 65535")
          for action in ("upload", "compile", "show")),
        ("seq show 70000", "expected the id of a sequence, 1 to 65535"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_line_that_says_what_to_write(
    line: str, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        status: object = main(line.split())
    except SystemExit as ended:
        status = ended.code
    captured = capsys.readouterr()
    assert (status, captured.out, captured.err.count("\n")) == (2, "", 1), captured.err
    assert re.search(told, captured.err), captured.err


def test_pauses_and_tails_may_be_nothing() -> None:
    assert build_parser(["ping"]).parse_args(["ping", "--interval", "0"]).interval == 0
    assert build_parser(["seq"]).parse_args(["seq", "rehearse", "a.seq", "--tail", "0"]).tail == 0


def test_words_of_a_command_belong_to_it_without_quotes() -> None:
    from perilune.command.send import joined  # noqa: PLC0415

    words = ["MODES.CHANGE", "mode=STANDBY", "CORE.PING", "CORE.SET_PARAMETERS", "(parameter=a.b value=1)", "X.Y z=1"]
    assert joined(words) == [
        "MODES.CHANGE mode=STANDBY",
        "CORE.PING",
        "CORE.SET_PARAMETERS (parameter=a.b value=1)",
        "X.Y z=1",
    ]
    assert joined(["mode=STANDBY"]) == ["mode=STANDBY"]


# --- what the system refuses ------------------------------------------------------------------------------------------

UNWRITABLE = [
    "params dump {no}/x.toml -t sitl",
    "hk check -t sitl --for 1h --junit {no}/x.xml",
    "hk check -t sitl --for 1h --keep {no}/x.bin",
    "seq rehearse {there} -t sitl --record {no}/x.npz",
    "seq rehearse {there} -t sitl --plot {no}/x",
    "seq compile {there} -t sitl -o {no}/x",
]


@pytest.fixture
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No perilune.toml, and nothing of this user."""
    monkeypatch.chdir(tmp_path)
    for name in ("PERILUNE_RUNTIME_DIR", "PERILUNE_STATE_DIR"):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))
    monkeypatch.delenv("PERILUNE_CONFIG", raising=False)
    (tmp_path / "one.seq").write_text("SEQUENCE 20\nR00:00:00 CORE.PING\n")
    return tmp_path


@pytest.mark.parametrize("line", UNWRITABLE)
def test_an_output_that_cannot_be_written_is_told_before_the_work(
    line: str, own_folders: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(line.format(no=own_folders / "nowhere", there="one.seq").split()) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "cannot use" in error
    assert "No such file or directory; try: check its name" in error


@pytest.mark.parametrize(
    "line",
    [
        "seq compile one.seq -t sitl -o ./one.seq",
        "seq rehearse one.seq -t sitl --record one.seq",
        "seq rehearse one.seq -t sitl --state one.html --plot one",
    ],
)
def test_what_is_read_is_not_overwritten(line: str, own_folders: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (own_folders / "one.html").write_text("")
    before = (own_folders / "one.seq").read_bytes()
    assert main(line.split()) == 2
    assert "is read, and would be overwritten" in capsys.readouterr().err
    assert (own_folders / "one.seq").read_bytes() == before


def test_no_permission_is_one_line_and_an_object(
    own_folders: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refused(*_: object, **__: object) -> None:
        raise OSError(errno.EACCES, os.strerror(errno.EACCES), "out.bin")

    monkeypatch.setattr(Path, "write_bytes", refused)
    assert main(["seq", "compile", "one.seq", "-t", "sitl", "-o", "out.bin", "--json"]) == 1
    captured = capsys.readouterr()
    assert captured.err == (
        "perilune seq: cannot use out.bin; expected a file or folder that is there and yours; found Permission denied; "
        "try: check its name, its folder and your permissions\n"
    )
    told = json.loads(captured.out)
    assert (told["error"], told["found"], told["exit_status"]) == ("cannot use out.bin", "Permission denied", 1)


@pytest.mark.parametrize(
    ("line", "told"),
    [("targets --json", "found No space left on device"), ("ping -t socket://foo --json", "cannot connect to")],
)
def test_an_error_is_one_line_also_where_the_output_is_full(
    line: str, told: str, own_folders: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(_: str) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(sys.stdout, "write", full)
    assert main(line.split()) == 1
    error = capsys.readouterr().err
    assert (error.count("\n"), told in error) == (1, True)


@pytest.mark.parametrize(
    ("line", "status", "told"),
    [
        ("modes go STANDBYY -t sitl", 2, "there is no mode STANDBYY; expected one of .*try: perilune modes go STANDBY"),
        ("hk check -t sitl --expect nofile.toml", 2, "nofile.toml cannot be read"),
        ("seq rehearse one.seq -t sitl --state nofile.toml", 2, "cannot read nofile.toml"),
        ("seq rehearse one.seq -t sitl --plot .", 2, ". names no file"),
        ("hk watch nosuch -t sitl", 2, "there is no point nosuch; try: one of core, "),
        ("hk watch core.uptime -t sitl", 2, "there is no point core.uptime; try: core.uptime_s"),
        ("params get core.uptime -t sitl", 2, "there is no point core.uptime; try: core.uptime_s"),
        ("params set modes.reset_limt=2 -t sitl", 2, "there is no parameter modes.reset_limt; try: modes.reset_limit"),
        ("events disable core.boto -t sitl", 2, "there is no event core.boto; try: core.boot"),
        ("monitors disable x -t sitl", 2, "the dictionary has no monitors; try: name the board's missions"),
        ("ping --config nofile.toml", 2, "cannot read nofile.toml; .*try: check the name behind --config"),
        ("ping --config one.seq", 2, "one.seq is not a configuration; .*try: `perilune targets --help`"),
        ("send CORE.PING -t loop://", 4, "expected frames within 4 s; found nothing came from loop://"),
        ("ping -t socket://foo", 1, r"cannot connect to socket://foo; expected socket://HOST:PORT"),
    ],
)  # fmt: skip
def test_status_and_next_step(
    line: str, status: int, told: str, own_folders: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = main(line.split())
    error = capsys.readouterr().err
    assert (found, error.count("\n")) == (status, 1), error
    assert re.search(told, error), error


def test_the_console_checks_its_points_too(
    own_folders: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for stream in ("stdin", "stdout"):
        monkeypatch.setattr(f"sys.{stream}.isatty", lambda: True, raising=False)
    assert main(["console", "nosuch", "-t", "sitl"]) == 2
    assert "there is no point nosuch; try: one of core, " in capsys.readouterr().err


def test_one_is_said_in_the_singular(own_folders: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["events", "disable", "core.boot", "-t", "sitl"]) == 0
    assert capsys.readouterr().out == "disabled 1 event\n"
    assert main(["seq", "schedule", "20", "--at", "2030-331T12:00:00", "-t", "sitl"]) == 0
    told = capsys.readouterr()
    assert told.out.splitlines()[-1] == "1 request is in the schedule, read back"
    assert told.err == "perilune seq: sequence 20 is not on board: load it before its time comes\n"


def test_a_new_project_as_json(own_folders: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["new", "rover", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["folder"], "rover/perilune.toml" in told["files"]) == ("rover", True)
    assert main(["new", "rover", "--json"]) != 0
    assert json.loads(capsys.readouterr().out)["error"] == "rover is there already"


def test_drawings_and_flashing_as_json(own_folders: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import numpy as np  # noqa: PLC0415
    from perilune.run_record import Column, RunRecord, write_run  # noqa: PLC0415

    from tests.host.test_flash import image_of  # noqa: PLC0415

    times = np.arange(3, dtype=np.float64)
    run = RunRecord("three", [Column("a", group="A")], times, np.zeros((3, 1), dtype=np.float32), [], [], {})
    write_run(Path("run.npz"), run)
    assert main(["plot", "run.npz", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"png": "run.png", "html": "run.html"}
    Path("firmware.bin").write_bytes(image_of())
    flash = ["flash", "pyboard_v11", "--image", "firmware.bin", "--method", "dfu", "--dry-run", "--json"]
    assert main(flash) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["board"], told["image"], told["dry_run"]) == ("pyboard_v11", "firmware.bin", True)
    assert any(line.startswith("would run (") for line in told["lines"])


def test_a_path_that_is_no_utf_8_is_json_too(own_folders: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = os.fsdecode(b"out-\xff")
    assert main(["dictionary", "export", "json", folder, "--json"]) == 0
    files = json.loads(capsys.readouterr().out)["files"]
    assert files
    assert all(name.startswith("out-\udcff/") for name in files)


def test_monitors_without_monitors(own_folders: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["monitors", "-t", "sitl"]) == 0
    assert capsys.readouterr().out == "the board has no monitors\n"


def test_a_wrong_command_is_json_too(own_folders: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["send", "-t", "sitl", "CORE.PONG", "--json"]) == 2
    captured = capsys.readouterr()
    told = json.loads(captured.out)
    assert (told["error"], told["found"], told["problems"][0]["kind"]) == ("this is no command", "CORE.PONG", "command")
    assert captured.err.startswith("perilune send: this is no command\nCORE.PONG\n^^^^^^^^^ there is no command")
    assert main(["params", "set", "-t", "sitl", "modes.reset_limit=1000000", "--json"]) == 2
    assert "out of range" in json.loads(capsys.readouterr().out)["error"]


def test_help_of_the_whole(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    out = capsys.readouterr().out
    assert re.search(r"^ +perilune send -t bench", out, re.MULTILINE)
    assert re.search(r"^ +5 +a check found violations", out, re.MULTILINE)
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert re.fullmatch(r"perilune \d+\.\d+\.\d+\n", capsys.readouterr().out)
