"""What goes wrong at an operator's desk: ports, lines, owners, boards. A clear state or error each time, no hang."""

from __future__ import annotations

import contextlib
import io
import json
import os
import random
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flight.hal.null import RESET_POWER_ON
from perilune.client import link_server
from perilune.client import messages as m
from perilune.client.attached_link import AttachedLink
from perilune.client.command_run import Outcome
from perilune.client.ground import Ground
from perilune.client.local_address import LocalAddress
from perilune.client.open_ground import find_target, link_to, number_file_of, open_ground, own_link
from perilune.client.own_folders import name_of, runtime_folder
from perilune.dictionary import load
from perilune.dictionary.load import CORE
from perilune.errors import MismatchError, OwnerLostError, PortBusyError
from perilune.link.keys import BLOCK
from perilune.link.link_state import Condition

from tests.system.operators_desk import Desk, own_folders
from tests.system.served_board import PtyBoard, TcpBoard
from tests.system.targets import ROOT, TRIAL

DICTIONARY = load([CORE, TRIAL])
WAIT_S = 20.0


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Desk]:
    """A desk with `sitl` behind TCP; nobody owns the port."""
    with own_folders(tmp_path, monkeypatch), TcpBoard() as board:
        yield Desk(tmp_path, board.url, capsys)


@pytest.fixture
def pty_board(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PtyBoard]:
    """`sitl` behind a pseudo-terminal."""
    with own_folders(tmp_path, monkeypatch), PtyBoard(tmp_path) as board:
        (tmp_path / "perilune.toml").write_text("", encoding="utf-8")
        yield board


def eventually(is_done: Callable[[], object], step: Callable[[], object]) -> None:
    """Let `step` work until something is so."""
    end_s = time.monotonic() + WAIT_S
    while not is_done():
        assert time.monotonic() < end_s, "what was waited for did not happen"
        step()


# --- sharing ----------------------------------------------------------------------------------------------------------


def test_two_programs_command_one_board_and_see_all_of_it(desk: Desk) -> None:
    with desk.share() as server, open_ground() as first, open_ground() as second:
        assert isinstance(first.link, AttachedLink)
        seen: list[str] = []
        second.subscribe(lambda report: seen.append(f"{report.header.service}/{report.header.subtype}"))  # type: ignore[union-attr]
        runs = [
            (ground, ground.begin(ground.telecommand("core.ping"), "ping", WAIT_S))
            for _ in range(5)
            for ground in (first, second)
        ]
        for ground, run in runs:
            assert [result.outcome for result in ground.follow([run])] == [Outcome.COMPLETED]
        assert len({run.submission.request_id for _, run in runs}) == 10
        second.run(0.2)
        assert seen.count("17/2") == 10
        assert server.status().sharing.clients == 2


def test_numbers_that_cannot_be_noted_cost_commands_and_not_the_downlink(desk: Desk) -> None:
    with desk.share() as server, open_ground() as ground:
        assert ground.command("CORE.PING", timeout_s=WAIT_S).success
        numbers = Path(server.status().uplink.numbers)
        in_the_way = numbers.with_name(numbers.name + ".new")
        in_the_way.mkdir()
        for _ in range(BLOCK):  # those that are noted already
            result = ground.command("CORE.PING", timeout_s=WAIT_S)
            if not result.success:
                break
        assert result.outcome is Outcome.NOT_DELIVERED
        assert "cannot note the sequence numbers" in result.detail
        frames = server.status().downlink.frames
        eventually(lambda: server.status().downlink.frames > frames, lambda: ground.run(0.05))
        in_the_way.rmdir()
        assert ground.command("CORE.PING", timeout_s=WAIT_S).success


def test_a_program_that_does_not_read_is_not_waited_for(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link_server, "QUEUE_OCTETS", 2000)
    with desk.share() as server, open_ground() as ground:
        found = LocalAddress(desk.url).connect()
        assert found is not None
        sleeper = m.MessageStream(found[0])
        sleeper.put(m.Hello())
        eventually(lambda: server.status().sharing.clients == 2, lambda: ground.run(0.05))
        for guest in server._guests:  # what the system itself keeps for a socket is more than a test can say
            guest.stream.connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2048)
        for _ in range(60):
            assert ground.request("core.read_all_parameters", timeout_s=WAIT_S).success
            if server.status().sharing.dropped:
                break
        assert server.status().sharing.dropped > 0
        missed = [0]

        def read() -> None:
            for octets in sleeper.take():
                message = m.TO_ATTACHED.decode(octets)
                missed[0] += message.events if isinstance(message, m.Missed) else 0
            time.sleep(0.01)

        eventually(lambda: missed[0], read)
        sleeper.close()
        eventually(lambda: server.status().sharing.clients == 1, lambda: ground.run(0.05))


