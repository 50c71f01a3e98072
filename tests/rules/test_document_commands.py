"""Every command that a README shows is run by a test: in the test of its section, or in one that the table names.

Of what runs for minutes or hours, `make bench` and `make fuzz`, the recipe is looked at, and parts are run elsewhere.

A command is a line of a code block without a language, or with `sh`. It may go on after a backslash; what follows a
`#` is not a part of it. Lines of `perilune` must also be taken by its parser, and targets of make must be there.
"""

from __future__ import annotations

import ast
import contextlib
import importlib.util
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
INLINE = re.compile(r"`((?:make|perilune|python -m|\.venv/bin/python -m) [^`<]+)`")
PYTHON_PATH = ("", "host_tools", "firmware")
PROGRAMS = ("make", "perilune", "python", ".venv/bin/python", ".venv/bin/perilune", "cp", "pytest", "robot")
TEMPLATE = "host_tools/perilune/template/README.md"
RECIPES = "tests/system/test_make_recipes.py"
TYPED = "tests/system/test_readme_commands.py"
# Variables that recipes take from the shell that calls them.
OF_THE_ENVIRONMENT = {"PYTHON", "MICROPYTHON_DIR"}

# Document and section, all of whose commands a test runs as they stand there -> that test.
SECTIONS = {
    ("README.md", "Operators' daily commands"): f"{TYPED}::test_operators_daily_commands",
}
# Document (a pattern), command (a pattern) -> the test that runs it, or the file of the project that does.
COVERED = {
    ("README.md", "make demo"): ".ci/run",
    ("README.md", "make test"): ".ci/run",
    ("README.md", "make emulate PLANT=1 *"): f"{RECIPES}::test_emulate_with_the_plant_as_the_readme_starts_it",
    ("README.md", "perilune new my_payload"): "tests/system/test_new_payload.py::test_it_passes_its_tests_on_sitl",
    ("*README.md", "make hil TARGET=sitl"): f"{RECIPES}::test_hil",
    ("*README.md", "make hil TARGET=qemu"): f"{RECIPES}::test_hil",
    (
        "README.md",
        "make robot TARGET=sitl",
    ): "tests/system/test_robot.py::test_all_suites_pass_on_sitl_as_make_runs_them",
    ("*README.md", "make hil TARGET=renode"): f"{RECIPES}::test_hil_in_renode_leaves_its_tests_out_where_there_is_none",
    ("*README.md", "make hil TARGET=serial *"): f"{RECIPES}::test_hil_on_a_real_board_finds_its_bench_and_scenarios",
    ("README.md", "make demo EMULATOR=renode"): f"{RECIPES}::test_what_needs_renode_says_how_to_get_it",
    ("README.md", "make flash BOARD=pyboard_v11 METHOD=dfu DRY_RUN=1"): f"{RECIPES}::test_flash_shows_what_it_would_do",
    ("README.md", "make flash BOARD=pyboard_v11 METHOD=dfu *"): (
        f"{RECIPES}::test_flash_without_a_board_says_what_to_press"
    ),
    ("README.md", "make bench"): (f"{RECIPES}::test_what_runs_for_minutes_starts_the_program_whose_parts_are_tested"),
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
    (TEMPLATE, "perilune *"): f"{TYPED}::test_a_new_payload",
    ("hil/operations/README.md", "perilune seq *"): f"{TYPED}::test_sequences_of_operations",
    ("host_tools/README.md", "perilune gateway *"): (
        "tests/host/test_gateway.py::test_gateway_process_ends_cleanly_on_interrupt"
    ),
    ("host_tools/README.md", "perilune export *"): f"{TYPED}::test_the_archive_and_exports",
    ("host_tools/README.md", "perilune archive *"): f"{TYPED}::test_the_archive_and_exports",
    ("host_tools/README.md", "perilune params *"): f"{TYPED}::test_checks_for_machines",
    ("host_tools/README.md", "perilune hk check *"): f"{TYPED}::test_checks_for_machines",
    ("host_tools/README.md", "perilune flash *"): (
        "tests/host/test_flash.py::test_every_way_of_every_board_says_what_it_would_do"
    ),
    ("tests/README.md", "make check"): ".ci/run",
    ("tests/README.md", "make test"): ".ci/run",
    ("tests/README.md", "make fuzz SECONDS=60"): (
        f"{RECIPES}::test_what_runs_for_minutes_starts_the_program_whose_parts_are_tested"
    ),
    ("tests/README.md", "make test-micropython"): "tests/micropython/test_suite.py::test_all_pass",
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
        if path == ".ci/run":
            assert pattern in (ROOT / path).read_text(encoding="utf-8")
            continue
        tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
        assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}, test


