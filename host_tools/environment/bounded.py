"""Run one command with a deadline that also ends the processes it has started.

``subprocess.run(timeout=...)`` ends only the command itself; its children (git's and apt's transports) would keep the
pipes open and the caller waiting.
"""

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path


class CommandError(Exception):
    """The command is not installed, took too long or failed; the text says which, with the end of its error output."""


def run(command: Sequence[str], timeout_s: float, cwd: Path | None = None, env: Mapping[str, str] | None = None) -> str:
    """Run *command* without a stdin and return its output; raise CommandError unless it succeeds within *timeout_s*."""
    try:
        process = subprocess.Popen(
            command,
            cwd=cwd,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
    except FileNotFoundError:
        raise CommandError(f"{command[0]} is not installed") from None
    with process:
        try:
            output, errors = process.communicate(timeout=timeout_s)
        except BaseException as cause:
            os.killpg(process.pid, signal.SIGKILL)
            if isinstance(cause, subprocess.TimeoutExpired):
                raise CommandError(f"no answer within {timeout_s} s") from None
            raise
    if process.returncode != 0:
        raise CommandError(errors.strip()[-600:] or f"{command[0]} ended with {process.returncode}")
    return output
