"""`perilune link --archive` as a process: what is commanded over the shared port is in the archive, and stays there."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from perilune.archive import ArchiveReader, ArchiveWriter
from perilune.dictionary.load import CORE, load

from tests.system.operators_desk import Desk, own_folders
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
