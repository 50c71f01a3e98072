"""Flash a board: check the image, ask for the part, write, compare. Tools are run one by one, without a shell."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from serial.tools.list_ports import comports

from ..boards import Board
from ..errors import FlashError, UsageError
from .identity import check_image
from .method import METHODS, Method, Request, Step

Report = Callable[[str], None]
_LAST_LINES = 4


def flash(
    board: Board,
    image: Path,
    method_name: str = "",
    *,
    port: str = "",
    baud: int = 115_200,
    serial: str = "",
    dry_run: bool = False,
    report: Report = print,
) -> None:
    """Write *image* (firmware.bin) to the board that is connected.

    method_name: of METHODS, else the board's usual one. port, baud: of the serial way. serial: which programmer, when
    there are several. dry_run: only say what would be run. Raises ImageError, FlashError, UsageError.
    """
    method = _method(board, method_name)
    if method.name == "serial" and not port:
        raise UsageError("the serial way needs a port", next_step="--port /dev/ttyUSB0 (make flash PORT=/dev/ttyUSB0)")
    identity = check_image(image, board)
    report(f"{image}: {identity.board}, {identity.variant}, {identity.size} octets")
    request = Request(image, identity.size, port, baud, serial)
    probe, steps = method.probe(request), method.write(request)
    if dry_run:
        for step in (probe, *steps):
            report(f"would run ({step.text}): {shlex.join(step.argv)}")
        return
    for step in (probe, *steps):
        _find_tool(step, method)
    found = method.read_probe(_run(probe, method, board, report), request)
    if found:
        if found in method.silent:
            raise _nobody(method, board, found)
        raise FlashError(
            "another part is connected; nothing was changed",
            expected=f"{board.mcu} of {board.name}",
            found=found,
            next_step="connect the right board, or name the one that is connected with BOARD=",
        )
    for step in steps:
        if step.copy is not None:
            step.copy.unlink(missing_ok=True)  # dfu-util overwrites nothing
        _run(step, method, board, report)
        if step.copy is not None:
            _compare(image, step.copy, _again(step, method, board))
    report(f"{board.name}: written and compared")


def _method(board: Board, name: str) -> Method:
    name = name or board.flash.methods[0]
    if name not in board.flash.methods:
        raise UsageError(
            f"{board.name} is not flashed by '{name}'",
            expected=f"one of {', '.join(board.flash.methods)}",
            next_step="METHOD= one of them, or add it to [flash] methods of the board's board.toml",
        )
    return METHODS[name]


def _find_tool(step: Step, method: Method) -> None:
    tool = step.argv[2] if step.argv[1] == "-m" else step.argv[0]
    if (find_spec(tool) if step.argv[1] == "-m" else shutil.which(tool)) is None:
        raise FlashError(
            f"{tool} is not installed",
            next_step=f"install {method.package}, or use another METHOD",
        )


def _run(step: Step, method: Method, board: Board, report: Report) -> str:
    """Run one step; its output. Raises FlashError with what to do."""
    report(f"{step.text} ...")
    try:
        done = subprocess.run(
            step.argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=step.timeout_s,
            check=False,
            text=True,
            errors="replace",
            # So that what a Python tool says last stands last.
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
    except subprocess.TimeoutExpired as error:
        raise FlashError(
            f"{method.tool} did not end",
            expected=f"an end within {step.timeout_s:.0f} s",
            next_step=_again(step, method, board),
        ) from error
    output = done.stdout
    # st-info and dfu-util tell by words alone that nobody is there.
    silent = next((words for words in method.silent if words in output), "")
    if silent and (done.returncode or not step.writes):
        raise _nobody(method, board, _last_line(output, silent), step)
    if done.returncode and not (step.left and step.left in output):
        last = "\n".join(output.strip().splitlines()[-_LAST_LINES:])
        print(last, file=sys.stderr)
        raise FlashError(
            f"{method.tool} failed while {step.text}",
            expected="status 0",
            found=f"status {done.returncode}: {_last_line(output)}",
            next_step=_again(step, method, board),
        )
    return output


def _compare(image: Path, copy: Path, next_step: str) -> None:
    """The copy that was read back begins with the image, or FlashError. The copy is removed."""
    wanted, found = image.read_bytes(), copy.read_bytes()
    copy.unlink()
    if found.startswith(wanted):
        return
    offset = next((n for n, (a, b) in enumerate(zip(wanted, found, strict=False)) if a != b), len(found))
    raise FlashError(
        "verification failed",
        expected=f"{len(wanted)} octets of {image.name}",
        found=f"another octet at offset {offset:#x}" if offset < len(found) else f"{len(found)} octets",
        next_step=f"flash it again; when it fails at the same place the flash is worn: {next_step}",
    )


def _last_line(output: str, words: str = "") -> str:
    lines = [line.strip() for line in output.splitlines() if line.strip() and words in line]
    return lines[-1] if lines else "no words"


def _nobody(method: Method, board: Board, found: str, step: Step | None = None) -> FlashError:
    if "could not open port" in found:
        ports = ", ".join(port.device for port in comports()) or "(there is none)"
        return FlashError("the port cannot be opened", found=found, next_step=f"--port one of: {ports}")
    return FlashError(
        "the board no longer answers" if step is not None and step.writes else "no board answers",
        found=found,
        next_step=_again(step, method, board),
    )


def _again(step: Step | None, method: Method, board: Board) -> str:
    start = "the board has no whole program now; flash it again: " if step is not None and step.writes else ""
    return start + method.connect.format(boot_loader=board.flash.boot_loader)
