"""Recorded runs: the file, and the pictures of it."""

import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from perilune.cli import main
from perilune.command.plot import with_ending
from perilune.errors import UsageError
from perilune.plot import (
    local_time_marks,
    mode_spans,
    page_data,
    thinned,
    time_bounds,
    time_scale,
    write_html,
    write_png,
)
from perilune.run_record import Column, RunRecord, RunRecorder, RunRecordError, read_run

COLUMNS = [
    Column("sun_elevation_deg", "deg"),
    Column("local_time_h", "h"),
    Column("battery_c", "degC", "Temperatures", "battery", -10.0, 45.0),
    Column("mast_c", "degC", "Temperatures", "mast", -60.0, None),
    Column("soc", "", "Charge"),
]


def recorded(path: Path, rows: int = 200) -> RunRecord:
    with RunRecorder(path, "a night </script>", COLUMNS) as run:
        for k in range(rows):
            hour = 16.0 + 10.0 * k / rows
            values = {"sun_elevation_deg": 18.0 - hour if hour < 24.0 else hour - 25.0, "local_time_h": hour % 24.0}
            run.sample(600.0 * k, values | {"battery_c": 20.0 - 0.1 * k, "soc": 0.9 - 0.001 * k})
        run.mode(0.0, "DAY")
        run.mode(0.0, "DAY")
        run.mode(24000.0, "SURVIVAL")
        run.event(12000.0, "high", "FEED_LOST", "28 V")
        run.facts["latitude"] = "45 deg"
    return read_run(path)


def test_file_gives_back_what_was_recorded(tmp_path: Path) -> None:
    record = recorded(tmp_path / "run.npz")
    assert record.title == "a night </script>"
    assert record.columns == COLUMNS
    assert record.time_s[:3].tolist() == [0.0, 600.0, 1200.0]
    assert record.column("battery_c")[100] == pytest.approx(10.0)
    assert np.isnan(record.column("mast_c")).all()
    assert [(m.time_s, m.name) for m in record.modes] == [(0.0, "DAY"), (24000.0, "SURVIVAL")]
    assert [(e.time_s, e.severity, e.name, e.text) for e in record.events] == [(12000.0, "high", "FEED_LOST", "28 V")]
    assert record.facts == {"latitude": "45 deg"}
    assert list(tmp_path.iterdir()) == [tmp_path / "run.npz"]


def test_file_is_there_after_an_exception(tmp_path: Path) -> None:
    path = tmp_path / "run.npz"
    with pytest.raises(RuntimeError, match="board"), RunRecorder(path, "cut short", COLUMNS) as run:
        run.sample(0.0, {"soc": 0.5})
        raise RuntimeError("board gone")
    assert read_run(path).column("soc").tolist() == [0.5]


def test_recorder_refuses_what_makes_no_sense(tmp_path: Path) -> None:
    run = RunRecorder(tmp_path / "run.npz", "wrong", COLUMNS)
    run.sample(10.0, {})
    with pytest.raises(ValueError, match="expected a time from 10"):
        run.sample(9.0, {})
    with pytest.raises(ValueError, match="info, low, medium, high"):
        run.event(0.0, "loud", "EVENT")
    with pytest.raises(ValueError, match="each column name once"):
        RunRecorder(tmp_path / "run.npz", "twice", [Column("a"), Column("a")])
    with pytest.raises(KeyError, match="no column 'pressure'"):
        run.record().column("pressure")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"text", None])
