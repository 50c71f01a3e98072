"""The files of the repository, for the rules in this folder: what git tracks or would track, text and Python alike."""

import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@cache
def files() -> tuple[Path, ...]:
    """Return every file that is tracked or would be, absolute, sorted; without git, all but what is made here."""
    if not (ROOT / ".git").exists():
        found = (path for path in ROOT.rglob("*") if path.is_file())
        return tuple(sorted(path for path in found if not _is_made_here(path.relative_to(ROOT))))
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, text=True).stdout
    paths = {ROOT / name for name in listed.split("\0") if name}
    return tuple(sorted(path for path in paths if path.is_file()))


def _is_made_here(path: Path) -> bool:
    made = {"build", "__pycache__", ".venv", ".deps"}
    return any(part in made or part.endswith(("_cache", ".egg-info")) for part in path.parts)


def texts() -> dict[str, str]:
    """Return path from the root -> content of every text file."""
    contents = {}
    for path in files():
        data = path.read_bytes()
        if b"\0" not in data:
            contents[path.relative_to(ROOT).as_posix()] = data.decode("utf-8", errors="replace")
    return contents


def python_sources(folder: str) -> dict[str, str]:
    """Return path from the root -> content of every Python file below *folder*."""
    return {name: text for name, text in texts().items() if name.startswith(f"{folder}/") and name.endswith(".py")}
