"""`python -m hil.emulate`: boards for host tools, the flight software without a processor and the plant among them."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from flight.limits import APID
from perilune.dictionary import load
from perilune.dictionary.keys import BENCH_KEYS
from perilune.dictionary.load import CORE
from perilune.link.session import LinkSession
from perilune.link.transport import Transport, open_port
from perilune.link.uplink import Authenticator, UplinkEncoder
from perilune.packet.pus import Telecommand
from perilune.telemetry import Decoder
from perilune.telemetry.reports import HousekeepingReport, PingReport, Report

from tests.system.fingerprint import Numbers

ROOT = Path(__file__).resolve().parents[2]
TIMEOUT_S = 20.0
PING = Telecommand(APID, service=17, subtype=1).pack()


def start(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "hil.emulate", *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": "host_tools:firmware:."},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def emulate() -> Iterator[list[subprocess.Popen[str]]]:
    """Emulations of a test; none outlives it."""
    running: list[subprocess.Popen[str]] = []
    yield running
    for process in running:
        process.kill()
        process.communicate()


def begun(running: list[subprocess.Popen[str]], *arguments: str) -> tuple[dict[str, str], str]:
    """Start an emulation: the addresses that it prints, and its last line."""
    process = start(*arguments)
    running.append(process)
    assert process.stdout is not None
    lines: list[str] = []
    while not lines or "Ctrl-C" not in lines[-1]:
        lines.append(process.stdout.readline())
        assert lines[-1], process.communicate()[1]
    return dict(re.findall(r"^(\w+) +(\S+)  \(USART", "".join(lines), re.MULTILINE)), lines[-1]


def talk(port: Transport, seconds: float = TIMEOUT_S) -> list[Report]:
    """Send a ping by COP-1 and take in reports until it is answered."""
    session = LinkSession(port, time.monotonic, encoder=UplinkEncoder(Authenticator(*BENCH_KEYS, Numbers())))
    decoder = Decoder(load([CORE]))
    session.start(TIMEOUT_S)
    session.deliver(PING, TIMEOUT_S)
    reports: list[Report] = []
    end = time.monotonic() + seconds
    while not any(isinstance(report, PingReport) for report in reports):
        assert time.monotonic() < end
        session.step()
        while session.packets:
            report = decoder.decode(session.packets.popleft().packet)
            if isinstance(report, Report):
                reports.append(report)
    return reports


@pytest.mark.parametrize("way", [[], ["--pty"]])
def test_sitl_answers_on_a_line_of_its_own(emulate: list[subprocess.Popen[str]], way: list[str]) -> None:
    urls, last = begun(emulate, "--target", "sitl", *way)
    assert list(urls) == ["link"]
    assert last == "The flight software runs in this process; Ctrl-C ends it.\n"
    port = open_port(urls["link"].replace("socket://", "tcp://"))
    try:
        talk(port)
    finally:
        port.close()


def test_sitl_runs_at_the_speed_that_is_asked_for(emulate: list[subprocess.Popen[str]]) -> None:
    urls, last = begun(emulate, "--target", "sitl", "--speed", "20")
    assert "at 20 times real time" in last
    port = open_port(urls["link"].replace("socket://", "tcp://"))
    decoder = Decoder(load([CORE]))
    session = LinkSession(port, time.monotonic)
    times: list[tuple[float, float]] = []
    try:
        while len(times) < 2 or times[-1][0] - times[0][0] < 1.5:
            session.step()
            while session.packets:
                report = decoder.decode(session.packets.popleft().packet)
                if isinstance(report, HousekeepingReport):
                    times.append((time.monotonic(), report.header.time.tai_s))
    finally:
        port.close()
    (host_begin, board_begin), (host_end, board_end) = times[0], times[-1]
    # A host that does other things too may not follow; it must not run ahead.
    assert 5.0 < (board_end - board_begin) / (host_end - host_begin) < 25.0


def test_with_a_plant_the_bus_is_taken(emulate: list[subprocess.Popen[str]]) -> None:
    elf = ROOT / "build/netduinoplus2-flight/firmware.elf"
    urls, last = begun(emulate, "netduinoplus2", str(elf), "--plant", "--local-time", "9")
    assert list(urls) == ["link", "console"]
    assert last.endswith(f"runs {elf}; Ctrl-C ends it.\n")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_when_it_is_told_to(emulate: list[subprocess.Popen[str]], number: signal.Signals) -> None:
    begun(emulate, "--target", "sitl", "--plant")
    emulate[0].send_signal(number)
    assert emulate[0].wait(TIMEOUT_S) == 0


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--bench", "nosuch"], 2, r"error: bench nosuch; expected a file, or one of .*qemu.*; found No such file"),
        (["--target", "sitl", "--speed", "0.5"], 2, r"--speed: expected 1 to 1000, found 0\.5"),
        (["--bench", "serial"], 2, "a serial bench has a real board"),
        ([], 2, "BOARD and ELF, or --bench, or --target sitl"),
        (["--target", "sitl", "--fault", "moonquake"], 2, "error: fault: expected one of .*, found 'moonquake'"),
    ],
)
def test_mistakes_are_told_in_one_line(arguments: list[str], code: int, message: str) -> None:
    with start(*arguments) as process:
        _, said = process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == code
    assert re.search(message, said)
    assert "Traceback" not in said