def test_what_is_no_run_is_said(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "run.npz"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(RunRecordError, match="expected a recorded run") as caught:
        read_run(path)
    assert "pickle" not in str(caught.value)


@pytest.mark.parametrize(("at", "octet"), [(200, 0xFF), (8, 99), (6, 1)], ids=["deflate", "method", "encrypted"])
def test_a_damaged_run_is_said(tmp_path: Path, at: int, octet: int) -> None:
    """A broken octet in the compressed data, and in how the archive says that the first part is packed."""
    path = tmp_path / "run.npz"
    recorded(path)
    octets = bytearray(path.read_bytes())
    directory = octets.index(b"PK\x01\x02")
    for place in (at,) if at > 8 else (at, directory + 2 + at):
        octets[place] = octet
    path.write_bytes(octets)
    with pytest.raises(RunRecordError, match="another kind of file"):
        read_run(path)


def test_what_is_no_record_at_all_is_told_in_plain_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "perilune.toml"
    path.write_text("[targets]\n", encoding="utf-8")
    assert main(["plot", str(path)]) == 1
    told = capsys.readouterr().err
    assert f"{path} is not a recorded run" in told
    assert "pickle" not in told
    assert "--record" in told
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("meta", "reason"),
    [
        ({"format": 2}, "format 1"),
        ([], "format 1"),
        ({"format": 1, "columns": [{"nam": "a"}]}, "columns, modes and events"),
        ({"format": 1, "columns": [{"name": "a"}], "modes": [], "events": []}, "expected title, .*field `title`"),
        (
            {"format": 1, "title": "", "columns": [], "modes": [], "events": [[0.0, "loud", "x", ""]]},
            "columns, modes and events",
        ),
        ({"format": 1, "title": "", "columns": [], "modes": [], "events": []}, "3 rows of 0 values"),
    ],
)
def test_what_is_half_a_run_is_said(tmp_path: Path, meta: object, reason: str) -> None:
    path = tmp_path / "run.npz"
    np.savez(path, time_s=np.arange(3.0), data=np.zeros((3, 1)), meta=np.array(json.dumps(meta)))
    with pytest.raises(RunRecordError, match=reason):
        read_run(path)


def test_nights_modes_and_local_time(tmp_path: Path) -> None:
    record = recorded(tmp_path / "run.npz")
    # Elevation falls through 0 at 18 h, which is a fifth of the run, and rises through 0 at 25 h, nine tenths.
    assert record.nights() == [pytest.approx((24000.0 + 600.0, 108000.0), abs=601.0)]
    assert mode_spans(record) == [(0.0, 24000.0, "DAY"), (24000.0, 119400.0, "SURVIVAL")]
    marks = local_time_marks(record)
    assert [name for _, name in marks] == ["sunset", "midnight"]
    assert [t for t, _ in marks] == pytest.approx([24000.0, 96000.0], abs=1.0)


def test_thinning_keeps_extremes(tmp_path: Path) -> None:
    rows = 20_000
    data = np.zeros((rows, 1), dtype=np.float32)
    data[7777] = 5.0
    data[12345] = -3.0
    record = RunRecord("spikes", [Column("a", group="A")], np.arange(rows, dtype=np.float64), data)
    kept = thinned(record, 1000)
    assert len(kept) < 1100
    assert {0, 7777, 12345, rows - 1} <= set(kept)


def test_png_is_a_picture_of_the_run(tmp_path: Path) -> None:
    from matplotlib.image import imread  # noqa: PLC0415

    record = recorded(tmp_path / "run.npz")
    write_png(record, tmp_path / "run.png")
    picture = imread(tmp_path / "run.png")
    assert picture.shape[0] > 400 and picture.shape[1] == 1540
    # The curve of the battery and its limits are there in the colour of the first column, #0072B2.
    blue = np.abs(picture[:, :, :3] - np.array([0x00, 0x72, 0xB2]) / 255.0).max(axis=2) < 0.03
    assert blue.sum() > 1000


def picture_of(record: RunRecord, path: Path) -> NDArray[np.float64]:
    from matplotlib.image import imread  # noqa: PLC0415

    write_png(record, path)
    grey: NDArray[np.float64] = np.asarray(imread(path))[:, :, :3].mean(axis=2)
    return grey


def test_limits_are_drawn_dashed(tmp_path: Path) -> None:
    record = recorded(tmp_path / "run.npz")
    battery = record.columns[2]
    # Within the curve's range, so that the axes are the same with and without.
    record.columns[2] = replace(battery, low=5.0, high=None)
    drawn = picture_of(record, tmp_path / "with.png")
    record.columns[2] = replace(battery, low=None, high=None)
    differs = np.abs(drawn - picture_of(record, tmp_path / "without.png")) > 0.1
    [rows] = np.nonzero(differs.any(axis=1))
    assert 1 <= len(rows) <= 4
    # Of the width, less the gaps and the margins.
    assert 0.3 < differs.any(axis=0).sum() / drawn.shape[1] < 0.75


def test_the_night_is_shaded(tmp_path: Path) -> None:
    record = recorded(tmp_path / "run.npz")
    drawn = picture_of(record, tmp_path / "with.png")
    record.data[:, 0] = 10.0
    lighter = picture_of(record, tmp_path / "without.png") - drawn
    shaded = lighter > 0.03
    # Two panels over most of the picture's height, from a fifth to nine tenths of the time.
    [columns] = np.nonzero(shaded.sum(axis=0) > 100)
    left, width = 0.065 * drawn.shape[1], 0.8 * drawn.shape[1]
    assert (columns[0] - left) / width == pytest.approx(0.21, abs=0.02)
    assert (columns[-1] - left) / width == pytest.approx(0.90, abs=0.02)
    assert (lighter < -0.03).sum() == 0


