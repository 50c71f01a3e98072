"""Completion in shells: what bash would offer, and that the scripts of the others can be read where these are."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from perilune.cli import build_parser, main, subcommand_names
from perilune.completion_script import SHELLS, places

ROOT = Path(__file__).resolve().parents[2]
TRIAL = ROOT / "tests" / "flight" / "trial"


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with perilune.toml, the script, and a `perilune` of this interpreter."""
    folder = tmp_path_factory.mktemp("desk")
    (folder / "perilune.toml").write_text(
        f'default = "bench"\n[targets.bench]\nport = "COM3"\nmissions = ["{TRIAL.as_posix()}"]\n'
        '[targets.bare]\nport = "COM4"\n'
    )
    (folder / "script.bash").write_text(SHELLS["bash"](build_parser(subcommand_names())))
    program = folder / "perilune"
    path = f"{ROOT}/host_tools:{ROOT}/firmware"
    program.write_text(f'#!/bin/sh\nPYTHONPATH={path} exec {sys.executable} -m perilune "$@"\n')
    program.chmod(0o755)
    return folder


def offered(desk: Path, line: str) -> list[str]:
    """What bash offers behind this line; it ends in the word under the cursor, which may be empty."""
    words = " ".join(f"'{word}'" for word in line.split(" ")[1:])
    program = (
        "source ./script.bash; "
        f"COMP_WORDS=(./perilune {words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); "
        '_perilune; printf "%s\\n" "${COMPREPLY[@]}"'
    )
    return sorted(said(desk, ["bash", "--norc", "-c", program]).split())


def said(desk: Path, command: list[str]) -> str:
    """What a shell at the desk prints."""
    environment = {"PATH": f"{desk}:/usr/bin:/bin", "HOME": str(desk), "LANG": "C.UTF-8"}
    done = subprocess.run(command, cwd=desk, env=environment, capture_output=True, text=True, timeout=60, check=True)
    assert done.stderr == ""
    return done.stdout


OFFERS = [
    ("perilune s", ["schedule", "send", "seq"]),
    ("perilune --ver", ["--version"]),
    ("perilune hk ", ["check", "watch"]),
    ("perilune params d", ["diff", "dump"]),
    ("perilune -t bench params d", ["diff", "dump"]),
    ("perilune params -t bench d", ["diff", "dump"]),
    ("perilune hk check --ju", ["--junit"]),
    ("perilune events watch --severity ", ["high", "info", "low", "medium"]),
    ("perilune events --severity m", ["medium"]),
    ("perilune ping -t b", ["bare", "bench"]),
    ("perilune ping --target be", ["bench"]),
    ("perilune send TRIAL.S", ["TRIAL.SAFE_ONLY", "TRIAL.SLOW"]),
    ("perilune send -t bare TRIAL.S", []),
    ("perilune send CORE.PI", ["CORE.PING"]),
    ("perilune params get trial.gai", ["trial.gain"]),
    ("perilune params set trial.gai", ["trial.gain="]),
    ("perilune hk watch core.upt", ["core.uptime_s"]),
    ("perilune events disable core.boo", ["core.boot"]),
    ("perilune monitors disable watch.sma", ["watch.small"]),
    ("perilune modes go STAN", ["STANDBY"]),
    ("perilune flash netd", ["netduinoplus2"]),
    ("perilune seq upload per", ["perilune", "perilune.toml"]),
    ("perilune hk check --expect per", ["perilune", "perilune.toml"]),
    ("perilune ping --count ", []),
    ("perilune completion f", ["fish"]),
]


@pytest.mark.parametrize(("line", "expected"), OFFERS)
def test_what_bash_offers(desk: Path, line: str, expected: list[str]) -> None:
    assert offered(desk, line) == expected


@pytest.mark.skipif(shutil.which("fish") is None, reason="fish is not installed: apt-get install fish")
@pytest.mark.parametrize(("line", "expected"), OFFERS)
def test_what_fish_offers(desk: Path, line: str, expected: list[str]) -> None:
    (desk / "script.fish").write_text(SHELLS["fish"](build_parser(subcommand_names())))
    rows = said(desk, ["fish", "--no-config", "-c", f"source script.fish; complete -C {line!r}"]).splitlines()
    # It matches more generously than from the beginning, whatever the case, and tells more behind a tabulator.
    word = line.rsplit(" ", maxsplit=1)[-1]
    assert sorted(found for found in (row.split("\t")[0] for row in rows) if found.startswith(word)) == expected


def test_every_place_of_the_command_line_is_in_every_script(capsys: pytest.CaptureFixture[str]) -> None:
    parser = build_parser(subcommand_names())
    paths = [place.path for place in places(parser)]
    assert {"", "send", "hk watch", "seq upload", "archive query"} <= set(paths)
    for shell in SHELLS:
        assert main(["completion", shell]) == 0
        script = capsys.readouterr().out
        quote = "'" if shell == "fish" else '"'
        assert [path for path in paths if f"{quote}{path}{quote}" not in script] == []


@pytest.mark.parametrize(("shell", "check"), [("bash", ["-n"]), ("zsh", ["-n"]), ("fish", ["--no-execute"])])
def test_the_script_can_be_read(shell: str, check: list[str], tmp_path: Path) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed: apt-get install {shell}")
    script = tmp_path / "script"
    script.write_text(SHELLS[shell](build_parser(subcommand_names())))
    done = subprocess.run([shell, *check, str(script)], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
