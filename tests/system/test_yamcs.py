"""A real Yamcs on the exported instance: it starts, decodes as ours does, and commands a board by the gateway.

Not run where Yamcs is not installed; the line that says so says how to install it.
"""

from __future__ import annotations

import base64
import contextlib
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flight.limits import APID
from perilune.client.command_text import parse_command
from perilune.dictionary.export.names import flat
from perilune.dictionary.keys import BENCH_KEYS
from perilune.dictionary.load import CORE, load
from perilune.dictionary.model import Command, Dictionary, Field, Number
from perilune.link.downlink import DownlinkDecoder
from perilune.link.packet_extractor import PacketReceived
from perilune.packet.pus import Telecommand
from perilune.telemetry import Decoder
from perilune.telemetry import reports as r

from tests.system.served_board import TcpBoard
from tests.system.targets import TRIAL
from tests.system.yamcs_server import YamcsServer, java_and_archives

pytestmark = [pytest.mark.long, pytest.mark.timeout(400)]
ROOT = Path(__file__).resolve().parents[2]
HEADER_OCTETS = 6
ASM = bytes.fromhex("1acffc1d")
# Items of these hold packets; no text says them.
WITH_PACKETS = ("schedule.insert", "event_action.add")
PING = Telecommand(APID, 17, 1).pack()
WITHIN_S = 60.0


@pytest.fixture(scope="module")
def dictionary() -> Dictionary:
    return load([CORE, TRIAL])


@pytest.fixture(scope="module")
def yamcs(tmp_path_factory: pytest.TempPathFactory, dictionary: Dictionary) -> Iterator[YamcsServer]:
    java_and_archives()
    with YamcsServer(tmp_path_factory.mktemp("yamcs"), dictionary) as server:
        yield server


# --- every command ----------------------------------------------------------------------------------------------------


def group_name(command: Command) -> str:
    assert command.group is not None
    return command.group.name


def typed(field: Field, raw: Number) -> str | Number:
    """A value as people write it, for both: the name of an enumerated one."""
    name = field.enumeration.text_of(int(raw)) if field.enumeration is not None else None
    return raw if name is None else name


def choices(field: Field) -> list[str | Number]:
    """Lowest, highest and default value."""
    if field.enumeration is not None:
        values: list[Number] = [*field.enumeration.values.values()]
        return [typed(field, min(values)), typed(field, max(values)), typed(field, values[0])]
    if field.type.is_float:
        low, high = max(field.low, -1.5e30), min(field.high, 1.5e30)
        return [low, high, (low + high) / 2 + 0.25]
    return [field.low, field.high, field.low if field.default is None else field.default]


