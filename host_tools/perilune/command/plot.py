"""Draw a recorded run: a PNG, and an interactive page in one HTML file that needs no network.

One panel for each group of values over a common time; limits dashed, night shaded, modes and events above. The page
zooms with the wheel, moves by dragging and shows the values under the pointer.

example:

    perilune plot build/lunation_45.npz --html lunation.html
"""

from __future__ import annotations

import argparse
from pathlib import Path

from ..client.arguments import add_json, check_writable, print_json
from ..errors import UsageError

ENDINGS = (".npz", ".png", ".html")  # a recorded run and what is drawn of it

SUMMARY = "draw a recorded run as PNG and HTML"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `perilune plot`."""
    parser.add_argument("record", metavar="RUN", type=Path, help="recorded run (.npz)")
    parser.add_argument("--png", type=Path, help="PNG to write (default: beside the run)")
    parser.add_argument("--html", type=Path, help="page to write (default: beside the run)")
    add_json(parser)


def with_ending(name: Path, ending: str) -> Path:
    """The file NAME.ending; a NAME that has one of ENDINGS already loses it. Raises UsageError."""
    if name.name in ("", ".."):
        raise UsageError(f"{name} names no file", expected="a name without ending", next_step=f"{name / 'run'}")
    stem = name.with_suffix("") if name.suffix in ENDINGS else name
    return stem.with_name(stem.name + ending)


def run(arguments: argparse.Namespace) -> int:
    """Do `perilune plot`; the exit status."""
    # NumPy takes longer to import than all the rest of the command line.
    from perilune import plot, run_record  # noqa: PLC0415

    record = run_record.read_run(arguments.record)
    png = arguments.png or with_ending(arguments.record, ".png")
    html = arguments.html or with_ending(arguments.record, ".html")
    for path in (png, html):
        check_writable(path, arguments.record)
    plot.write_png(record, png)
    plot.write_html(record, html)
    if arguments.json:
        print_json({"png": str(png), "html": str(html)})
    else:
        print(f"{png}\n{html}")
    return 0
