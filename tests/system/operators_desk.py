"""An operator's desk for tests: folders and perilune.toml of its own, a shared port, the command line."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from perilune.cli import main
from perilune.client.link_server import LinkServer
from perilune.client.local_address import LocalAddress
from perilune.client.open_ground import find_target, own_link

from tests.system.targets import TRIAL


class Desk:
    """`run` is the command line in this process; `share` is `perilune link` in a thread."""

    def __init__(self, folder: Path, url: str, capture: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.url = url
        self._capture = capture
        (folder / "perilune.toml").write_text(
            f'[targets.board]\nport = "{url}"\nmissions = ["{TRIAL.as_posix()}"]\n', encoding="utf-8"
        )

    def run(self, *arguments: str) -> tuple[int, str, str]:
        """Exit status, output, errors."""
        self._capture.readouterr()
        status = main(list(arguments))
        captured = self._capture.readouterr()
        return status, captured.out, captured.err

    def json(self, *arguments: str) -> Any:
        """Output of a command that succeeds, as JSON."""
        status, out, error = self.run(*arguments, "--json")
        assert status == 0, f"{arguments}: {out}{error}"
        return json.loads(out)

    @contextlib.contextmanager
    def share(self) -> Iterator[LinkServer]:
        """While it lasts a program owns the port and shares it."""
        target = find_target("board")
        server = LinkServer(own_link(target), LocalAddress(target.port))
        end = threading.Event()

        def serve() -> None:
            while not end.is_set():
                server.step(0.02)

        thread = threading.Thread(target=serve, name="owner", daemon=True)
        thread.start()
        try:
            yield server
        finally:
            end.set()
            thread.join(10)
            server.close()


@contextlib.contextmanager
def own_folders(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Sockets, locks, numbers and configuration in a folder of the test."""
    monkeypatch.setenv("PERILUNE_RUNTIME_DIR", str(folder / "run"))
    monkeypatch.setenv("PERILUNE_STATE_DIR", str(folder / "state"))
    monkeypatch.setenv("PERILUNE_CONFIG", str(folder / "perilune.toml"))
    yield
