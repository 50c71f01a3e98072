"""Words and names that have no place in the repository.

The project speaks of itself alone: no folder of somebody's machine, no package registry's or archive's host (those are
the business of the machine's own configuration). Folders are named after what is in them.
"""

import re

import pytest

from tests.rules.repository import ROOT, files, texts


def spelled(word: str) -> str:
    """Return *word* without the tilde that keeps this file from failing its own test."""
    return word.replace("~", "")


MACHINE_FOLDERS = ["w~ork", "r~oot", "tmp/~w"]
REGISTRY_HOSTS = [
    "p~ypi.org",
    "p~ythonhosted.org",
    "n~pmjs.org",
    "n~pmjs.com",
    "crates.i~o",
    "proxy.g~olang.org",
    "deb.d~ebian.org",
    "snapshot.d~ebian.org",
    "archive.u~buntu.com",
    "conda.o~rg",
]
EMPTY_NAMES = {"utils", "util", "common", "misc", "helpers", "helper", "legacy", "stuff", "lib"}

RULES = {
    # Not inside a longer path (build/…, $(ROOT)/…) and not the beginning of a longer name.
    "a path of one machine": re.compile(rf"(?<![\w.$)}}/-])/(?:{spelled('|'.join(MACHINE_FOLDERS))})(?![\w.-])"),
    "a home folder": re.compile(spelled(r"/h~ome/\w|/U~sers/\w")),
    "a registry's or archive's host": re.compile("|".join(re.escape(spelled(host)) for host in REGISTRY_HOSTS)),
}


def offences(name: str, text: str) -> list[str]:
    """Return one line for every offence in the file *name* with content *text*."""
    found = []
    for rule, pattern in RULES.items():
        for match in pattern.finditer(text):
            line = text.count("\n", 0, match.start()) + 1
            found.append(f"{name}:{line}: {rule}: {match[0]}")
    return found


def badly_named(names: list[str]) -> list[str]:
    """Return the paths that have a folder or a Python file whose name says nothing."""
    return [name for name in names if EMPTY_NAMES & {part.split(".")[0].lower() for part in name.split("/")}]


def test_no_file_speaks_of_a_machine_or_a_registry() -> None:
    contents = texts()
    assert contents
    assert [line for name, text in contents.items() for line in offences(name, text)] == []


def test_every_folder_says_what_is_in_it() -> None:
    assert badly_named([path.relative_to(ROOT).as_posix() for path in files()]) == []


@pytest.mark.parametrize(
    "text",
    [
        "see /w~ork/main/x",
        "in '/w~ork'",
        "cd /tmp/~w/x",
        "/r~oot/.cache",
        "/h~ome/me/x",
        "https://p~ypi.org/simple",
        "http://deb.d~ebian.org/debian",
    ],
)
def test_an_offence_is_found(text: str) -> None:
    assert len(offences("x.md", spelled(text))) == 1


@pytest.mark.parametrize(
    "text",
    ["frame/w~ork/x", "a/w~orking/x", "$(ROOT)/w~ork/x", "build/w~ork/", "/r~ootfs", "/w~orker", "host.example.org"],
)
def test_what_only_looks_like_an_offence_passes(text: str) -> None:
    assert offences("x.md", spelled(text)) == []


def test_an_empty_name_is_found() -> None:
    names = ["host_tools/utils/x.py", "hil/common.py", "hil/library.py"]
    assert badly_named(names) == names[:2]