@pytest.mark.parametrize("at", [(11.0,), (0.0, 11.0), (70.0,)])
def test_a_short_run_is_drawn(tmp_path: Path, at: tuple[float, ...]) -> None:
    """Modes and events before the first sample, and one sample alone: as of a rehearsal of some seconds."""
    with RunRecorder(tmp_path / "run.npz", "short", COLUMNS) as run:
        run.event(0.0, "info", "core.boot", "Start number 1.")
        run.mode(0.6, "SAFE")
        for time_s in at:
            run.sample(time_s, {"soc": 0.5})
        run.event(10.6, "info", "step 1", "done")
    record = read_run(tmp_path / "run.npz")
    assert time_bounds(record) == (0.0, at[-1])
    assert time_scale(record) == (1.0, "s")
    write_png(record, tmp_path / "run.png")
    assert (tmp_path / "run.png").stat().st_size > 10_000
    data = page_data(record)
    assert (data["start"], data["end"]) == (0.0, at[-1])


def test_an_instant_has_a_width() -> None:
    record = RunRecord("instant", COLUMNS, np.array([5.0]), np.zeros((1, len(COLUMNS)), dtype=np.float32), [], [], {})
    assert time_bounds(record) == (5.0, 6.0)


def test_page_holds_the_data_and_needs_no_network(tmp_path: Path) -> None:
    record = recorded(tmp_path / "run.npz")
    write_html(record, tmp_path / "run.html")
    page = (tmp_path / "run.html").read_text()
    # The one address is the name of SVG's namespace; nothing is fetched from it.
    assert set(re.findall(r"https?://[^\s\"']+", page)) == {"http://www.w3.org/2000/svg"}
    assert not re.search(r"<(link|img|iframe)|src=|@import|fetch\(", page)
    assert page.count("</script>") == 1
    held = json.loads(re.search(r"^const run = (.*);$", page, re.MULTILINE)[1].replace("<\\/", "</"))  # type: ignore[index]
    assert held == json.loads(json.dumps(page_data(record)))
    battery = held["panels"][0]["columns"][0]
    assert (battery["text"], battery["low"], battery["high"]) == ("battery", -10.0, 45.0)
    assert battery["values"][100] == 10.0
    assert held["panels"][0]["columns"][1]["values"][0] is None
    assert held["events"][0][:4] == [12000.0, "high", "FEED_LOST", "28 V"]


def test_command_writes_both_beside_the_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recorded(tmp_path / "run.npz")
    assert main(["plot", str(tmp_path / "run.npz")]) == 0
    assert (tmp_path / "run.png").stat().st_size > 10_000
    assert (tmp_path / "run.html").stat().st_size > 10_000
    assert str(tmp_path / "run.png") in capsys.readouterr().out
    assert main(["plot", str(tmp_path / "none.npz")]) == 1
    assert "no file" in capsys.readouterr().err


def test_names_of_drawings_are_kept_as_they_are_given(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run, given = tmp_path / "night_v1.5", tmp_path / "out.txt"
    recorded(run)
    assert main(["plot", str(run), "--png", str(given)]) == 0
    assert capsys.readouterr().out == f"{given}\n{run}.html\n"
    assert given.read_bytes().startswith(b"\x89PNG")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["night_v1.5", "night_v1.5.html", "out.txt"]
    before = run.read_bytes()
    assert main(["plot", str(run), "--html", str(run)]) == 2
    assert run.read_bytes() == before


def test_endings_of_names() -> None:
    for name in ("a/night.5", "a/night.5.npz", "a/night.5.html"):
        assert with_ending(Path(name), ".png") == Path("a/night.5.png")
    for name in (".", ".."):
        with pytest.raises(UsageError, match="names no file"):
            with_ending(Path(name), ".png")


def test_run_without_samples_is_not_drawn(tmp_path: Path) -> None:
    RunRecorder(tmp_path / "run.npz", "empty", COLUMNS).flush()
    assert main(["plot", str(tmp_path / "run.npz")]) == 1


def test_command_line_is_not_slowed_by_numpy() -> None:
    code = "import sys, perilune.command.plot; sys.exit('numpy' in sys.modules or 'matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, env={"PYTHONPATH": "host_tools"}).returncode == 0
