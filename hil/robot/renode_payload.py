"""The keyword library inside `renode-test`: the board is in the Renode that runs the test, its keywords beside ours.

    *** Settings ***
    Library    hil.robot.renode_payload.RenodePayload

    *** Test Cases ***
    The LED Shows That The Payload Lives
        Boot Payload
        Execute Command    ...                  Renode's
        Send Telecommand   CORE.PING            ours

Time stands still between keywords, so both see the board at the same instant: Renode's testers of UARTs and LEDs, which
let it pass, are given `pauseEmulation=true`, and `Start Emulation` is not used.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import msgspec
from perilune.boards import Board
from robot.api.deco import keyword, library
from robot.libraries.BuiltIn import BuiltIn
from robot.utils import escape  # type: ignore[import-untyped]

from hil.bench import Bench
from hil.robot.payload import Payload
from hil.targets.errors import ControlError
from hil.targets.renode import Renode
from hil.targets.renode_target import RenodeTarget
from hil.targets.target import Target

# What the driver calls them over XML-RPC, and what a suite does.
_KEYWORDS = {"ExecuteCommand": "Execute Command", "ResetEmulation": "Reset Emulation"}


class RenodeOfTheTest(Renode):
    """The Renode that renode-test started, driven by the keywords of the suite."""

    def __init__(self, board: str | Board) -> None:
        super().__init__(board)
        self._loaded = False

    def _start_server(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="perilune-renode-")
        self._loaded = True

    def keyword(self, name: str, *arguments: str) -> Any:
        """Run a keyword of Renode's. Raises ControlError with its words."""
        if not self._loaded:
            raise ControlError("no machine is loaded")
        try:
            # Robot takes backslashes and variables out of what it is given, and paths have the former.
            return BuiltIn().run_keyword(_KEYWORDS[name], *map(escape, arguments)) or ""
        except Exception as error:  # task boundary: a keyword may raise whatever it likes
            raise ControlError(f"Renode refused {name} {' '.join(arguments)}: {error}") from error

    @property
    def pid(self) -> int | None:
        """Of this process, while a machine is loaded: Renode is not ours to end."""
        return os.getpid() if self._loaded else None

    def stop(self) -> None:
        """Forget the machine; what the storage holds is kept. Renode goes on."""
        if not self._loaded:
            return
        try:
            self._save_storage()
            self.keyword("ResetEmulation")
        finally:
            self.forget()

    def forget(self) -> None:
        """Forget the machine without a word to Renode, which may have forgotten it first."""
        self._loaded = False
        for channel in self.uarts.values():
            channel.detach()
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None


class RenodeTestTarget(RenodeTarget):
    """The board of a test that renode-test runs."""

    def __init__(self, bench: Bench, folder: Path) -> None:
        super().__init__(bench, folder)
        self.renode: RenodeOfTheTest = RenodeOfTheTest(bench.board)
        self.link, self.bus = self.renode.link, self.renode.bus


@library(scope="TEST", version="1")
class RenodePayload(Payload):
    """As `Payload`, in the test's own Renode. bench: of the target renode."""

    def __init__(self, bench: str = "renode") -> None:
        super().__init__(bench)

    def _end_test(self, data: Any, result: Any) -> None:
        # The test's teardown is behind us: it has reset the emulation, and a keyword that fails here fails the test.
        if isinstance(self._target, RenodeTestTarget):
            self._target.renode.forget()
        super()._end_test(data, result)

    def make_target(self, folder: Path) -> Target:
        return RenodeTestTarget(self._bench, folder)

    @keyword
    def load_program(self, image: str) -> None:
        """Load a program that is no payload, as a dev image, on the bench's board. Time stands still."""
        self._stop()
        self._folder = tempfile.TemporaryDirectory(prefix="perilune-robot-")
        bench = msgspec.structs.replace(self._bench, image=str(Path(image).resolve()))
        self._target = RenodeTestTarget(bench, Path(self._folder.name))
        self._target.boot()

    @keyword
    def let_renode_run_for(self, duration: str) -> None:
        """Let so much of Renode's time pass; what the board says in it is taken in."""
        self.let_time_pass(duration)