def targets_of_make(makefile: str) -> set[str]:
    return set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))


def variables_of_make(makefile: str) -> set[str]:
    """Names that a recipe looks at."""
    in_lists = [word for words in re.findall(r"\$\(foreach \w+,([A-Z ]+),", makefile) for word in words.split()]
    return {*re.findall(r"\$\(([A-Z_]+)\)", makefile), *in_lists} | OF_THE_ENVIRONMENT


def wrong(words: Words, targets: set[str], variables: set[str]) -> str:
    """Why a command cannot be taken; empty when it can."""
    if words[0] == "make":
        unknown = [word for word in words[1:] if "=" not in word and word not in targets]
        unread = [word for word in words[1:] if "=" in word and word.partition("=")[0] not in variables]
        return " ".join([f"no target {word}" for word in unknown] + [f"nobody reads {word}" for word in unread])
    if words[0].endswith("python") and words[1] == "-m":
        installed = importlib.util.find_spec(words[2].partition(".")[0]) is not None
        ours = any(module_file(words[2], folder) for folder in PYTHON_PATH)
        return (
            ""
            if ours or (installed and not (ROOT / "host_tools" / words[2].partition(".")[0]).is_dir())
            else (f"no module {words[2]}")
        )
    if words[0].endswith("perilune"):
        if words[1] in ("--help", "--version"):
            return ""
        if words[1] not in subcommand_names():
            return f"no subcommand {words[1]}"
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()) as told:
            try:
                build_parser([words[1]]).parse_args(words[1:])
            except SystemExit:
                return told.getvalue().strip()
    return ""


def module_file(module: str, folder: str) -> bool:
    """Is there such a module, or a package that can be run, below that folder?"""
    place = ROOT / folder / module.replace(".", "/")
    return place.with_suffix(".py").is_file() or (place / "__main__.py").is_file()


def test_every_command_can_be_typed() -> None:
    own = (ROOT / "Makefile").read_text(encoding="utf-8")
    template = (ROOT / TEMPLATE).with_name("Makefile").read_text(encoding="utf-8")
    for name, text in readmes().items():
        makefile = template if name == TEMPLATE else own
        # In running text a subcommand is often only named.
        inline = [shlex.split(line) for line in INLINE.findall(FENCE.sub("", text))]
        named = [[*words[:2], "--help"] if words[0] == "perilune" else words for words in inline]
        for words in [*commands(text), *named]:
            problem = wrong(words, targets_of_make(makefile), variables_of_make(makefile))
            assert problem == "", f"{name}: {' '.join(words)}"


@pytest.mark.parametrize(
    "text", ["```\nmake tea\n```", "```sh\nperilune brew --now\n```", "- x\n\n  ```sh\n  perilune seq eat x\n  ```"]
)
def test_a_command_that_nobody_runs_or_takes_is_found(text: str) -> None:
    assert len(uncovered({"x/README.md": text})) == 1
    assert wrong(commands(text)[0], {"demo"}, set())


def test_a_variable_that_nobody_reads_and_a_module_that_is_not_there_are_found() -> None:
    assert wrong(["make", "hil", "TARGTE=qemu"], {"hil"}, {"TARGET"}) == "nobody reads TARGTE=qemu"
    assert wrong(["python", "-m", "perilune.dictionnary"], set(), set()) == "no module perilune.dictionnary"


def test_commands_are_read_as_a_shell_reads_them() -> None:
    text = '```sh\nmake hil TARGET=qemu   # the default\nperilune send "A b=1" \\\n    -t x\nport: no command\n```\n'
    assert commands(text) == [["make", "hil", "TARGET=qemu"], ["perilune", "send", "A b=1", "-t", "x"]]
