"""perilune.toml: what it gives, and what is said of each mistake."""

from __future__ import annotations

from pathlib import Path

import pytest
from perilune.cli import main
from perilune.client import configuration
from perilune.client.configuration import load_configuration
from perilune.dictionary.load import CORE
from perilune.errors import ConfigurationError


def written(folder: Path, text: str) -> Path:
    path = folder / "perilune.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_whole_file(tmp_path: Path) -> None:
    (tmp_path / "mission").mkdir()
    (tmp_path / "keys.toml").write_text("", encoding="utf-8")
    path = written(
        tmp_path,
        'default = "bench"\n[targets.bench]\nport = "/dev/ttyACM0"\nbaud = 9600\nmissions = ["mission"]\n'
        'keys = "keys.toml"\narchive = "bench.sqlite"\ntext = "on the table"\n[targets.other]\nport = "COM3"\n',
    )
    found = load_configuration(path)
    bench = found.target()
    assert (bench.name, bench.port, bench.baud) == ("bench", "/dev/ttyACM0", 9600)
    assert bench.folders == [CORE, tmp_path / "mission"]
    assert (bench.keys, bench.archive) == (tmp_path / "keys.toml", tmp_path / "bench.sqlite")
    assert (found.target("other").port, found.target("other").baud) == ("COM3", 115200)
    assert found.target("sitl").is_in_process
    assert (found.target("tcp://h:1").port, found.target("/dev/x").name) == ("tcp://h:1", "/dev/x")


def test_the_only_target_is_the_default_one(tmp_path: Path) -> None:
    assert load_configuration(written(tmp_path, '[targets.b]\nport = "COM3"\n')).target().name == "b"


def test_the_file_of_the_nearest_folder_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(configuration.VARIABLE, raising=False)
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    path = written(tmp_path, "")
    assert configuration.find(inner) == path
    nearer = written(tmp_path / "a", "")
    assert configuration.find(inner) == nearer
    monkeypatch.setenv(configuration.VARIABLE, str(path))
    assert configuration.find(inner) == path


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("targets = 1", "Expected `object`"),
        ("[targets.b]", "missing required field `port`"),
        ('[targets.b]\nport = "COM3"\nbuad = 9600', "unknown field `buad`"),
        ('[targets.b]\nport = "COM3"\nbaud = 1', "targets.b: baud; expected 300 to 12000000; found 1"),
        ('[targets.b]\nport = ""', "targets.b: port is empty"),
        ('[targets.b]\nport = "COM3"\nmissions = ["nowhere"]', "targets.b: missions"),
        ('[targets.b]\nport = "COM3"\nkeys = "nowhere"', "targets.b: keys"),
        ('[targets."a/b"]\nport = "COM3"', "not a name"),
        ('default = "bensh"\n[targets.bench]\nport = "COM3"', "try: bench"),
        ("targets = [", "is not a configuration"),
    ],
)
def test_mistakes(tmp_path: Path, text: str, told: str, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(tmp_path, text)
    with pytest.raises(ConfigurationError) as caught:
        load_configuration(path)
    assert told in str(caught.value)
    assert main(["targets", "--config", str(path)]) == 2
    assert told in capsys.readouterr().err


@pytest.mark.parametrize("baud", ["299", "12000001", "5000000000"])
def test_a_rate_that_no_port_has(baud: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ping", "-t", "/dev/ttyNone", "--baud", baud]) == 2
    assert capsys.readouterr().err == f"perilune ping: baud rate; expected 300 to 12000000; found {baud}\n"


@pytest.mark.parametrize(("name", "told"), [("bensh", "try: bench"), (None, "no target is named")])
def test_a_target_that_is_not_there(tmp_path: Path, name: str | None, told: str) -> None:
    path = written(tmp_path, '[targets.bench]\nport = "COM3"\n[targets.b]\nport = "COM4"\n')
    with pytest.raises(ConfigurationError) as caught:
        load_configuration(path).target(name)
    assert told in str(caught.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_configuration(tmp_path / "none.toml")
    assert "No such file" in str(caught.value)
