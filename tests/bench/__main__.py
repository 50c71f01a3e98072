"""All benchmarks, one table: ``make bench``, or ``python -m tests.bench [codec board ...] [--history FILE]``.

Figures of the board are instructions that QEMU counts, so they repeat; those of the host are times of this machine, and
ratios to plain work of the same run. Exit status 1 when a goal is missed or a benchmark could not be measured.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import time
from collections.abc import Sequence
from subprocess import SubprocessError

from perilune.errors import PeriluneError

from hil.targets.errors import TargetError
from tests import ctrl_c
from tests.bench.figures import LINE, Figure, add_history, keep, last_run, table, unavailable

# Name -> what it needs besides set-up is built by `make bench`.
BENCHMARKS = ("codec", "board", "boot", "host", "rehearsal", "plant", "lunation", "campaigns", "jobs")


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, then one table of all."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("benchmarks", nargs="*", metavar="BENCHMARK", help=f"of {', '.join(BENCHMARKS)} (all)")
    add_history(parser)
    arguments = parser.parse_args(argv)
    if unknown := set(arguments.benchmarks) - set(BENCHMARKS):
        parser.error(f"no benchmark {', '.join(sorted(unknown))}; there are {', '.join(BENCHMARKS)}")
    ctrl_c.heed()
    tables, figures, missing = [], [], []
    for name in arguments.benchmarks or BENCHMARKS:
        module = importlib.import_module(f"tests.bench.bench_{name}")
        print(f"{module.TITLE} ...", flush=True)
        began = time.monotonic()
        try:
            found: list[Figure] = module.figures()
        except (PeriluneError, TargetError, OSError, RuntimeError, AssertionError, SubprocessError) as error:
            unavailable(name, f"{type(error).__name__}: {error}")
            missing.append(name)
            continue
        print(f"... {time.monotonic() - began:.0f} s", flush=True)
        tables.append(table(module.TITLE, found, last_run(arguments.history, name)))
        keep(arguments.history, name, found)
        figures += found
    print()
    print(LINE.format("", "figure", "", "goal", "", "to the last run").rstrip())
    print("\n".join(tables))
    with_goal = [figure for figure in figures if figure.goal]
    missed = [figure.name.strip() for figure in with_goal if not figure.met]
    print(f"\n{len(with_goal) - len(missed)} of {len(with_goal)} goals met; history in {arguments.history}")
    for name in missed:
        print(f"MISSED: {name}")
    for name in missing:
        print(f"not measured: {name}")
    return 1 if missed or missing else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("bench: ended with Ctrl-C", file=sys.stderr)
        sys.exit(130)
