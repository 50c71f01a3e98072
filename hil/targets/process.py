"""An emulator's process that cannot outlive us.

Three nets hold it: ``stop`` in the ordinary case, ``atexit`` when somebody forgot, and a guard, a shell that reads a
pipe of ours and kills the emulator when the pipe ends, for the case that we are killed ourselves. The emulator is a
session of its own, so Ctrl-C reaches us alone and we decide; all of the session ends together, since an emulator may be
started by a script.
"""

import atexit
import contextlib
import os
import signal
import subprocess
import tempfile
import time
import weakref
from collections.abc import Mapping
from pathlib import Path

_GUARD = 'read -r _; kill -s KILL -- "-$0" 2>/dev/null'

OTHERS_END_S = 1.0

_running: "weakref.WeakSet[EmulatorProcess]" = weakref.WeakSet()


class EmulatorProcess:
    """A running emulator: start it with its command line, ask whether it lives, stop it for certain."""

    def __init__(self, arguments: list[str], environment: Mapping[str, str] | None = None) -> None:
        self._output = tempfile.TemporaryFile()  # noqa: SIM115 - closed by stop()
        self._process = subprocess.Popen(
            arguments,
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env=environment,
        )
        self._guard = subprocess.Popen(
            ["/bin/sh", "-c", _GUARD, str(self._process.pid)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._said = ""
        _running.add(self)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """Exit code, negative for a signal; None while it runs."""
        # The guard must be gone before the process is reaped: afterwards its id may belong to somebody else.
        if self._process.returncode is None and not self._lives():
            self._end_guard()
        return self._process.poll()

    def wait(self, timeout_s: float) -> int | None:
        """Wait for the process to end by itself, *timeout_s* at most; as ``exit_code``."""
        deadline = time.monotonic() + timeout_s
        while (code := self.exit_code) is None and time.monotonic() < deadline:
            time.sleep(0.01)
        return code

    def _lives(self) -> bool:
        try:
            stat = Path(f"/proc/{self._process.pid}/stat").read_text(encoding="utf-8")
        except OSError:
            return False
        return stat.rpartition(")")[2].split()[0] not in "ZX"

    @property
    def output(self) -> str:
        """What the emulator printed."""
        if not self._output.closed:
            self._output.seek(0)
            self._said = self._output.read().decode(errors="replace")
        return self._said

    def _end_guard(self) -> None:
        if self._guard.returncode is None:
            self._guard.kill()
            self._guard.wait()
        if self._guard.stdin is not None:
            self._guard.stdin.close()

    def _await_others(self) -> None:
        """What a start script had started is killed, but somebody else's child: it may take a moment to go."""
        deadline = time.monotonic() + OTHERS_END_S
        while time.monotonic() < deadline:
            try:
                os.killpg(self._process.pid, 0)
            except (ProcessLookupError, PermissionError):
                return
            time.sleep(0.002)

    def stop(self) -> int:
        """Kill the process if it still runs, wait for it, and return its exit code. May be called again."""
        if self._process.returncode is None:
            self._end_guard()
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._await_others()
        self._end_guard()
        _ = self.output
        self._output.close()
        _running.discard(self)
        return self._process.returncode


@atexit.register
def _stop_all() -> None:
    for process in list(_running):
        process.stop()
