"""What is kept of a test that failed: octets of every line, console, crash record, reports, and a plot of it all.

The files lie in hil/out/<test>/, which a later run of the same test replaces.
"""

from __future__ import annotations

import contextlib
import json
import math
import re
import shutil
from pathlib import Path

from perilune.errors import PeriluneError
from perilune.run_record import Column, RunRecorder
from perilune.telemetry.reports import EventReport, HousekeepingReport, as_data

from hil.ground import Ground
from hil.targets.errors import TargetError
from hil.targets.symbols import Symbols
from hil.targets.target import Target

OUT_DIR = Path(__file__).resolve().parent / "out"
CRASH_SYMBOL, CRASH_SIZE = "survivor", 256  # firmware/stm32f4/fault.c: what a run leaves behind for the next one
PLOTTED = 200  # columns at most


def folder_of(test: str, out: Path = OUT_DIR) -> Path:
    """The folder of a test's evidence, by pytest's name of the test."""
    return out / re.sub(r"[^\w.\[\]-]+", "_", test.removeprefix("hil/")).strip("_")


def keep(folder: Path, target: Target, ground: Ground | None, reason: str) -> Path:
    """Write everything that there is into *folder*, which is emptied first; the folder."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / "reason.txt").write_text(reason, encoding="utf-8")
    for name, data in target.evidence().items():
        (folder / name).write_bytes(data)
    _keep_crash_record(folder, target)
    if ground is not None:
        _keep_reports(folder, ground)
        _keep_plot(folder, ground)
    if target.plant is not None:
        (folder / "plant.json").write_text(json.dumps(target.plant.truth(), indent=1), encoding="utf-8")
    return folder


def _keep_crash_record(folder: Path, target: Target) -> None:
    """The memory that survives a reset, where the target can read it: the record of a crash and its breadcrumb."""
    if target.why_not("memory"):
        return
    with contextlib.suppress(TargetError, OSError, KeyError):
        address = Symbols(target.bench.image_path).address(CRASH_SYMBOL)
        (folder / "crash_record.bin").write_bytes(target.memory.read(address, CRASH_SIZE))


def _keep_reports(folder: Path, ground: Ground) -> None:
    with (folder / "reports.jsonl").open("w", encoding="utf-8") as file:
        for time_s, report in zip(ground.times_s, ground.reports, strict=True):
            file.write(json.dumps({"time_s": round(time_s, 3)} | as_data(report)) + "\n")
        for packet in ground.undecodable:
            file.write(json.dumps(as_data(packet)) + "\n")
    latest = {name: value.shown for name, value in sorted(ground.latest.items())}
    (folder / "housekeeping.json").write_text(json.dumps(latest, indent=1), encoding="utf-8")


def _keep_plot(folder: Path, ground: Ground) -> None:
    """A run record of all numbers in housekeeping, and the page that shows it."""
    rows = [
        (time_s, report)
        for time_s, report in zip(ground.times_s, ground.reports, strict=True)
        if isinstance(report, HousekeepingReport)
    ]
    names = sorted({name for _, report in rows for name in report.values})[:PLOTTED]
    if not names:
        return
    start_s = ground.times_s[0]
    points = ground.dictionary.points
    columns = [Column(name, points[name].unit, name.partition(".")[0], name) for name in names]
    path = folder / "run.npz"
    values = dict.fromkeys(names, math.nan)
    last_s = -math.inf
    with RunRecorder(path, folder.name, columns) as run:
        for time_s, report in rows:
            values |= {name: float(v.engineering) for name, v in report.values.items() if name in values}
            # Times of a record rise; structures of one packet come at the same time.
            last_s = max(time_s - start_s, math.nextafter(last_s, math.inf))
            run.sample(last_s, values)
        for time_s, event in zip(ground.times_s, ground.reports, strict=True):
            if isinstance(event, EventReport):
                run.event(time_s - start_s, event.severity, event.name, event.text)
    with contextlib.suppress(PeriluneError):
        from perilune import plot, run_record  # noqa: PLC0415  # slow to import, and only for a failure

        plot.write_html(run_record.read_run(path), path.with_suffix(".html"))
