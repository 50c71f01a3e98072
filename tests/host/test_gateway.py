"""The gateway with real UDP sockets on ports of the system's choice, and boards behind TCP and a pseudo terminal."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import tty
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flight.limits import NUMBERS_AHEAD, TM_FRAME_LENGTH
from perilune.cli import main
from perilune.client.port_lock import PortLock
from perilune.command.gateway import _line
from perilune.errors import PortError
from perilune.link.fop1 import FrameType
from perilune.link.gateway import Gateway, GatewaySettings, TelecommandForm
from perilune.link.keys import load_authenticator
from perilune.link.transport import ReconnectingTransport, SerialTransport, open_port
from perilune.link.uplink import Authenticator, UplinkEncoder
from perilune.packet.pus import CucTime, Telecommand, Telemetry

from tests.host.flight_link import FlightLink, TcpPeer

ROOT = Path(__file__).resolve().parents[2]
DEADLINE_S = 20.0
KEYS = (b"\x11" * 32, b"\x22" * 32)
PING = Telecommand(apid=5, service=17, subtype=1).pack()
ENCODER = UplinkEncoder()
AD_FRAME = ENCODER.frame(FrameType.AD, 0, ENCODER.data_unit([PING]))


class MissionControl:
    """The two UDP sockets of a mission control system."""

    def __init__(self) -> None:
        self.tm = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.tm.bind(("127.0.0.1", 0))
        self.tm.setblocking(False)
        self.tc = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.frames: list[bytes] = []

    @property
    def tm_port(self) -> int:
        port: int = self.tm.getsockname()[1]
        return port

    def take(self) -> list[bytes]:
        with contextlib.suppress(BlockingIOError):
            while True:
                self.frames.append(self.tm.recv(65535))
        return self.frames

    def close(self) -> None:
        self.tm.close()
        self.tc.close()


@pytest.fixture
def control() -> Iterator[MissionControl]:
    mission_control = MissionControl()
    yield mission_control
    mission_control.close()


@contextlib.contextmanager
def gateway_to(
    url: str, control: MissionControl, authenticator: Authenticator | None = None, **settings: object
) -> Iterator[Gateway]:
    transport = ReconnectingTransport(lambda: open_port(url), time.monotonic, retry_s=0.05)
    options = GatewaySettings(tm_port=control.tm_port, tc_port=0, **settings)  # type: ignore[arg-type]
    gateway = Gateway(transport, options, authenticator)
    try:
        yield gateway
    finally:
        gateway.close()


@contextlib.contextmanager
def protecting_gateway_to(url: str, control: MissionControl, folder: Path) -> Iterator[Gateway]:
    """It takes frames and protects them with KEYS, whose numbers stand in `keys.numbers.json` of the folder."""
    keys = folder / "keys.toml"
    keys.write_text(f'ad = "{KEYS[0].hex()}"\nbd = "{KEYS[1].hex()}"\n', encoding="utf-8")
    with gateway_to(url, control, load_authenticator(keys), tc_form=TelecommandForm.FRAME) as gateway:
        yield gateway


def run_until(gateway: Gateway, is_done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not is_done():
        assert time.monotonic() < deadline, gateway.status()
        gateway.step()


def test_cltu_goes_up_and_frames_come_down(control: MissionControl) -> None:
    with TcpPeer() as peer, gateway_to(peer.url, control) as gateway:
        run_until(gateway, lambda: gateway.status().port.connected)
        control.tc.sendto(ENCODER.cltu(AD_FRAME), ("127.0.0.1", gateway.tc_port))
        run_until(gateway, lambda: any(frame[TM_FRAME_LENGTH - 3] == 1 for frame in control.take()))
        assert peer.received() == [PING]
        assert {len(frame) for frame in control.frames} == {TM_FRAME_LENGTH}
        status = gateway.status()
        assert (status.gateway.tc_datagrams, status.gateway.tc_forwarded) == (1, 1)
        assert status.gateway.tm_datagrams == status.downlink.frames == len(control.take())
        assert status.drops == {}


def test_frames_become_cltus_if_asked_to(control: MissionControl) -> None:
    with TcpPeer() as peer, gateway_to(peer.url, control, tc_form=TelecommandForm.FRAME) as gateway:
        run_until(gateway, lambda: gateway.status().port.connected)
        control.tc.sendto(AD_FRAME, ("127.0.0.1", gateway.tc_port))
        run_until(gateway, lambda: peer.received() == [PING])


def test_gateway_can_authenticate_for_a_control_system_that_cannot(control: MissionControl, tmp_path: Path) -> None:
    link = FlightLink(ad_key=KEYS[0], bd_key=KEYS[1])
    with TcpPeer(link) as peer, protecting_gateway_to(peer.url, control, tmp_path) as gateway:
        bd_frame = ENCODER.frame(FrameType.BD, 0, ENCODER.data_unit([PING], FrameType.BD))
        unlock = ENCODER.frame(FrameType.BC, 0, b"\x00")
        run_until(gateway, lambda: gateway.status().port.connected)
        for frame in (AD_FRAME, AD_FRAME, bd_frame, unlock):
            control.tc.sendto(frame, ("127.0.0.1", gateway.tc_port))
        run_until(gateway, lambda: link.uplink.frames_bc == 1)
        assert (link.uplink.frames_ad, link.uplink.frames_bd) == (1, 1)


def test_gateway_goes_on_without_the_frames_that_get_no_number(control: MissionControl, tmp_path: Path) -> None:
    in_the_way = tmp_path / "keys.numbers.json.new"
    in_the_way.mkdir()
    link = FlightLink(ad_key=KEYS[0], bd_key=KEYS[1])
    with TcpPeer(link) as peer, protecting_gateway_to(peer.url, control, tmp_path) as gateway:
        run_until(gateway, lambda: gateway.status().port.connected)
        control.tc.sendto(AD_FRAME, ("127.0.0.1", gateway.tc_port))
        run_until(gateway, lambda: gateway.counters.tc_unnumbered == 1)
        assert "cannot note the sequence numbers" in gateway.status().numbers_failure
        assert "1 without number" in _line(gateway.status())
        control.tc.sendto(ENCODER.frame(FrameType.BC, 0, b"\x00"), ("127.0.0.1", gateway.tc_port))
        run_until(gateway, lambda: link.uplink.frames_bc == 1)
        assert gateway.status().numbers_failure, "a frame that needs no number says nothing of them"
        in_the_way.rmdir()
        control.tc.sendto(AD_FRAME, ("127.0.0.1", gateway.tc_port))
        run_until(gateway, lambda: link.uplink.frames_ad == 1)
        assert gateway.status().numbers_failure == ""


def test_gateway_gets_past_restarts_of_a_board_that_counts_ahead(control: MissionControl, tmp_path: Path) -> None:
    """W-054: the board is ahead by NUMBERS_AHEAD before the gateway starts, and again after a restart that it tells."""
    link = FlightLink(ad_key=KEYS[0], bd_key=KEYS[1], number=NUMBERS_AHEAD)
    with TcpPeer(link) as peer, protecting_gateway_to(peer.url, control, tmp_path) as gateway:
        run_until(gateway, lambda: gateway.status().port.connected)
        control.tc.sendto(AD_FRAME, ("127.0.0.1", gateway.tc_port))
        run_until(gateway, lambda: gateway.status().downlink.packets == 1)
        assert link.uplink.frames_ad == 1
        ahead = FlightLink(ad_key=KEYS[0], bd_key=KEYS[1], number=2 * NUMBERS_AHEAD)
        peer.link = ahead
        ahead.send(Telemetry(100, 5, 1, CucTime(1), bytes([0, 1, 0, 0, 2, 2])).pack())
        run_until(gateway, lambda: gateway.status().downlink.packets == 2)
        control.tc.sendto(AD_FRAME, ("127.0.0.1", gateway.tc_port))
        run_until(gateway, lambda: ahead.uplink.frames_ad == 1)


@pytest.mark.parametrize(
    ("form", "datagram", "why"),
    [
        (TelecommandForm.CLTU, b"\xeb\x91" + bytes(24), "cltu_search"),
        (TelecommandForm.CLTU, b"", "cltu_search"),
        (TelecommandForm.CLTU, b"\xeb\x90" + bytes(8), "cltu_empty"),
        (TelecommandForm.CLTU, b"\xeb\x90" + bytes(1300), "cltu_overlong"),
        (TelecommandForm.FRAME, b"\x00" * 7, "tc_short"),
        (TelecommandForm.FRAME, AD_FRAME + b"\x00", "tc_length"),
        (TelecommandForm.FRAME, AD_FRAME[:-1] + b"\x00", "tc_fecf"),
    ],
)
def test_bad_datagram_is_counted_with_its_reason_and_not_sent(
    control: MissionControl, form: TelecommandForm, datagram: bytes, why: str
) -> None:
    with TcpPeer() as peer, gateway_to(peer.url, control, tc_form=form) as gateway:
        run_until(gateway, lambda: gateway.status().port.connected)
        control.tc.sendto(datagram, ("127.0.0.1", gateway.tc_port))
        run_until(gateway, lambda: gateway.counters.tc_datagrams == 1)
        assert gateway.status().drops == {why: {"count": 1, "octets": len(datagram)}}
        assert gateway.status().port.octets_out == 0


def test_absent_board_is_waited_for_and_a_restarted_one_found_again(control: MissionControl) -> None:
    reserved = socket.create_server(("127.0.0.1", 0))
    port = reserved.getsockname()[1]
    reserved.close()
    with gateway_to(f"tcp://127.0.0.1:{port}", control) as gateway:
        run_until(gateway, lambda: gateway.status().port.failed_opens >= 2)
        control.tc.sendto(ENCODER.cltu(AD_FRAME), ("127.0.0.1", gateway.tc_port))
        run_until(gateway, lambda: gateway.counters.tc_no_port == 1)
        for restarts in (1, 2):
            connections: list[socket.socket] = []
            with socket.create_server(("127.0.0.1", port)) as listener:
                listener.settimeout(0)
                run_until(gateway, lambda at=listener, found=connections: accepted(at, found))  # type: ignore[misc]
                connections[0].sendall(FlightLink().exchange(b"", 1000))
                run_until(gateway, lambda wanted=restarts: len(control.take()) == wanted)  # type: ignore[misc]
                connections[0].close()
            run_until(gateway, lambda wanted=restarts: gateway.status().port.lost == wanted)  # type: ignore[misc]
        assert gateway.status().port.opened == 2


def accepted(listener: socket.socket, connections: list[socket.socket]) -> bool:
    with contextlib.suppress(BlockingIOError):
        connections.append(listener.accept()[0])
    return bool(connections)


def test_absent_mission_control_is_no_reason_to_stop(control: MissionControl) -> None:
    gone = MissionControl()
    with TcpPeer() as peer:
        settings = GatewaySettings(tm_port=gone.tm_port, tc_port=0)
        gone.close()
        gateway = Gateway(ReconnectingTransport(lambda: open_port(peer.url), time.monotonic), settings)
        try:
            run_until(gateway, lambda: gateway.status().downlink.frames >= 2)
            control.tc.sendto(ENCODER.cltu(AD_FRAME), ("127.0.0.1", gateway.tc_port))
            run_until(gateway, lambda: peer.received() == [PING])
        finally:
            gateway.close()


def test_frame_that_cannot_be_sent_is_counted() -> None:
    with TcpPeer() as peer:
        # To the broadcast address without leave to broadcast: the system refuses every datagram.
        settings = GatewaySettings(tm_host="255.255.255.255", tm_port=9, tc_port=0)
        gateway = Gateway(ReconnectingTransport(lambda: open_port(peer.url), time.monotonic), settings)
        try:
            run_until(gateway, lambda: gateway.counters.tm_unsent >= 2)
        finally:
            gateway.close()
        assert gateway.counters.tm_datagrams == 0


def test_serial_port_is_a_pseudo_terminal(control: MissionControl) -> None:
    master, slave = os.openpty()
    tty.setraw(master)
    tty.setraw(slave)
    os.set_blocking(master, False)
    board = FlightLink()
    started = time.monotonic()

    def board_works() -> None:
        data = b""
        with contextlib.suppress(BlockingIOError):
            data = os.read(master, 4096)
        out = board.exchange(data, int((time.monotonic() - started) * 1000))
        if out:
            os.write(master, out)

    try:
        with gateway_to(os.ttyname(slave), control) as gateway:
            control.tc.sendto(ENCODER.cltu(AD_FRAME), ("127.0.0.1", gateway.tc_port))

            def answered() -> bool:
                board_works()
                return board.received == [PING] and len(control.take()) >= 2

            run_until(gateway, answered)
    finally:
        os.close(master)
        os.close(slave)


def test_unplugged_serial_port_is_a_lost_port() -> None:
    master, slave = os.openpty()
    name = os.ttyname(slave)
    transport = ReconnectingTransport(lambda: SerialTransport(name, 115200), time.monotonic, retry_s=1000)
    assert transport.ensure_open()
    os.close(slave)
    os.close(master)
    deadline = time.monotonic() + DEADLINE_S
    while transport.counters.lost == 0 and time.monotonic() < deadline:
        transport.read(0.01)
        transport.write(b"\x55")
    assert transport.counters.lost == 1
    assert transport.write(b"abc") is False
    assert transport.counters.dropped_out >= 3
    transport.close()


def test_taken_port_is_an_error_with_a_next_step(control: MissionControl) -> None:
    transport = ReconnectingTransport(lambda: open_port("tcp://127.0.0.1:1"), time.monotonic)
    with pytest.raises(PortError, match=r"cannot take telecommands at .*; try: choose another port"):
        Gateway(transport, GatewaySettings(tc_port=control.tm_port))


# -- the command ------------------------------------------------------------------------------------------------------


def test_help_shows_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    for subcommand in ("gateway", "link"):
        with pytest.raises(SystemExit) as exit_info:
            main([subcommand, "--help"])
        assert exit_info.value.code == 0
        assert f"perilune {subcommand} /dev/ttyUSB0" in capsys.readouterr().out


def test_list_of_subcommands(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_info:
        main(["--help"])
    assert exit_info.value.code == 0
    text = capsys.readouterr().out
    assert "gateway" in text
    assert "link" in text


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["gateway", "tcp://127.0.0.1:1", "--tm", "nowhere"], 2, "not an address; expected HOST:PORT; found nowhere"),
        (["gateway", "tcp://127.0.0.1:1", "--tc", "127.0.0.1:70000"], 2, "not an address"),
        (["gateway", "tcp://127.0.0.1:1", "--key-file", "x"], 2, "add --tc-form frame"),
        (
            ["gateway", "tcp://127.0.0.1:1", "--tc-form", "frame", "--key-file", "/nonexistent"],
            1,
            "cannot read the keys",
        ),
        (["link", "/nonexistent/port"], 1, "/nonexistent/port is not there"),
        (["link", "tcp://127.0.0.1:1"], 1, "cannot connect to tcp://127.0.0.1:1"),
        (["link", "tcp://127.0.0.1"], 1, "no host or no port"),
    ],
)
def test_mistakes_give_one_line_and_their_status(
    arguments: list[str], status: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == status
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_link_reports_json(capsys: pytest.CaptureFixture[str]) -> None:
    with TcpPeer() as peer:
        peer.link.send(Telecommand(apid=5, service=17, subtype=1).pack())
        assert main(["link", peer.url, "--json", "--for", "2.0", "--every", "0.5"]) == 0
    reports = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(reports) >= 2
    assert reports[-1]["downlink"]["frames"] >= 1
    assert reports[-1]["downlink"]["lock"] is True
    assert reports[-1]["clcw"]["report_value"] == 0
    assert reports[-1]["drops"] == {"packet_type": {"count": 1, "octets": 13}}


def test_link_reports_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    with TcpPeer() as peer:
        assert main(["link", peer.url, "--for", "1.2", "--every", "5"]) == 0
    text = capsys.readouterr().out
    assert "lock      yes, lost 0" in text
    assert "CLCW      V(R) 0, no flags" in text
    assert "dropped   nothing" in text


def test_gateway_process_ends_cleanly_on_interrupt(control: MissionControl) -> None:
    with TcpPeer() as peer:
        command = [sys.executable, "-m", "perilune", "gateway", peer.url, "--json", "--every", "0.2"]
        command += ["--tm", f"127.0.0.1:{control.tm_port}", "--tc", "127.0.0.1:0"]
        environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'host_tools'}:{ROOT / 'firmware'}"}
        process = subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT
        )
        try:
            assert process.stdout is not None
            first = json.loads(process.stdout.readline())
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=DEADLINE_S)
        finally:
            process.kill()
            process.wait()
    assert process.returncode == 0
    assert first["tm_to"] == f"127.0.0.1:{control.tm_port}"
    assert json.loads(out.splitlines()[-1])["gateway"]["tm_datagrams"] >= first["gateway"]["tm_datagrams"]
    assert "Traceback" not in err


# --- the command ------------------------------------------------------------------------------------------------------


def test_a_port_that_was_never_open_is_an_error_of_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    gone = socket.create_server(("127.0.0.1", 0))
    url = f"tcp://127.0.0.1:{gone.getsockname()[1]}"
    gone.close()
    assert main(["gateway", url, "--tm", "127.0.0.1:9", "--tc", "127.0.0.1:0", "--for", "0.2"]) == 1
    told = capsys.readouterr().err
    assert f"{url} was never open" in told
    assert "next: " in told or "check" in told


@pytest.mark.parametrize("form", ["cltu", "frame", "unprotected"])
def test_a_target_has_its_port_its_baud_and_its_keys(
    form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, control: MissionControl
) -> None:
    opened: list[tuple[str, int]] = []
    tc = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    tc.bind(("127.0.0.1", 0))
    tc_port = tc.getsockname()[1]
    tc.close()

    class Port:
        """Takes what is written; after the first telecommand the line is over."""

        written = b""

        def fileno(self) -> int | None:
            return None

        def read(self, timeout_s: float) -> bytes:
            control.tc.sendto(AD_FRAME if form != "cltu" else ENCODER.cltu(AD_FRAME), ("127.0.0.1", tc_port))
            return b""

        def write(self, data: bytes) -> None:
            Port.written = data
            raise KeyboardInterrupt

        def close(self) -> None:
            """Nothing to let go of."""

    def open_it(port: str, baud: int = 0) -> Port:
        opened.append((port, baud))
        return Port()

    (tmp_path / "keys.toml").write_text(f'ad = "{"11" * 32}"\nbd = "{"22" * 32}"\n', encoding="utf-8")
    (tmp_path / "perilune.toml").write_text(
        '[targets.board]\nport = "/dev/ttyBoard"\nbaud = 57600\nkeys = "keys.toml"\n', encoding="utf-8"
    )
    monkeypatch.setenv("PERILUNE_CONFIG", str(tmp_path / "perilune.toml"))
    monkeypatch.setattr("perilune.link.transport.open_port", open_it)
    words = ["gateway", "board", "--tm", f"127.0.0.1:{control.tm_port}", "--tc", f"127.0.0.1:{tc_port}", "--for", "20"]
    words += {"cltu": [], "frame": ["--tc-form", "frame"]}.get(form, ["--tc-form", "frame", "--unprotected"])
    assert main(words) == 0
    assert opened == [("/dev/ttyBoard", 57600)]
    link = FlightLink(ad_key=KEYS[0], bd_key=KEYS[1])
    link.exchange(Port.written, 0)
    assert link.uplink.frames_ad == (1 if form == "frame" else 0)


def test_the_flight_software_in_the_process_is_a_target_too(control: MissionControl) -> None:
    assert (
        main(["gateway", "sitl", "--tm", f"127.0.0.1:{control.tm_port}", "--tc", "127.0.0.1:0", "--for", "1.5s"]) == 0
    )
    assert control.take()


def test_a_name_that_is_no_target_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["gateway", "bord", "--for", "0.1"]) == 2
    assert "there is no target bord" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--for=nan", "--for=0", "--every=0", "--every=-1"])
def test_a_time_that_is_none_is_refused(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["gateway", "sitl", "--tc", "127.0.0.1:0", "--for", "0.1", option])
    assert "expected a time such as 60s, 5m or 1h" in capsys.readouterr().err


def test_a_port_that_perilune_link_owns_is_told_as_such(capsys: pytest.CaptureFixture[str]) -> None:
    lock = PortLock("/dev/ttyShared")
    try:
        assert main(["gateway", "/dev/ttyShared", "--tc", "127.0.0.1:0", "--for", "0.1"]) == 1
    finally:
        lock.release()
    told = capsys.readouterr().err
    assert "/dev/ttyShared is in use" in told
    assert "end the other one first" in told
