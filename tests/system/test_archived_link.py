"""`perilune link --archive` as a process: what is commanded over the shared port is in the archive, and stays there."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from perilune.archive import ArchiveReader, ArchiveWriter
from perilune.dictionary.load import CORE, load

from tests.system.operators_desk import Desk, own_folders
from tests.system.sequence_line import LONG
from tests.system.served_board import PtyBoard, QemuTransport, TcpBoard
from tests.system.targets import TRIAL, QemuTarget

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(params=["sitl", pytest.param("qemu", marks=pytest.mark.board)])
def desk(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Desk]:
    """A desk with a board: `sitl` behind TCP, the emulated one behind a pseudo-terminal."""
    with contextlib.ExitStack() as stack:
        stack.enter_context(own_folders(tmp_path, monkeypatch))
        if request.param == "sitl":
            board = stack.enter_context(TcpBoard())
            yield Desk(tmp_path, board.url, capsys)
        else:
            target = QemuTarget(tmp_path)
            stack.callback(target.stop)
            terminal = stack.enter_context(PtyBoard(tmp_path, QemuTransport(target)))
            yield Desk(tmp_path, terminal.url, capsys)


@contextlib.contextmanager
def owner(archive: Path) -> Iterator[subprocess.Popen[str]]:
    """`perilune link` in a process of its own, once it reports."""
    process = subprocess.Popen(
        [sys.executable, "-m", "perilune", "link", "board", "--archive", str(archive), "--every", "0.2"],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": "host_tools:firmware:."},
    )
    assert process.stdout is not None
    try:
        assert process.stdout.readline(), "the owner ended"
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def test_what_goes_over_a_shared_port_is_archived(desk: Desk) -> None:
    path = desk.folder / "board.sqlite"
    with owner(path) as process:
        sent = desk.json("send", "TRIAL.SLOW steps=2 code=0", "--target", "board", "--timeout", "20")
        assert sent["outcome"] == "completed"
        status, _, error = desk.run("link", "board", "--archive", str(desk.folder / "other.sqlite"), "--for", "0.1")
        assert status != 0
        assert "owner" in error
        with ArchiveReader(path) as reader:
            deadline = time.monotonic() + 20
            while not any(row["verification"] for row in reader.commands()) and time.monotonic() < deadline:
                time.sleep(0.05)
            stored = len(list(reader.frames()))
        process.send_signal(signal.SIGKILL)
    dictionary = load([CORE, TRIAL])
    with ArchiveWriter(path, dictionary):
        pass  # reads out what the killed process had stored and not read
    with ArchiveReader(path) as reader:
        assert len(list(reader.frames())) >= stored > 0
        [command] = reader.commands()
        assert len(reader.values("core.uptime_s")) > 0
        assert [gap for gap in reader.gaps() if gap["kind"] != "frame"] == []
    assert (command["text"], command["delivery"]) == ("TRIAL.SLOW steps=2 code=0", "delivered")
    stages = [stage["stage"] for stage in command["verification"]]
    assert stages == ["acceptance", "start", "progress", "completion"]


def test_a_long_sequence_over_a_shared_port_is_archived(desk: Desk) -> None:
    """64 steps with a WAIT, loaded and run by tools that attach; what the archive says of it."""
    path = desk.folder / "board.sqlite"
    file = desk.folder / "long.seq"
    file.write_text(LONG, encoding="utf-8")
    with owner(path) as process:
        status, out, error = desk.run("seq", "upload", str(file), "--target", "board")
        assert (status, out.startswith("sequence 80: 64 steps, 768 octets, loaded")) == (0, True), error
        status, out, error = desk.run("seq", "run", "80", "--target", "board", "--json")
        rows = [json.loads(line) for line in out.splitlines()]
        assert (status, [row["step"] for row in rows[:-1]]) == (0, list(range(64))), error
        # The last value is in a report of its own.
        assert desk.run("hk", "watch", "trial.gain", "--for", "2s", "--target", "board")[0] == 0
        process.send_signal(signal.SIGINT)
        process.wait(20)
    steps = archived(desk, path, "--reports", "verification")
    assert [row["step"] for row in steps if row.get("stage") == "progress"] == list(range(63))
    commands = archived(desk, path, "--commands")
    run_stages = [row["verification"] for row in commands if row["text"].startswith("SEQUENCE.ACTIVATE")]
    assert [stage["stage"] for stage in run_stages[0] if stage["stage"] != "progress"] == [
        "acceptance",
        "start",
        "completion",
    ]
    assert archived(desk, path, "trial.gain")[-1]["value"] == 62


def archived(desk: Desk, path: Path, *asked: str) -> list[dict[str, Any]]:
    """What `archive query` prints."""
    kind = asked[:1] if asked[0].startswith("--") else asked
    status, out, error = desk.run("archive", "query", str(path), *kind, "--json")
    assert status == 0, error
    rows: list[dict[str, Any]] = [json.loads(line) for line in out.splitlines()]
    return rows if len(asked) == 1 else [row for row in rows if row["report"] == asked[1]]
