"""A recorded downlink through a real port: `perilune link --archive` reads it over TCP, in a process of its own.

Everything of the operator's tool is in it: port, synchroniser, checks, packets, counters, sharing, archive.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

from perilune.archive import ArchiveReader

from tests.bench import downlink
from tests.bench.figures import Figure

BLOCKS = 24  # of 16384 packets
ASM = bytes.fromhex("1acffc1d")
TARGET = "bench"
REPORT_S = 0.2
ENDING_S = 60.0


def link_rows(folder: Path, blocks: int = BLOCKS) -> tuple[list[Figure], float]:
    """The figures, and packets a second. folder: has the dictionary in `dictionary/`."""
    frames = downlink.frames(downlink.packets())
    archive = folder / "link.sqlite"
    with socket.create_server(("127.0.0.1", 0)) as listener:
        configuration = folder / "perilune.toml"
        port = f"socket://127.0.0.1:{listener.getsockname()[1]}"
        configuration.write_text(f'[targets.{TARGET}]\nport = "{port}"\nmissions = ["dictionary"]\n', encoding="utf-8")
        words = ["link", TARGET, "--config", str(configuration), "--archive", str(archive), "--json"]
        with subprocess.Popen(
            [sys.executable, "-m", "perilune", *words, "--every", str(REPORT_S)],
            stdout=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        ) as tool:
            try:
                taken_s, marks = _feed(tool, listener, b"".join(ASM + frame for frame in frames), blocks, len(frames))
            finally:
                tool.kill()
    with ArchiveReader(archive) as reader:
        info = reader.info()
    packets = blocks * downlink.BLOCK
    assert (info["gaps"], info["undecodable"], info["housekeeping_reports"]) == (0, 0, packets), info
    rate = packets / taken_s
    return [
        Figure("perilune link --archive, fed over TCP", round(rate), "packets/s", at_least=10_000),
        Figure("  packets stored", packets, ""),
        Figure("  growth of its memory meanwhile", round(max(marks) - marks[0], 1), "MB", at_most=8),
    ], rate


def _feed(
    tool: subprocess.Popen[bytes], listener: socket.socket, line: bytes, blocks: int, frames: int
) -> tuple[float, list[float]]:
    """Seconds from the first octet until the tool has ended with everything stored; its memory on the way, MB."""
    listener.settimeout(ENDING_S)
    connection, _ = listener.accept()
    marks: list[float] = []
    start = time.perf_counter()

    def send() -> None:
        for _ in range(blocks):
            connection.sendall(line)

    with connection:
        sender = threading.Thread(target=send)
        sender.start()
        assert tool.stdout is not None
        for report in tool.stdout:
            done = json.loads(report)["downlink"]["frames"]
            if done >= blocks * frames // 3:
                marks.append(_resident_mb(tool.pid))
            if done == blocks * frames:
                break
        sender.join(ENDING_S)
        tool.send_signal(signal.SIGINT)
        tool.communicate(timeout=ENDING_S)
    assert tool.returncode == 0, f"perilune link ended with {tool.returncode}"
    return time.perf_counter() - start, marks


def _resident_mb(process: int) -> float:
    pages = int(Path(f"/proc/{process}/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6