def test_only_the_same_user_may_attach(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    with desk.share():
        [path] = runtime_folder().glob("*.socket")
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(runtime_folder().stat().st_mode) == 0o700
        if hasattr(socket, "SO_PEERCRED"):
            monkeypatch.setattr("perilune.client.local_address.struct.unpack", lambda *_: (1, os.getuid() + 1, 1))
            assert not AttachedLink("x", LocalAddress(desk.url)).attach()


def test_without_local_sockets_a_token_is_needed(desk: Desk) -> None:
    address = LocalAddress(desk.url, local_sockets=False)
    server = link_server.LinkServer(own_link(find_target("board")), address)
    try:
        [path] = runtime_folder().glob("*.address")
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        for token, welcome in ((None, True), ("0" * 32, False)):
            found = LocalAddress(desk.url, local_sockets=False).connect()
            assert found is not None
            stream = m.MessageStream(found[0])
            stream.put(m.Hello(token=found[1] if token is None else token))
            answers: list[bytes] = []
            end_s = time.monotonic() + WAIT_S
            try:
                while not answers and time.monotonic() < end_s:
                    server.step(0.01)
                    answers = stream.take()
            except OwnerLostError:
                assert not welcome
            assert bool(answers) == welcome
            stream.close()
    finally:
        server.close()


@pytest.mark.parametrize(
    ("local_sockets", "octets"),
    [
        (False, b"\x82\xa4type\xa5Hello\xa5token\xa2\xc3\xa9"),
        (True, b"\x82\xa4type\xa5Hello\xa1x" + b"\x91" * 20_000 + b"\xc0"),
        (True, b"\x82\xa4type\xa5Hello\xa5token\xa1\xff"),
    ],
    ids=["a token with an accent", "arrays in arrays", "no text"],
)
def test_the_owner_parts_from_a_program_that_talks_nonsense(desk: Desk, local_sockets: bool, octets: bytes) -> None:
    server = link_server.LinkServer(own_link(find_target("board")), LocalAddress(desk.url, local_sockets))
    try:
        found = LocalAddress(desk.url, local_sockets).connect()
        assert found is not None
        found[0].sendall(len(octets).to_bytes(4, "big") + octets)
        stream = m.MessageStream(found[0])
        with pytest.raises(OwnerLostError, match="has gone"):
            eventually(stream.take, lambda: server.step(0.01))
        stream.close()
        assert server.status().sharing.attached == 0
    finally:
        server.close()


def start_owner(desk: Desk) -> subprocess.Popen[str]:
    """`perilune link` as a process of its own; it has reported once when this returns."""
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(str(ROOT / part) for part in ("host_tools", "firmware", ".")),
    }
    command = [sys.executable, "-m", "perilune", "link", "board", "--json", "--every", "0.1"]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert process.stdout is not None
    assert process.stdout.readline()
    return process


def test_owner_killed_and_started_again(desk: Desk) -> None:
    owner = start_owner(desk)
    try:
        with open_ground() as ground:
            assert ground.command("CORE.PING", timeout_s=WAIT_S).success
            owner.send_signal(signal.SIGKILL)
            owner.communicate()
            eventually(lambda: ground.state.condition is Condition.NO_OWNER, lambda: ground.step(0.05))
            refused = ground.command("CORE.PING", timeout_s=5)
            assert (refused.outcome, "perilune link" in refused.detail) == (Outcome.NOT_DELIVERED, True)
            owner = start_owner(desk)
            eventually(lambda: ground.state.condition is Condition.UP, lambda: ground.step(0.05))
            assert ground.command("CORE.PING", timeout_s=WAIT_S).success
            assert isinstance(ground.link, AttachedLink)
            assert ground.link.owners == 2
    finally:
        owner.kill()
        owner.communicate()


# --- ports and lines --------------------------------------------------------------------------------------------------


def test_a_port_that_another_program_has(desk: Desk) -> None:
    with open_ground(), pytest.raises(PortBusyError) as caught:
        own_link(find_target("board"))
    assert str(os.getpid()) in str(caught.value)


def test_a_port_is_the_same_however_it_is_written(desk: Desk) -> None:
    number = desk.url.rpartition(":")[2]
    with desk.share():
        for host in ("socket://127.0.0.1", "tcp://localhost", "socket://LOCALHOST", "tcp://[::1]"):
            target = find_target(f"{host}:{number}")
            with contextlib.closing(link_to(target)) as link:
                assert isinstance(link, AttachedLink)
                status = link.status()
            assert status is not None
            assert status.uplink.numbers == str(number_file_of(find_target("board")))
            with pytest.raises(PortBusyError):
                own_link(target)
    for other in ("tcp://127.0.0.2:1", "tcp://127.0.0.1:2", "rfc2217://127.0.0.1:1", "tcp://127.0.0.1"):
        assert name_of(other) != name_of("tcp://127.0.0.1:1")


