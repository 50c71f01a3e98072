"""Every command that a README shows is run by a test: in the test of its section, or in one that the table names.

A command is a line of a code block without a language, or with `sh`. It may go on after a backslash; what follows a
`#` is not a part of it. Lines of `perilune` must also be taken by its parser, and targets of make must be there.
"""

from __future__ import annotations

import ast
import contextlib
import io
import re
import shlex
from fnmatch import fnmatch

import pytest
from perilune.cli import build_parser, subcommand_names

from tests.rules.repository import ROOT, texts
from tests.rules.test_generated import BLOCK

Words = list[str]

FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`(make [^`<]+)`")
PROGRAMS = ("make", "perilune", "python", ".venv/bin/python", ".venv/bin/perilune", "cp", "pytest", "robot")
TEMPLATE = "host_tools/perilune/template/README.md"

# Document and section, all of whose commands a test runs as they stand there -> that test.
SECTIONS = {
    ("README.md", "Operators' daily commands"): "tests/system/test_readme_commands.py::test_operators_daily_commands",
}
# Document (a pattern), command (a pattern) -> the test that runs it, or the file of the project that does.
COVERED = {
    ("README.md", "make demo"): ".ci/run",
    ("README.md", "make test"): ".ci/run",
    ("README.md", "make emulate PLANT=1 *"): "tests/system/test_readme_commands.py::test_operators_daily_commands",
    ("README.md", "perilune new my_payload"): "tests/system/test_new_payload.py::test_it_passes_its_tests_on_sitl",
    ("*README.md", "make hil TARGET=sitl"): "tests/system/test_hil_plugin.py",
    ("*README.md", "make hil TARGET=qemu"): "tests/system/test_hil_plugin.py",
    ("README.md", "make robot TARGET=sitl"): "tests/system/test_robot.py",
    ("*README.md", "make hil TARGET=renode"): "tests/host/test_renode_target.py",
    ("*README.md", "make hil TARGET=serial *"): "tests/system/test_hil_plugin.py",
    ("README.md", "make demo EMULATOR=renode"): "tests/system/test_demo.py",
    ("README.md", "make flash BOARD=pyboard_v11 METHOD=dfu *"): "tests/host/test_flash.py",
    ("README.md", "make bench"): "tests/host/test_bench_figures.py::test_all_in_one_table",
    ("boards/README.md", "cp -r boards/pyboard_v11 boards/my_board"): (
        "tests/board/test_make.py::test_folder_with_a_board_is_all_that_a_new_board_needs"
    ),
    (TEMPLATE, "make check"): "tests/system/test_new_payload.py::test_it_passes_its_tests_on_sitl",
    (TEMPLATE, "make test"): "tests/system/test_new_payload.py::test_it_passes_its_tests_on_sitl",
    (TEMPLATE, "make rehearse"): "tests/system/test_new_payload.py::test_it_passes_its_tests_on_sitl",
    (TEMPLATE, "make test TARGET=qemu"): (
        "tests/system/test_new_payload.py::test_it_builds_and_passes_its_tests_on_the_emulated_board"
    ),
    (TEMPLATE, "make firmware"): (
        "tests/system/test_new_payload.py::test_it_builds_and_passes_its_tests_on_the_emulated_board"
    ),
    (TEMPLATE, "make flash DRY_RUN=1"): (
        "tests/system/test_new_payload.py::test_it_builds_and_passes_its_tests_on_the_emulated_board"
    ),
    (TEMPLATE, "perilune *"): "tests/system/test_readme_commands.py::test_operators_daily_commands",
    ("hil/operations/README.md", "perilune seq *"): "tests/host/test_sequence_examples.py",
    ("host_tools/README.md", "perilune gateway *"): "tests/host/test_gateway.py",
    ("host_tools/README.md", "perilune dictionary export *"): "tests/host/test_dictionary_export.py",
    ("host_tools/README.md", "perilune archive *"): "tests/host/test_archive.py",
    ("host_tools/README.md", "perilune params *"): "tests/system/test_operators_day.py::test_a_day",
    ("host_tools/README.md", "perilune hk check *"): "tests/system/test_hk_command.py",
    ("host_tools/README.md", "perilune flash *"): "tests/host/test_flash.py",
    ("tests/README.md", "make check"): ".ci/run",
    ("tests/README.md", "make test"): ".ci/run",
    ("tests/README.md", "make fuzz SECONDS=60"): "tests/fuzz/test_fuzz.py",
    ("tests/README.md", "make test-micropython"): "tests/micropython/test_suite.py",
}


def fenced(text: str, language: str) -> list[str]:
    """Code blocks of a language."""
    return [block for name, block in FENCE.findall(text) if name == language]


def section(text: str, title: str) -> str:
    """A section of a document, up to the next heading that is not below it."""
    found = re.search(rf"^(#+) {re.escape(title)}\n(.*?)(?=^#{{1,2}} |\Z)", text, re.MULTILINE | re.DOTALL)
    assert found is not None, f"no section {title}"
    return found[2]


def commands(text: str) -> list[Words]:
    """The commands of a document, as words."""
    found = []
    for block in [*fenced(BLOCK.sub("", text), "sh"), *fenced(BLOCK.sub("", text), "")]:
        for line in block.replace("\\\n", " ").splitlines():
            if (line.split() or [""])[0] in PROGRAMS:
                found.append(shlex.split(line, comments=True))
    return found


def uncovered(documents: dict[str, str]) -> list[str]:
    """One line for each command that no test runs."""
    found = []
    for name, text in documents.items():
        rest = text
        for document, title in SECTIONS:
            if document == name:
                rest = rest.replace(section(rest, title), "")
        for words in commands(rest):
            line = " ".join(words)
            if not any(fnmatch(name, document) and fnmatch(line, pattern) for document, pattern in COVERED):
                found.append(f"{name}: {line}")
    return found


def readmes() -> dict[str, str]:
    """Path -> text."""
    return {name: text for name, text in texts().items() if name.endswith("README.md")}


def test_every_command_is_run_by_a_test() -> None:
    assert uncovered(readmes()) == [], "next step: let a test run it, and name that in COVERED"


def test_the_table_names_what_is_there() -> None:
    documents = readmes()
    for (document, pattern), test in COVERED.items():
        lines = [
            " ".join(words) for name, text in documents.items() if fnmatch(name, document) for words in commands(text)
        ]
        assert any(fnmatch(line, pattern) for line in lines), f"no document shows {pattern}"
        path, _, name = test.partition("::")
        assert (ROOT / path).is_file(), test
        if name:
            tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
            assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}, test


def test_the_tests_that_are_named_run_in_every_run_but_long_ones() -> None:
    run = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    for (_, pattern), test in COVERED.items():
        if test == ".ci/run":
            assert pattern in run


def targets_of_make(makefile: str) -> set[str]:
    return set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))


def wrong(words: Words, targets: set[str]) -> str:
    """Why a command cannot be taken; empty when it can."""
    if words[0] == "make":
        unknown = [word for word in words[1:] if "=" not in word and word not in targets]
        return f"no target {', '.join(unknown)}" if unknown else ""
    if words[0].endswith("perilune"):
        if words[1] not in subcommand_names():
            return f"no subcommand {words[1]}"
        with contextlib.redirect_stderr(io.StringIO()) as told:
            try:
                build_parser([words[1]]).parse_args(words[1:])
            except SystemExit:
                return told.getvalue().strip()
    return ""


def test_every_command_can_be_typed() -> None:
    own = targets_of_make((ROOT / "Makefile").read_text(encoding="utf-8"))
    template = targets_of_make((ROOT / TEMPLATE).with_name("Makefile").read_text(encoding="utf-8"))
    for name, text in readmes().items():
        inline = [shlex.split(line) for line in INLINE.findall(FENCE.sub("", text))]
        for words in [*commands(text), *inline]:
            assert wrong(words, template if name == TEMPLATE else own) == "", f"{name}: {' '.join(words)}"


@pytest.mark.parametrize(
    "text", ["```\nmake tea\n```", "```sh\nperilune brew --now\n```", "- x\n\n  ```sh\n  perilune seq eat x\n  ```"]
)
def test_a_command_that_nobody_runs_or_takes_is_found(text: str) -> None:
    assert len(uncovered({"x/README.md": text})) == 1
    assert wrong(commands(text)[0], {"demo"})


def test_commands_are_read_as_a_shell_reads_them() -> None:
    text = '```sh\nmake hil TARGET=qemu   # the default\nperilune send "A b=1" \\\n    -t x\nport: no command\n```\n'
    assert commands(text) == [["make", "hil", "TARGET=qemu"], ["perilune", "send", "A b=1", "-t", "x"]]
