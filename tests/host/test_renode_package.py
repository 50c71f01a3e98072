"""Where Renode is looked for, and what becomes of a downloaded package."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from hil import renode_package
from hil.renode_package import MINIMUM_VERSION, PINNED, PackageError, find_renode, places, unpack

SCRIPT = b"#!/bin/sh\necho Renode v1.16.1.33024\n"


def package(path: Path, *names: str) -> Path:
    """A package that holds these files, all of them executable."""
    with tarfile.open(path, "w:gz") as archive:
        for name in names:
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(SCRIPT), 0o755
            archive.addfile(entry, io.BytesIO(SCRIPT))
    return path


@pytest.fixture(autouse=True)
def nothing_installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine without Renode, in a folder without a perilune.toml."""
    monkeypatch.delenv("RENODE_ROOT", raising=False)
    monkeypatch.delenv("PERILUNE_CONFIG", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setattr(renode_package, "UNPACKED", tmp_path / "deps" / "renode")
    monkeypatch.chdir(tmp_path)


def test_the_pinned_version_is_the_oldest_that_is_used() -> None:
    assert MINIMUM_VERSION == PINNED.numbers == (1, 16, 1)
    assert PINNED.version in PINNED.package
    assert PINNED.version in PINNED.page


def test_an_unpacked_package_is_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    downloaded = package(tmp_path / PINNED.package, "renode_1.16.1_portable/renode", "renode_1.16.1_portable/LICENSE")
    renode_package.unpack(downloaded, renode_package.UNPACKED)
    assert find_renode() == str(tmp_path / "deps" / "renode" / "renode")
    assert [path.name for path in (tmp_path / "deps").iterdir()] == ["renode"]


def test_a_later_package_takes_the_place_of_the_one_before(tmp_path: Path) -> None:
    to = tmp_path / "deps" / "renode"
    unpack(package(tmp_path / "a.tar.gz", "a/renode", "a/old"), to)
    unpack(package(tmp_path / "b.tar.gz", "b/renode"), to)
    assert sorted(path.name for path in to.iterdir()) == ["renode"]


def without_filter(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Python before 3.11.4, whose archives know no filter."""
    if hasattr(tarfile, "tar_filter"):
        extractall = tarfile.TarFile.extractall
        monkeypatch.delattr(tarfile, "tar_filter")
        monkeypatch.setattr(
            tarfile.TarFile, "extractall", lambda archive, path: extractall(archive, path, filter="fully_trusted")
        )


def test_an_older_python_unpacks_a_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    without_filter(monkeypatch)
    unpack(package(tmp_path / "a.tar.gz", "a/renode", "a/more/file"), tmp_path / "deps" / "renode")
    assert (tmp_path / "deps" / "renode" / "renode").is_file()
    assert (tmp_path / "deps" / "renode" / "more" / "file").is_file()


@pytest.mark.parametrize(("old", "link"), [(False, ""), (True, ""), (True, "../../../out")])
def test_nothing_leads_out_of_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, old: bool, link: str) -> None:
    if old:
        without_filter(monkeypatch)
    path = tmp_path / "bad.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        member = tarfile.TarInfo("renode/link" if link else "../../out")
        member.type, member.linkname = (tarfile.SYMTYPE if link else tarfile.REGTYPE), link
        archive.addfile(member)
    with pytest.raises(PackageError, match="outside"):
        unpack(path, tmp_path / "deps" / "renode")
    assert not (tmp_path / "out").exists()
    assert not list((tmp_path / "deps").iterdir())


@pytest.mark.parametrize("content", [b"no archive at all", None])
def test_a_file_that_is_no_package_is_refused_and_nothing_changes(tmp_path: Path, content: bytes | None) -> None:
    to = tmp_path / "deps" / "renode"
    unpack(package(tmp_path / "good.tar.gz", "renode/renode"), to)
    bad = tmp_path / "bad.tar.gz"
    if content is None:
        package(bad, "something/else")
    else:
        bad.write_bytes(content)
    with pytest.raises(PackageError, match="make renode PACKAGE"):
        unpack(bad, to)
    assert (to / "renode").is_file()
    assert [path.name for path in (tmp_path / "deps").iterdir()] == ["renode"]


def test_the_configuration_may_name_the_folder(tmp_path: Path) -> None:
    (tmp_path / "perilune.toml").write_text('renode_root = "tools/renode"\n', encoding="utf-8")
    folder = tmp_path / "tools" / "renode"
    folder.mkdir(parents=True)
    (folder / "renode").write_bytes(SCRIPT)
    (folder / "renode").chmod(0o755)
    assert find_renode() == str(folder / "renode")
    assert [name for _, name in places()] == ["PATH", "perilune.toml", "make renode"]


def test_the_variable_is_asked_first_and_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    unpack(package(tmp_path / "a.tar.gz", "a/renode"), tmp_path / "deps" / "renode")
    root = tmp_path / "own"
    unpack(package(tmp_path / "b.tar.gz", "b/renode"), root)
    monkeypatch.setenv("RENODE_ROOT", str(root))
    assert find_renode() == str(root / "renode")


def test_make_renode_tells_what_to_do(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert renode_package.main([]) == 0
    assert PINNED.page in capsys.readouterr().out
    assert renode_package.main([str(tmp_path / "absent.tar.gz")]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "absent.tar.gz cannot be unpacked" in said


def test_the_folder_of_renode_is_that_of_what_its_command_is_a_link_to(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert renode_package.main(["--folder"]) == 2
    assert "Renode is not installed" in capsys.readouterr().err
    unpack(package(tmp_path / "a.tar.gz", "a/renode", "a/renode-test"), tmp_path / "unpacked")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "renode").symlink_to(tmp_path / "unpacked" / "renode")
    assert renode_package.main(["--folder"]) == 0
    assert capsys.readouterr().out == f"{(tmp_path / 'unpacked').resolve()}\n"
