"""Where the MicroPython sources come from, in which order, and what is said when they are not the right ones."""

import os
import socket
import subprocess
import tarfile
from pathlib import Path

import pytest
from environment import bounded
from environment.debian_archive import Archive, configured_archives, read_deb822, read_one_line
from environment.micropython_sources import (
    Pins,
    SourcesError,
    check_tree,
    fetch,
    folder_hash,
    from_git,
    provide,
    read_pins,
)

# sha256 of: "a.c" 00 0000000000000002 "x\n", "sub/b.c" 00 0000000000000000 ""
TREE_HASH = "02e50abe7346688719324b11771b225d6a9bb104473c2dbea8642e280e9e8f5a"
GIT_URL = "https://git.example.org/micropython"


def make_tree(folder: Path) -> Path:
    (folder / "py" / "sub").mkdir(parents=True)
    (folder / "py" / "a.c").write_bytes(b"x\n")
    (folder / "py" / "sub" / "b.c").write_bytes(b"")
    return folder


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return make_tree(tmp_path / "given")


@pytest.fixture
def pins() -> Pins:
    return Pins("1.0", GIT_URL, "v1.0", "trixie", "1.0+ds", {"py": TREE_HASH})


@pytest.fixture
def git_points_to(monkeypatch: pytest.MonkeyPatch):
    def point(url: str) -> None:
        monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
        monkeypatch.setenv("GIT_CONFIG_KEY_0", f"url.{url}.insteadOf")
        monkeypatch.setenv("GIT_CONFIG_VALUE_0", GIT_URL)

    return point


@pytest.fixture
def repository(tmp_path: Path, git_points_to) -> Path:
    """A git repository with the tree under the tag, which the pinned address leads to."""
    folder = make_tree(tmp_path / "repository")
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "init.defaultBranch=main"]
    for command in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "x"], ["tag", "v1.0"]):
        subprocess.run(["git", *identity, *command], cwd=folder, check=True)
    git_points_to(f"file://{folder}")
    return folder


