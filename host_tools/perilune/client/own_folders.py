"""Folders of this user: what lives as long as the login (sockets, locks), and what must outlive it (numbers).

Both are closed to everybody else; a folder that is not, or belongs to somebody else, is not used.
"""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
from pathlib import Path

from ..errors import PortError
from ..link.transport import tcp_address

RUNTIME_VARIABLE = "PERILUNE_RUNTIME_DIR"
STATE_VARIABLE = "PERILUNE_STATE_DIR"
# Where Linux names serial adapters by maker and serial number; a cable elsewhere changes ttyUSB0, not these.
SERIAL_BY_ID = Path("/dev/serial/by-id")
# What one listener of this machine is called.
_THIS_MACHINE = ("localhost", "127.0.0.1", "::1")


def runtime_folder() -> Path:
    """Folder of sockets and locks, made when it is not there. Raises PortError when it is not safely ours."""
    named = os.environ.get(RUNTIME_VARIABLE)
    if named:
        return _own(Path(named))
    base = os.environ.get("XDG_RUNTIME_DIR")
    if base and Path(base).is_dir():
        return _own(Path(base) / "perilune")
    user = os.getuid() if hasattr(os, "getuid") else os.environ.get("USERNAME", "user")
    return _own(Path(tempfile.gettempdir()) / f"perilune-{user}")


def state_folder() -> Path:
    """Folder of what must outlive a program, made when it is not there. Raises PortError."""
    named = os.environ.get(STATE_VARIABLE)
    base = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return _own(Path(named) if named else Path(base) / "perilune")


def name_of(port: str) -> str:
    """A short file name for a port: the same for every way to write the same device or TCP address."""
    return _short(_one_spelling(port))


def lasting_name_of(port: str) -> str:
    """As `name_of`, and the same for a serial adapter that comes back under another number, where the system tells."""
    spelling = _one_spelling(port)
    adapters = sorted(SERIAL_BY_ID.iterdir()) if SERIAL_BY_ID.is_dir() else []
    same = (str(adapter) for adapter in adapters if os.path.realpath(adapter) == spelling)
    return _short(next(same, spelling))


def _one_spelling(port: str) -> str:
    try:
        address = tcp_address(port)
    except ValueError:
        return port  # which does not open
    if address is not None:
        host, number = address
        return f"tcp://{'127.0.0.1' if host in _THIS_MACHINE else host}:{number}"
    if "://" in port:
        return port
    return os.path.realpath(port) if "/" in port else port.upper()


def _short(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:16]


def _own(folder: Path) -> Path:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = folder.lstat()
    except OSError as error:
        raise PortError(f"cannot make the folder {folder}", found=error.strerror or str(error)) from error
    if not stat.S_ISDIR(found.st_mode):
        raise PortError(f"{folder} is not a folder", expected="a folder of this user", next_step="remove it")
    if hasattr(os, "getuid"):
        if found.st_uid != os.getuid():
            raise PortError(
                f"{folder} belongs to somebody else",
                expected=f"user {os.getuid()}",
                found=f"user {found.st_uid}",
                next_step=f"name another folder in {RUNTIME_VARIABLE}",
            )
        if stat.S_IMODE(found.st_mode) & 0o077:
            folder.chmod(0o700)
    return folder
