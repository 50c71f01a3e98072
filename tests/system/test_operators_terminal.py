"""What terminals and pipes get: progress where somebody looks, colours where they are wanted, data alone in a pipe."""

from __future__ import annotations

import contextlib
import os
import pty
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system.operators_desk import own_folders
from tests.system.served_board import TcpBoard
from tests.system.targets import ROOT, TRIAL

WAIT = "SEQUENCE 80 slow\nR00:00:00 CORE.PING\nWAIT trial.gain == 99 TIMEOUT 00:00:03\n"
COLOUR = re.compile(r"\x1b\[[0-9;]*[34][0-7]m")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A desk with a board behind TCP, and a port on which nobody says anything."""
    made = tmp_path_factory.mktemp("desk")
    with pytest.MonkeyPatch.context() as patch, own_folders(made, patch), TcpBoard() as board:
        (made / "perilune.toml").write_text(
            f'default = "board"\n[targets.board]\nport = "{board.url}"\nmissions = ["{TRIAL.as_posix()}"]\n'
            '[targets.silent]\nport = "loop://"\n'
        )
        (made / "wait.seq").write_text(WAIT)
        yield made


def run(
    folder: Path, line: str, *, out_is_terminal: bool, until: str | None = None, **variables: str
) -> tuple[int, str, str]:
    """Exit status, what came through the pipe, and what the terminal got; errors go to the terminal.

    `until` is a pattern: Ctrl-C as soon as the terminal shows it.
    """
    path = os.pathsep.join(str(ROOT / part) for part in ("host_tools", "firmware"))
    environment = {**os.environ, "PYTHONPATH": path, "TERM": "xterm-256color", "COLUMNS": "120", **variables}
    for name in {"NO_COLOR", "FORCE_COLOR", "PERILUNE_CONFIG"} - variables.keys():
        environment.pop(name, None)
    terminal, other = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "perilune", *line.split()],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=other if out_is_terminal else subprocess.PIPE,
        stderr=other,
    )
    os.close(other)
    octets = b""
    with contextlib.suppress(OSError):  # the terminal ends with the process
        while part := os.read(terminal, 4096):
            octets += part
            if until is not None and re.search(until, octets.decode(errors="replace")):
                process.send_signal(signal.SIGINT)
                until = None
    os.close(terminal)
    piped = process.communicate()[0] or b""
    return process.returncode, piped.decode(), octets.decode()


@pytest.mark.parametrize(
    ("line", "told", "status"),
    [
        ("ping -t silent", "waiting for the board to say which dictionary it speaks, [1-4] s", 4),
        ("hk check -t silent", "waiting for frames of the board, [1-4] s", 4),
        ("time status --samples 2 --interval 1.6", "clock, sample 2 of 2, [1-3] s", 0),
        ("seq rehearse wait.seq --from-live --listen 3 --tail 1", "listening for 3 s, [1-3] s", 5),
    ],
)  # fmt: skip
def test_a_terminal_is_told_what_is_waited_for(folder: Path, line: str, told: str, status: int) -> None:
    found, out, shown = run(folder, line, out_is_terminal=False)
    assert found == status, shown
    assert re.search(rf"\r{told}", shown), shown
    assert "\x1b" not in out + shown
    # What was told goes before the next line comes.
    assert not re.search(rf"{told} *\n", shown)


def test_a_sequence_that_waits_is_told(folder: Path) -> None:
    status, _, shown = run(folder, "seq upload wait.seq", out_is_terminal=False)
    assert (status, "octets" in shown, "\x1b" in shown) == (0, True, False), shown
    status, out, shown = run(folder, "seq run 80", out_is_terminal=False)
    assert (status, "step 1 of 2" in out, "ended at step 2" in out) == (3, True, True)
    assert re.search(r"\rsequence 80 runs, [1-3] s", shown), shown


PRINTING = [
    "targets",
    "modes",
    "monitors",
    "schedule",
    "events list",
    "events --for 2",
    "params get core.*",
    "hk check --for 2",
    "hk watch core --for 2",
    "seq list",
    "ping --count 1",
    "time --samples 1",
    "dictionary show core.ping",
    "--help",
    "hk --help",
]


@pytest.mark.parametrize("line", PRINTING)
def test_a_pipe_gets_no_escapes(folder: Path, line: str) -> None:
    status, out, _ = run(folder, line, out_is_terminal=False, FORCE_COLOR="")
    assert (status in (0, 5), "\x1b" in out, bool(out) or "events" in line) == (True, False, True)


@pytest.mark.parametrize("line", ["hk watch core --for 2", "events --for 2", "modes", "params get core.*"])
def test_a_terminal_that_wants_no_colour_gets_none(folder: Path, line: str) -> None:
    status, _, shown = run(folder, line, out_is_terminal=True, NO_COLOR="1")
    assert (status, COLOUR.findall(shown)) == (0, [])


def test_a_terminal_gets_colour_otherwise(folder: Path) -> None:
    """So that the test above can fail."""
    status, _, shown = run(folder, "hk watch core --for 60", out_is_terminal=True, until=COLOUR.pattern)
    assert (status, bool(COLOUR.search(shown))) == (0, True), shown


@pytest.mark.parametrize("line", ["hk watch core.uptime_s --for 60", "modes"])
def test_a_dumb_terminal_gets_plain_lines(folder: Path, line: str) -> None:
    told = None if line == "modes" else "core.uptime_s.*\n"
    status, _, shown = run(folder, line, out_is_terminal=True, until=told, TERM="dumb")
    assert (status, "\x1b" in shown, "core.uptime_s" in shown or "SAFE" in shown) == (0, False, True)


def test_progress_comes_after_a_second_and_goes(capsys: pytest.CaptureFixture[str]) -> None:
    from io import StringIO  # noqa: PLC0415

    from perilune.client.progress import Progress  # noqa: PLC0415

    class Terminal(StringIO):
        def isatty(self) -> bool:
            return True

    terminal, now = Terminal(), [0.0]
    progress = Progress(terminal, lambda: now[0])
    for second in range(20):
        now[0] = second / 10
        progress("waiting for a")
    assert terminal.getvalue() == "\rwaiting for a, 1 s\rwaiting for a, 2 s"
    progress("")
    assert terminal.getvalue().endswith("\r" + " " * 18 + "\r")
