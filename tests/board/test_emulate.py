"""`make emulate`: a board for people, its UARTs on ports of their own."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import serial

from tests.board.conftest import ROOT, firmware
from tests.board.test_target import gone, wait_until

pytestmark = pytest.mark.qemu("starts that emulator")

TIMEOUT_S = 20.0


def start(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "hil.emulate", *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": "host_tools:."},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def emulation(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], dict[str, str]]]:
    """A running `make emulate` of the dev image, and the addresses that it printed."""
    with start("netduinoplus2", str(firmware("dev")), "--storage", str(tmp_path / "storage.bin")) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(4)]
        urls = dict(re.findall(r"^(\w+) +(socket://127\.0\.0\.1:\d+)  \(USART", "".join(lines), re.MULTILINE))
        assert sorted(urls) == ["bus", "console", "link"]
        assert lines[3].endswith("Ctrl-C ends it.\n")
        yield process, urls
        process.kill()


def children(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()]


def await_prompt(port: serial.SerialBase) -> None:
    """Knock until the board, which may still be starting, shows its prompt."""
    port.timeout = 0.5
    for _ in range(40):
        port.write(b"\r\x03\x02")
        if port.read_until(b">>> ").endswith(b">>> "):
            break
    port.timeout = TIMEOUT_S


def ask(url: str) -> bytes:
    """Open the console, run a sum there, and return the answer."""
    with serial.serial_for_url(url, timeout=TIMEOUT_S) as port:
        await_prompt(port)
        port.write(b"print(6 * 7, 'is it')\r")
        return bytes(port.read_until(b"42 is it\r\n"))


def test_console_can_be_used_again_and_again(emulation: tuple[subprocess.Popen[str], dict[str, str]]) -> None:
    _process, urls = emulation
    for _ in range(3):
        assert ask(urls["console"]).endswith(b"42 is it\r\n")


def test_ports_are_three_different_lines(emulation: tuple[subprocess.Popen[str], dict[str, str]]) -> None:
    _process, urls = emulation
    with (
        serial.serial_for_url(urls["console"], timeout=TIMEOUT_S) as console,
        serial.serial_for_url(urls["link"], timeout=TIMEOUT_S) as link,
        serial.serial_for_url(urls["bus"], timeout=TIMEOUT_S) as bus,
    ):
        await_prompt(console)
        console.write(b"import machine; a, b = machine.UART(1, 115200), machine.UART(2, 115200)\r")
        console.write(b"a.write(b'to link'); b.write(b'to bus')\r")
        assert link.read(7) == b"to link"
        assert bus.read(6) == b"to bus"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_nothing_stays_behind(emulation: tuple[subprocess.Popen[str], dict[str, str]], number: signal.Signals) -> None:
    process, _urls = emulation
    started = children(process.pid)
    assert started
    process.send_signal(number)
    assert process.wait(TIMEOUT_S) == (0 if number != signal.SIGKILL else -signal.SIGKILL)
    assert wait_until(lambda: all(gone(pid) for pid in started))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nosuch", "x.elf"], "error: unknown board 'nosuch'. Known boards:"),
        (["netduinoplus2", "none.elf"], "error: none.elf is not there; `make firmware` builds programs for boards"),
        (["pyboard_v11", "none.elf"], "error: board 'pyboard_v11' names no QEMU machine"),
    ],
)
def test_mistakes_are_told_in_one_line(arguments: list[str], message: str) -> None:
    with start(*arguments) as process:
        out, err = process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == 2
    assert out == ""
    assert err.startswith(message)