@pytest.fixture
def apt_get(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An apt-get that, asked for a source package, hands out the tree; returns the folder where it keeps its notes."""
    notes = tmp_path / "notes"
    programs = tmp_path / "programs"
    for folder in (notes, programs):
        folder.mkdir()
    with tarfile.open(notes / "original.tar", "w") as archive:
        archive.add(make_tree(tmp_path / "unpacked"), "micropython-1.0+ds")
    script = programs / "apt-get"
    script.write_text(
        f"#!/bin/sh\ncat parts/debian.sources > {notes}/sources\n"
        f'case "$*" in *" source "*) cp {notes}/original.tar micropython_1.0+ds.orig.tar.gz;; esac\n'
    )
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    debian = Archive("http://mirror.example.org/debian", ("bookworm",), ("main",), {"Signed-By": "/keys/d.gpg"})
    monkeypatch.setattr("environment.debian_archive.configured_archives", lambda: [debian])
    return notes


def test_the_hash_counts_paths_and_contents(tree: Path) -> None:
    assert folder_hash(tree / "py") == TREE_HASH


@pytest.mark.parametrize("name", ["py/build/x.o", "py/build-standard/x.o", "py/__pycache__/x.pyc", "py/results/x"])
def test_the_hash_leaves_out_what_a_build_makes(tree: Path, name: str) -> None:
    (tree / name).parent.mkdir()
    (tree / name).write_bytes(b"made")
    assert folder_hash(tree / "py") == TREE_HASH


def test_the_hash_does_not_count_modes(tree: Path) -> None:
    (tree / "py/a.c").chmod(0o755)
    assert folder_hash(tree / "py") == TREE_HASH


def test_a_difference_names_folder_expected_and_found(tree: Path, pins: Pins) -> None:
    (tree / "py/a.c").write_bytes(b"y\n")
    with pytest.raises(SourcesError, match=rf"py: expected {TREE_HASH}, found [0-9a-f]{{64}}"):
        check_tree(tree, pins)


def test_a_missing_folder_is_a_difference(tmp_path: Path, pins: Pins) -> None:
    with pytest.raises(SourcesError, match="found no such folder"):
        check_tree(tmp_path, pins)


def test_the_given_folder_comes_first_and_is_only_linked(tmp_path: Path, tree: Path, pins: Pins) -> None:
    earlier = make_tree(tmp_path / "deps" / "micropython-1.0")
    assert provide(pins, tmp_path / "deps", str(tree)) == f"linked to {tree}"
    assert earlier.readlink() == tree
    assert provide(pins, tmp_path / "deps", "") == "in place from an earlier set-up"
    assert earlier.readlink() == tree


def test_a_given_folder_with_other_sources_is_refused(tmp_path: Path, tree: Path, pins: Pins) -> None:
    (tree / "py/a.c").write_bytes(b"y\n")
    with pytest.raises(SourcesError, match="expected"):
        provide(pins, tmp_path / "deps", str(tree))
    assert not (tmp_path / "deps" / "micropython-1.0").exists()


def test_an_earlier_fetch_comes_before_the_network(tmp_path: Path, pins: Pins, git_points_to) -> None:
    git_points_to("file:///nonexistent/")
    make_tree(tmp_path / "deps" / "micropython-1.0")
    assert provide(pins, tmp_path / "deps", "") == "in place from an earlier set-up"


def test_a_changed_earlier_fetch_is_refused_with_the_next_step(tmp_path: Path, pins: Pins) -> None:
    earlier = make_tree(tmp_path / "deps" / "micropython-1.0")
    (earlier / "py/a.c").write_bytes(b"y\n")
    with pytest.raises(SourcesError, match="Next step: rm -rf"):
        provide(pins, tmp_path / "deps", "")


def test_a_link_that_leads_nowhere_is_replaced(tmp_path: Path, pins: Pins, repository: Path) -> None:
    link = tmp_path / "deps" / "micropython-1.0"
    link.parent.mkdir()
    link.symlink_to(tmp_path / "gone")
    assert provide(pins, tmp_path / "deps", "") == "fetched as git tag v1.0"
    check_tree(link, pins)


def test_git_comes_before_debian(tmp_path: Path, pins: Pins, repository: Path, apt_get: Path) -> None:
    assert fetch(pins, tmp_path / "tree") == "git tag v1.0"
    assert not (tmp_path / "tree" / ".git").exists()
    assert not (apt_get / "sources").exists()


def test_debian_is_used_when_git_is_out_of_reach(tmp_path: Path, pins: Pins, git_points_to, apt_get: Path) -> None:
    git_points_to("file:///nonexistent/")
    assert fetch(pins, tmp_path / "tree") == "Debian source package 1.0+ds"
    assert folder_hash(tmp_path / "tree/py") == TREE_HASH
    assert (apt_get / "sources").read_text().splitlines() == [
        "Types: deb-src",
        "URIs: http://mirror.example.org/debian",
        "Suites: trixie",
        "Components: main",
        "Signed-By: /keys/d.gpg",
    ]


def test_debian_is_used_when_the_tag_holds_something_else(
    tmp_path: Path, pins: Pins, repository: Path, apt_get
) -> None:
    (repository / "py/a.c").write_bytes(b"moved")
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    for command in (["commit", "-q", "-a", "-m", "y"], ["tag", "-f", "v1.0"]):
        subprocess.run(["git", *identity, *command], cwd=repository, check=True, stdout=subprocess.DEVNULL)
    assert fetch(pins, tmp_path / "tree") == "Debian source package 1.0+ds"


def test_when_all_fail_each_reason_and_the_next_step_are_told(
    tmp_path: Path, pins: Pins, git_points_to, monkeypatch: pytest.MonkeyPatch
) -> None:
    git_points_to("file:///nonexistent/")
    monkeypatch.setattr("environment.debian_archive.configured_archives", list)
    with pytest.raises(SourcesError) as failure:
        provide(pins, tmp_path / "deps", "")
    lines = str(failure.value).splitlines()
    assert any("git tag v1.0: " in line and "nonexistent" in line for line in lines)
    assert any("Debian source package 1.0+ds: no Debian archive" in line for line in lines)
    assert "MICROPYTHON_DIR=" in lines[-1]
    assert list((tmp_path / "deps").iterdir()) == []


def test_a_repository_that_stays_silent_is_given_up(
    tmp_path: Path, pins: Pins, git_points_to, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("environment.micropython_sources.REACH_TIMEOUT_S", 1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        git_points_to(f"http://127.0.0.1:{silent.getsockname()[1]}/")
        with pytest.raises(SourcesError, match="no answer within 1 s"):
            from_git(pins, tmp_path / "tree")


def test_a_bounded_command_takes_its_children_with_it(tmp_path: Path) -> None:
    lock, started = tmp_path / "lock", tmp_path / "started"
    with pytest.raises(bounded.CommandError, match="no answer within"):
        bounded.run(["sh", "-c", f"flock {lock} sh -c 'touch {started}; exec sleep 30'; true"], 2)
    assert started.exists()
    # The lock is free when the grandchild is gone; a grandchild that lives on keeps it far longer than this waits.
    assert subprocess.run(["flock", "--timeout", "10", lock, "true"], check=False).returncode == 0


def test_a_command_that_is_not_there_is_named() -> None:
    with pytest.raises(bounded.CommandError, match="no-such-command is not installed"):
        bounded.run(["no-such-command"], 1)


def test_one_line_sources() -> None:
    text = """
# deb http://commented.example.org/debian bookworm main
deb http://a.example.org/debian bookworm main contrib  # note
deb [arch=amd64 signed-by=/keys/debian-archive-keyring.gpg] https://b.example.org/x/ bookworm-updates main
deb-src http://c.example.org/debian trixie main
"""
    assert list(read_one_line(text)) == [
        Archive("http://a.example.org/debian", ("bookworm",), ("main", "contrib")),
        Archive(
            "https://b.example.org/x/",
            ("bookworm-updates",),
            ("main",),
            {"Signed-By": "/keys/debian-archive-keyring.gpg"},
        ),
        Archive("http://c.example.org/debian", ("trixie",), ("main",)),
    ]


def test_deb822_sources() -> None:
    text = """Types: deb
# a comment between fields
URIs: http://a.example.org/debian http://b.example.org/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 abc

Enabled: no
Types: deb
URIs: http://off.example.org/debian
Suites: bookworm
Components: main
"""
    key = {"Signed-By": "\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n abc"}
    suites = ("bookworm", "bookworm-updates")
    assert list(read_deb822(text)) == [
        Archive("http://a.example.org/debian", suites, ("main",), key),
        Archive("http://b.example.org/debian", suites, ("main",), key),
    ]


def test_only_debian_archives_are_asked_each_once(tmp_path: Path) -> None:
    (tmp_path / "sources.list.d").mkdir()
    (tmp_path / "sources.list").write_text(
        "deb http://debian.example.org/debian bookworm main\n"
        "deb http://debian.example.org/debian bookworm-updates main\n"
        "deb http://ubuntu.example.org/ubuntu noble main\n"
        "deb http://vendor.example.org/linux/debian bookworm stable\n"
        "deb http://tool.example.org/apt bookworm main\n"
    )
    (tmp_path / "sources.list.d/debian.sources").write_text(
        "Types: deb\nURIs: http://signed.example.org/x\nSuites: trixie\nComponents: main\n"
        "Signed-By: /usr/share/keyrings/debian-archive-keyring.pgp\n"
    )
    (tmp_path / "sources.list.d/notes.txt").write_text("deb http://c.example.org/debian bookworm main\n")
    assert [archive.uri for archive in configured_archives(tmp_path)] == [
        "http://debian.example.org/debian",
        "http://signed.example.org/x",
    ]


def test_the_pins_and_the_makefile_name_the_same_version() -> None:
    makefile = (Path(__file__).parents[2] / "firmware/micropython.mk").read_text()
    assert f"MICROPYTHON_VERSION := {read_pins().version}\n" in makefile
    assert read_pins().git_tag == f"v{read_pins().version}"
