"""`make demo`: an evening on the Moon, on an emulated board, with a verdict.

    python -m hil.demo                      Renode where it is installed, else QEMU
    python -m hil.demo --target renode      Renode; sitl: the flight software in this process, in virtual time
    python -m hil.demo --out build/demo     where archive, record, plot and report go

Exit status: 0 everything is as it should be, 1 it could not be flown, 5 something was found wrong, 130 ended with
Ctrl-C.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from pathlib import Path

import msgspec
from perilune.dictionary import load
from perilune.dictionary.load import CORE
from perilune.errors import PeriluneError
from perilune.plot import write_html, write_png
from perilune.run_record import read_run

from hil.bench import load_bench
from hil.demo.evening import USUAL, Evening, Outcome, Plan, bench_of_the_evening
from hil.demo.page import write_page
from hil.demo.shown import LiveScreen, PlainLines
from hil.renode_package import check_version, find_renode
from hil.targets.errors import EmulatorMissing, TargetError
from hil.targets.make import make_plant, make_target

VIOLATIONS = 5
INTERRUPTED = 130
TITLE = "An evening on the Moon"


def main(argv: list[str] | None = None, plan: Plan = USUAL) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m hil.demo", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--target", default="auto", help="qemu, renode, sitl, a bench file; auto: Renode if there is one"
    )
    parser.add_argument("--out", type=Path, default=Path("build/demo"), help="folder of the results (build/demo)")
    parser.add_argument("--choose", action="store_true", help="only say which target it would be")
    parser.add_argument("--plain", action="store_true", help="plain lines, as without a terminal")
    arguments = parser.parse_args(argv)
    try:
        target = choose(arguments.target)
    except EmulatorMissing as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    if arguments.choose:
        print(target)
        return 0
    out: Path = arguments.out
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    try:
        outcome = fly(target, out, plan, plain=arguments.plain or not sys.stdout.isatty())
    except KeyboardInterrupt:
        print("demo: ended with Ctrl-C", file=sys.stderr)
        return INTERRUPTED
    except (PeriluneError, TargetError, OSError) as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    conclude(outcome, out)
    return 0 if outcome.passed else VIOLATIONS


def choose(name: str) -> str:
    """The target: Renode where it is installed, else QEMU, unless one is named. Raises EmulatorMissing for Renode."""
    if name not in ("auto", "renode"):
        return name
    try:
        check_version(find_renode())
    except EmulatorMissing:
        if name == "renode":
            raise
        return "qemu"
    return "renode"


def fly(target_name: str, out: Path, plan: Plan, *, plain: bool) -> Outcome:
    """Fly the evening. Raises PeriluneError, TargetError."""
    bench = bench_of_the_evening(load_bench(target_name))
    dictionary = load([CORE, *bench.mission_folders])
    with tempfile.TemporaryDirectory(prefix="perilune-demo-") as folder:
        target = make_target(bench, Path(folder))
        try:
            plant = make_plant(bench)
            assert plant is not None
            target.attach(plant)
            with PlainLines(target.now_s) if plain else LiveScreen(target.now_s) as shown:
                return Evening(target, dictionary, out, shown, plan).run()
        finally:
            target.stop()


def conclude(outcome: Outcome, out: Path) -> None:
    """Write plot, page and verdict, and say what came of it."""
    run = read_run(out / "run.npz")
    if len(run.time_s):
        write_png(run, out / "plot.png")
        write_html(run, out / "plot.html")
    write_page(out / "report.html", outcome, out / "plot.png", TITLE)
    (out / "verdict.json").write_text(
        json.dumps({"passed": outcome.passed, "findings": [msgspec.structs.asdict(row) for row in outcome.findings]})
    )
    print()
    for finding in outcome.findings:
        print(finding.line)
    print(f"\narchive {out / 'archive.sqlite'}, plot {out / 'plot.html'}, report {out / 'report.html'}")
    print(f"{TITLE}: {'PASSED' if outcome.passed else 'FAILED'} after {outcome.took_s:.0f} s")


if __name__ == "__main__":
    sys.exit(main())
