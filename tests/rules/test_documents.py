"""What the documents point at exists: relative links, their headings, and files that are named in `code`."""

import re
from fnmatch import fnmatch
from pathlib import PurePosixPath

import pytest

from tests.rules.repository import ROOT, files, texts

LINK = re.compile(r"!?\[[^\]]*\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)")
CODE = re.compile(r"`([^`\n]+)`")
FENCE = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)
EXTERNAL = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)

# A `word/word` in code is a file's name when it starts at one of these; what set-up and builds make is not looked for.
TOP_LEVEL = {"firmware", "host_tools", "hil", "tests", "boards", "docs", ".ci"}
MADE_BY_RUNS = "hil/out"
LOOKS_LIKE_PATH = re.compile(r"[\w.<>*{},/-]+$")


def headings(text: str) -> set[str]:
    """Return the anchors that a Markdown text offers, made as code hosts make them."""
    titles = re.findall(r"^#{1,6}\s+(.+?)\s*#*$", FENCE.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def named_paths(text: str) -> list[str]:
    """Return what a Markdown text names in `code` as a path of the repository."""
    words = (word.rstrip(".,:;") for span in CODE.findall(FENCE.sub("", text)) for word in span.split())
    paths = [word for word in words if LOOKS_LIKE_PATH.match(word) and word.split("/")[0] in TOP_LEVEL and "/" in word]
    return [path for path in paths if not path.startswith(MADE_BY_RUNS)]


def exists(path: str, known: set[str]) -> bool:
    """Tell whether *path* is a known file, a folder with known files, or a pattern (`*`, `<board>`) of one."""
    pattern = re.sub(r"<[^>]*>", "*", path.rstrip("/"))
    return pattern in known or any(fnmatch(name, pattern) or fnmatch(name, f"{pattern}/*") for name in known)


def broken(name: str, documents: dict[str, str], known: set[str]) -> list[str]:
    """Return one line for everything that the document *name* points at and that is not there."""
    found = []
    text = documents[name]
    for target in LINK.findall(FENCE.sub("", text)):
        if EXTERNAL.match(target):
            continue
        path, _, anchor = target.partition("#")
        document = _normal(PurePosixPath(name).parent / path) if path else name
        if not exists(document, known):
            found.append(f"{name}: link to {target}: no such file")
        elif anchor and document in documents and anchor not in headings(documents[document]):
            found.append(f"{name}: link to {target}: no such heading")
    found += [f"{name}: `{path}`: no such file" for path in named_paths(text) if not exists(path, known)]
    return found


def _normal(path: PurePosixPath) -> str:
    parts: list[str] = []
    for part in path.parts:
        if part == "..":
            parts = parts[:-1]
        elif part != ".":
            parts.append(part)
    return "/".join(parts)


def test_the_documents_point_at_what_exists() -> None:
    documents = {name: text for name, text in texts().items() if name.endswith(".md")}
    known = {path.relative_to(ROOT).as_posix() for path in files()}
    assert "README.md" in documents
    assert [line for name in documents for line in broken(name, documents, known)] == []


KNOWN = {"README.md", "firmware/SPEC.md", "boards/x/board.toml"}


@pytest.mark.parametrize(
    "text",
    [
        "[the bytes](firmware/SPEC.txt)",
        "[the bytes](firmware/SPEC.md#no-such-part)",
        "[up](#nowhere)",
        "see `firmware/flight/gone.py`",
        "see `boards/<board>/pins.csv`.",
    ],
)
def test_a_dead_pointer_is_found(text: str) -> None:
    documents = {"README.md": text, "firmware/SPEC.md": "# One part\n"}
    assert len(broken("README.md", documents, KNOWN)) == 1


@pytest.mark.parametrize(
    "text",
    [
        "[the bytes](firmware/SPEC.md#one-part), [site](https://example.org/x), [boards](boards/)",
        "`boards/<board>/board.toml`, `boards/*/board.toml`, `boards/`, `make x`, `a/b`, `build/firmware/x.elf`",
        "```\n[not a link](gone.md) `firmware/gone`\n```",
    ],
)
def test_a_good_pointer_passes(text: str) -> None:
    documents = {"README.md": text, "firmware/SPEC.md": "# One part\n"}
    assert broken("README.md", documents, KNOWN) == []
