"""Fuzz every decoder: ``python tests/fuzz/run.py SECONDS [TARGET ...]``, shared evenly by the targets (``make fuzz``).

The C codec runs in a program of its own under AddressSanitizer and UndefinedBehaviorSanitizer, the Python targets under
atheris. Failing inputs are kept in build/fuzz/<target>/. Exit status 0 only when no target failed.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.fuzz.targets import TARGETS, seeds

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "fuzz"
CODEC = ROOT / "firmware" / "cmodules" / "codec"
BATCH = ROOT / "host_tools" / "perilune_codec"
C_TARGET = "c_sanitized"
FLAGS = ["-std=gnu99", "-O1", "-g", "-Wall", "-Wextra", "-Werror", "-fno-omit-frame-pointer"]
SANITIZERS = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
SLACK_S = 120  # start of a target, and its last run


def build_c() -> Path:
    """Build the sanitized program from the codec's plain C (not the MicroPython binding) and the batch functions."""
    BUILD.mkdir(parents=True, exist_ok=True)
    program = BUILD / "fuzz_c"
    sources = [path for path in sorted(CODEC.glob("*.c")) if '#include "py/' not in path.read_text(encoding="utf-8")]
    sources = [
        path for path in sources if path.name not in ("modperilune_codec.c", "binding_fields.c", "binding_headers.c")
    ]
    sources += [BATCH / name for name in ("columns.c", "crc16_wide.c", "frames.c")]
    command = ["gcc", *FLAGS, *SANITIZERS, f"-I{CODEC}", f"-I{BATCH}", str(ROOT / "tests/fuzz/fuzz_c.c")]
    subprocess.run([*command, *map(str, sources), "-o", str(program)], check=True)
    return program


def write_seeds(folder: Path) -> list[Path]:
    """Put the good octets there; their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for number, octets in enumerate(seeds()):
        paths.append(folder / f"seed-{number:03d}")
        paths[-1].write_bytes(octets)
    return paths


def command_for(target: str, seconds: float) -> list[str]:
    """Command line that fuzzes one target for so long."""
    corpus = BUILD / target / "corpus"
    files = write_seeds(corpus)
    if target == C_TARGET:
        seed = str(int.from_bytes(os.urandom(4), "big"))
        return [str(build_c()), f"{seconds:.0f}", seed, *map(str, files)]
    options = [
        f"-max_total_time={seconds:.0f}",
        "-max_len=1024",
        "-timeout=20",
        "-rss_limit_mb=1024",
        "-print_final_stats=1",
    ]
    artifacts = f"-artifact_prefix={BUILD / target}/"
    return [sys.executable, str(ROOT / "tests/fuzz/atheris_target.py"), target, str(corpus), artifacts, *options]


def fuzz(target: str, seconds: float) -> bool:
    """Fuzz one target and print its line; True when it held."""
    command = command_for(target, seconds)
    env = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'host_tools'}:{ROOT / 'firmware'}"}
    try:
        done = subprocess.run(
            command,
            cwd=ROOT,
            env=env,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=seconds + SLACK_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        print(f"{target:18} HANGS: still running {SLACK_S} s after its time")
        return False
    output = done.stdout + done.stderr
    runs = re.search(r"number_of_executed_units: (\d+)|^(\d+) runs", output, flags=re.MULTILINE)
    held = done.returncode == 0 and runs is not None
    count = (runs[1] or runs[2]) if runs else "no"
    print(f"{target:18} {'held' if held else 'FAILED'}, {count} runs in {seconds:.0f} s")
    if not held:
        print(output[-4000:])
        print(f"next step: run `{' '.join(command[:4])}` with the input kept in {BUILD / target}")
    return held


def main() -> int:
    known = [C_TARGET, *TARGETS]
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 60.0
    wanted = sys.argv[2:] or known
    unknown = sorted(set(wanted) - set(known))
    if unknown:
        print(f"unknown target {', '.join(unknown)}; there are {', '.join(known)}", file=sys.stderr)
        return 2
    results = [fuzz(target, max(1.0, seconds / len(wanted))) for target in wanted]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
