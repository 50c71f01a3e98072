"""The command line: every subcommand has help with an example, and none imports what it does not need."""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from perilune.cli import build_parser, main, subcommand_names

ROOT = Path(__file__).resolve().parents[2]
HEAVY = ("numpy", "rich", "textual", "serial", "flight.topology", "perilune.dictionary.load")


def inner_parsers(parser: argparse.ArgumentParser) -> list[Mapping[str, argparse.ArgumentParser]]:
    """Parsers of what may follow."""
    return [row.choices for row in parser._actions if isinstance(row, argparse._SubParsersAction)]


def actions() -> list[str]:
    """Every subcommand, and each action that has a parser of its own ("seq upload")."""
    found = []
    for name in subcommand_names():
        [outer] = inner_parsers(build_parser([name]))
        inner = inner_parsers(outer[name])
        found += [name, *(f"{name} {action}" for choices in inner for action in choices)]
    return found


@pytest.mark.parametrize("name", actions())
def test_help_has_an_example(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*name.split(), "--help"])
    assert ended.value.code == 0
    # Below the line of usage, which names it anyhow.
    assert re.search(rf"^ +perilune {name}\b", capsys.readouterr().out, re.MULTILINE)


def test_help_of_operators_commands_imports_nothing_heavy() -> None:
    names = ["send", "ping", "events", "params", "schedule", "monitors", "time", "modes", "targets", "link", "gateway"]
    program = (
        "import sys; from perilune.cli import build_parser\n"
        f"build_parser({names!r}); print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(str(ROOT / part) for part in ("host_tools", "firmware"))}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "[]"