def test_numbers_go_with_a_serial_adapter_not_with_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERILUNE_STATE_DIR", str(tmp_path))
    monkeypatch.setattr("perilune.client.own_folders.SERIAL_BY_ID", tmp_path / "by-id")
    ports = [tmp_path / f"ttyUSB{number}" for number in range(2)]
    adapter = tmp_path / "by-id" / "usb-FTDI_A1"
    adapter.parent.mkdir()
    files = []
    for port in ports:
        port.touch()
        adapter.unlink(missing_ok=True)
        adapter.symlink_to(port)
        files += [number_file_of(find_target(str(name))) for name in (port, adapter)]
        assert name_of(str(adapter)) == name_of(str(port)), "one lock for one device"
    assert len(set(files)) == 1
    assert number_file_of(find_target(str(ports[0]))) not in files, "nothing is told of what is there now"


def test_a_serial_port_that_somebody_else_has(
    pty_board: PtyBoard, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Another user's program: its lock file is not ours, the lock of the port itself is."""
    target = find_target(pty_board.url)
    link = own_link(target)
    monkeypatch.setenv("PERILUNE_RUNTIME_DIR", str(tmp_path / "another"))
    try:
        with pytest.raises(PortBusyError) as caught:
            own_link(target)
        assert "perilune link" in str(caught.value)
    finally:
        link.close()
    own_link(target).close()  # the failure has left no lock behind


def test_a_line_of_garbage_names_the_baud_rate(pty_board: PtyBoard, capsys: pytest.CaptureFixture[str]) -> None:
    pty_board.garbage = random.Random(1).randbytes(4096)
    desk = Desk(Path(pty_board.url).parent, pty_board.url, capsys)
    with Ground(link_to(find_target("board")), DICTIONARY) as ground:
        eventually(lambda: ground.state.condition is Condition.NO_FRAMES, lambda: ground.step(0.1))
        assert "wrong baud rate" in str(ground.state)
    status, _, error = desk.run("send", "CORE.PING", "--timeout", "3")
    assert (status, error.count("\n"), "Traceback" in error) == (4, 1, False)


def test_unplugged_in_the_middle_of_a_command(pty_board: PtyBoard) -> None:
    with Ground(link_to(find_target(pty_board.url)), DICTIONARY) as ground:
        assert ground.command("CORE.PING", timeout_s=WAIT_S).success
        run = ground.begin(ground.parse("TRIAL.SLOW steps=200 code=0").telecommand(), "slow", 3.0)
        eventually(lambda: len(run.stages) >= 3, lambda: ground.step(0.05))
        pty_board.unplug()
        [cut] = ground.follow([run])
        assert cut.outcome is Outcome.NO_REPORT
        assert ground.state.condition is Condition.NO_PORT
        pty_board.plug()
        eventually(lambda: ground.state.condition is Condition.UP, lambda: ground.step(0.05))
        assert ground.command("CORE.PING", timeout_s=WAIT_S).success


# --- boards -----------------------------------------------------------------------------------------------------------


def test_a_board_that_loses_power_is_commanded_again(desk: Desk) -> None:
    """W-054: its N(R) is 0 again and its numbers are ahead; the ground goes on as soon as it has heard of the start."""
    with TcpBoard() as board, Ground(own_link(find_target(board.url)), DICTIONARY) as ground:
        for restarts in (1, 2):
            assert ground.command("CORE.PING", timeout_s=5).success
            board.restart(RESET_POWER_ON)
            eventually(lambda: ground.status.restarts == restarts, lambda: ground.step(0.05))  # type: ignore[union-attr]  # noqa: B023
        assert ground.command("CORE.PING", timeout_s=5).success


class Typist(io.StringIO):
    """What somebody at a terminal types."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("answer", "status", "executed"), [("yes\n", 0, True), ("y\n", 1, False), ("\n", 1, False), ("", 1, False)]
)
def test_a_hazardous_command_asks_on_a_terminal(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, answer: str, status: int, executed: bool
) -> None:
    """The last answer is Ctrl-D."""
    monkeypatch.setattr("sys.stdin", Typist(answer))
    with desk.share():
        found, out, error = desk.run("send", "TRIAL.DANGEROUS")
    assert (found, "completed" in out, "was not sent" in error) == (status, executed, not executed)
    assert "TRIAL.DANGEROUS is hazardous" in error
    assert error.count("Type yes:") == 1


def test_the_question_is_no_part_of_the_json(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", Typist("yes\n"))
    with desk.share():
        found, out, error = desk.run("send", "TRIAL.DANGEROUS", "--json")
    assert (found, json.loads(out)["outcome"], "Type yes:" in error) == (0, "completed", True)


def test_a_board_with_another_dictionary_is_not_commanded(desk: Desk) -> None:
    with Ground(own_link(find_target("board")), load([CORE])) as ground, pytest.raises(MismatchError) as caught:
        ground.command("CORE.PING")
    assert DICTIONARY.content_hash[:4].hex() in str(caught.value)
    with Ground(own_link(find_target("board")), load([CORE]), override_dictionary=True) as ground:
        assert ground.command("CORE.PING", timeout_s=WAIT_S).success