def ours(command: Command, number: int, dictionary: Dictionary) -> tuple[bytes, dict[str, Any]]:
    """The packet that we make, without error control, and the arguments for Yamcs to make it too."""
    arguments = {field.name: choices(field)[number] for field in command.args}
    words = [command.name.upper(), *(f"{name}={value}" for name, value in arguments.items())]
    group = command.group
    items = 0
    if group is not None:
        items = max(1, group.least)
        fields = [f"{field.name}={choices(field)[number]}" for field in group.fields]
        if group.sets_parameters:
            point = next(point for point in dictionary.points.values() if point.settable)
            fields = [f"parameter={point.name}", f"value={point.low}"]
        words += [f"({' '.join(fields)})"] * items
    elif command.is_open:
        words.append("0102ff")
    if command.name in WITH_PACKETS:
        octets = bytes([1]) + PING
        arguments |= {"count": 1, "octets_count": len(PING), group_name(command): PING.hex()}
        return Telecommand(APID, command.service, command.subtype, octets).pack()[:-2], arguments
    parsed = parse_command(" ".join(words), dictionary)
    if group is not None or command.is_open:
        fixed = sum(field.type.width // 8 for field in command.args) + (2 if command.function else 0)
        if group is not None:
            arguments["count"] = items
            fixed += group.count_octets
        tail = parsed.data[fixed:]
        arguments["octets" if group is None else group.name] = tail.hex()
        if group is None or not group.item_octets:
            arguments["octets_count"] = len(tail)
    return parsed.telecommand().pack()[:-2], arguments


def without_counters(packet: bytes) -> bytes:
    """Sequence count and length are filled in on the way out."""
    return packet[:2] + bytes([packet[2] & 0xC0]) + packet[HEADER_OCTETS:]


def test_yamcs_makes_the_octets_of_every_command_that_we_make(yamcs: YamcsServer, dictionary: Dictionary) -> None:
    wrong = []
    made = 0
    for command in dictionary.commands.values():
        if command.name == "core.function":
            continue  # not exported: its functions are
        for number in range(3 if command.args or command.group else 1):
            expected, arguments = ours(command, number, dictionary)
            answer = yamcs.command(flat(command.name), arguments, dry_run=True)
            found = base64.b64decode(answer["binary"])
            made += 1
            if without_counters(found) != without_counters(expected):
                wrong.append((command.name, arguments, found.hex(), expected.hex()))
    assert wrong == []
    assert made > len(dictionary.commands)


# --- a board ----------------------------------------------------------------------------------------------------------


class Tap:
    """Stands between gateway and Yamcs: what goes to Yamcs is decoded here too. values: the latest, by name."""

    def __init__(self, yamcs: YamcsServer, dictionary: Dictionary) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.settimeout(0.2)
        self._yamcs = ("127.0.0.1", yamcs.tm_port)
        self.port: int = self._socket.getsockname()[1]
        self.reports: list[r.Report] = []
        self._line, self._decoder = DownlinkDecoder(), Decoder(dictionary)
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name="tap", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._end.is_set():
            try:
                frame = self._socket.recv(4096)
            except TimeoutError:
                continue
            self._socket.sendto(frame, self._yamcs)
            for event in self._line.feed(ASM + frame):
                if isinstance(event, PacketReceived):
                    report = self._decoder.decode(event.packet)
                    if isinstance(report, r.Report):
                        self.reports.append(report)

    def stop(self) -> None:
        """Nothing goes on any more."""
        self._end.set()
        self._thread.join(10)
        self._socket.close()

    def values(self) -> dict[str, r.Value]:
        """The latest value of each point."""
        found: dict[str, r.Value] = {}
        for report in self.reports:
            if isinstance(report, r.HousekeepingReport):
                found |= report.values
        return found

    def stages(self, request_id: int) -> list[str]:
        """What the board has said about a request."""
        return [
            report.stage.value
            for report in self.reports
            if isinstance(report, r.VerificationReport) and report.request_id == request_id
        ]


@contextlib.contextmanager
def gateway(board: str, yamcs: YamcsServer, tap: Tap, folder: Path) -> Iterator[subprocess.Popen[str]]:
    """`perilune gateway` as the README of the exported instance says."""
    keys = folder / "keys.toml"
    keys.write_text("".join(f'{name} = "{key.hex()}"\n' for name, key in zip(("ad", "bd"), BENCH_KEYS, strict=True)))
    where = ["--tm", f"127.0.0.1:{tap.port}", "--tc", f"127.0.0.1:{yamcs.tc_port}"]
    process = subprocess.Popen(
        [sys.executable, "-m", "perilune.cli", "gateway", board, *where, "--tc-form", "frame", "--key-file", str(keys)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)


def number_of(value: dict[str, Any]) -> str | float:
    """A value as the API says it: {"type": "FLOAT", "floatValue": 1.0}."""
    if value["type"] == "ENUMERATED":
        return str(value["stringValue"])
    [found] = [content for key, content in value.items() if key != "type"]
    return float(found)


def told(yamcs: YamcsServer, names: list[str]) -> dict[str, dict[str, Any]]:
    """The latest values of parameters, by their names."""
    wanted = [{"name": f"/perilune/{name}"} for name in names]
    answer = yamcs.ask("processors/perilune/realtime/parameters:batchGet", {"id": wanted, "fromCache": True})
    return {value["id"]["name"].removeprefix("/perilune/"): value for value in answer["value"]}


def request_id(yamcs: YamcsServer, sent: dict[str, Any]) -> int:
    """What a command has been sent as, by the history of Yamcs; 0 while it has not."""
    history = yamcs.ask(f"archive/perilune/commands/{sent['id']}")
    attributes = {row["name"]: row["value"] for row in history["attr"]}
    if attributes.get("Acknowledge_Sent_Status", {}).get("stringValue") != "OK":
        return 0
    return int.from_bytes(base64.b64decode(attributes["binary"]["binaryValue"])[:4], "big")


def done(yamcs: YamcsServer, tap: Tap, sent: dict[str, Any]) -> bool:
    """Has the board told the completion?"""
    return "completion" in tap.stages(request_id(yamcs, sent))


def latest(yamcs: YamcsServer) -> float | str | None:
    """The request of the latest verification report."""
    found = told(yamcs, ["REQUEST_ID"])
    return number_of(found["REQUEST_ID"]["engValue"]) if found and "engValue" in found["REQUEST_ID"] else None


def test_yamcs_decodes_and_commands_a_board_as_we_do(
    yamcs: YamcsServer, dictionary: Dictionary, tmp_path: Path
) -> None:
    tap = Tap(yamcs, dictionary)
    with contextlib.ExitStack() as stack:
        stack.callback(tap.stop)
        board = stack.enter_context(TcpBoard())
        stack.enter_context(gateway(board.url, yamcs, tap, tmp_path))
        yamcs.wait(lambda: "vc0" in str(yamcs.links()) and tap.reports, WITHIN_S, "frames")
        # Through COP-1 of Yamcs, initialised by a CLCW of the board, and authenticated by the gateway.
        for name, arguments in (
            ("core_ping", {}),
            ("core_set_parameters", {"count": 1, "octets_count": 3, "parameters": "101037"}),
            ("trial_every_type", ours(dictionary.commands["trial.every_type"], 1, dictionary)[1]),
        ):
            sent = yamcs.command(name, arguments)
            yamcs.wait(lambda sent=sent: done(yamcs, tap, sent), WITHIN_S, f"the completion of {name}")
            number = request_id(yamcs, sent)
            yamcs.wait(lambda number=number: latest(yamcs) == number, WITHIN_S, "that report in Yamcs")
        assert [report for report in tap.reports if isinstance(report, r.PingReport)]
        # A board that has told everything at least once; then nothing goes on, and both have the same.
        yamcs.wait(lambda: float(tap.values()["core.uptime_s"].raw) > 12, WITHIN_S, "all structures")
    expected = tap.values()
    assert expected["trial.gain"].raw == 0x37
    uptime = expected["core.uptime_s"].raw
    yamcs.wait(
        lambda: number_of(told(yamcs, ["core_uptime_s"])["core_uptime_s"]["rawValue"]) == uptime, WITHIN_S, "all"
    )
    links = yamcs.links()
    assert links["frames-in"]["extra"]["Invalid frames"] == "0"
    found = told(yamcs, [flat(name) for name in expected])
    for name, value in expected.items():
        theirs = found[flat(name)]
        assert number_of(theirs["rawValue"]) == pytest.approx(value.raw), name
        shown = value.text if value.text is not None else pytest.approx(value.engineering)
        assert number_of(theirs["engValue"]) == shown, name
    assert len(expected) > 50
