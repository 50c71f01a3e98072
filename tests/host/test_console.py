"""The console with a link that says what the test wants: what is typed, what is shown, what is held back."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from perilune.cli import main
from perilune.client.ground import Ground
from perilune.console.app import shown_panels
from perilune.console.board_watch import HISTORY, OPEN_AGAIN_S, BoardWatch
from perilune.console.completion import Candidate, Completion, complete
from perilune.console.log import LINES_MAX, Log, LogLine
from perilune.console.sequence_book import SequenceBook
from perilune.console.sequence_panel import progress
from perilune.console.sparkline import sparkline
from perilune.dictionary.load import CORE, load
from perilune.errors import PortError
from perilune.link.link_state import Condition, LinkState
from perilune.telemetry.onboard_time import OnboardTime
from perilune.telemetry.reports import (
    Header,
    LimitState,
    SequenceAbortReport,
    SequenceContentReport,
    SequenceStatus,
    SequenceStatusReport,
)

from tests.host.console_screen import DICTIONARY, SIZES, Clock, Desk, FakeLink, fake_desk, wall

PAYLOAD = load([CORE, CORE / "payload"])
HEADER = Header(100, 21, 7, 0, 0, 0, OnboardTime(0))


# --- completion -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "candidates"),
    [
        ("", []),
        ("modes.ch", ["MODES.CHANGE "]),
        ("ping", ["CORE.PING"]),  # without its subsystem
        ("POWRE.LOAD_ON", ["POWER.LOAD_ON ", "POWER.LOAD_OFF ", "POWER.SET_LOADS "]),  # near
        ("nothing.like.it", []),
        ("NO.SUCH x", []),
        ("MODES.CHANGE ", ["mode="]),
        ("MODES.CHANGE mode=s", ["mode=SAFE ", "mode=STANDBY ", "mode=SCIENCE ", "mode=SURVIVAL "]),
        ("MODES.CHANGE mode=vival", ["mode=SURVIVAL "]),
        ("THERMAL.SET_SETPOINT zone=BATTERY ", ["celsius="]),
        ("THERMAL.SET_SETPOINT zone=BATTERY celsius=", []),
        ("POWER.SET_CHARGER on=", ["on=TRUE ", "on=FALSE "]),
        ("SEQUENCE.ACTIVATE sequence=night.du", ["sequence=night.dusk "]),
        ("CORE.REPORT_ONCE ", ["("]),
        ("CORE.REPORT_ONCE (sid=power.en", ["sid=power.energy "]),
        ("CORE.REPORT_ONCE (sid=power.energy ", [") "]),
        ("CORE.REPORT_ONCE (sid=power.energy) ", ["("]),
        ("CORE.SET_PARAMETERS (parameter=modes.command_loss_s ", ["value="]),
        ("CORE.PING ", []),
        ("( ) x", []),
    ],
)
def test_candidates(typed: str, candidates: list[str]) -> None:
    found = complete(typed, len(typed), PAYLOAD)
    assert [candidate.text for candidate in found.candidates][:4] == candidates


def test_a_parameter_that_is_measured_is_no_candidate_for_setting() -> None:
    typed = "CORE.SET_PARAMETERS (parameter=power."
    names = {candidate.text for candidate in complete(typed, len(typed), PAYLOAD).candidates}
    assert "parameter=power.critical_charge_pct " in names
    assert "parameter=power.battery_soc " not in names


def test_a_hazardous_command_is_told_as_one() -> None:
    [candidate] = complete("core.restart", 12, PAYLOAD).candidates
    assert candidate.about.startswith("HAZARDOUS. ")


@pytest.mark.parametrize(
    ("text", "cursor", "after"),
    [
        ("modes", 5, ("MODES.CHANGE ", 13)),
        ("modes mode=SAFE", 3, ("MODES.CHANGE mode=SAFE", 13)),  # in the middle, without a second blank
    ],
)
def test_a_candidate_takes_the_place_of_the_word(text: str, cursor: int, after: tuple[str, int]) -> None:
    completion = complete(text, cursor, DICTIONARY)
    place = [candidate.text for candidate in completion.candidates].index("MODES.CHANGE ")
    assert completion.apply(text, place) == after


@given(st.text(alphabet="core.MODSping ()=_0\t", max_size=40), st.integers(0, 40))
def test_nothing_that_is_typed_upsets_it(text: str, cursor: int) -> None:
    cursor = min(cursor, len(text))
    completion = complete(text, cursor, DICTIONARY)
    assert 0 <= completion.start <= cursor <= completion.end <= len(text)
    for number in range(len(completion.candidates)):
        value, place = completion.apply(text, number)
        assert value[:place].endswith(completion.candidates[number].text)


def test_what_follows_the_word_stays() -> None:
    assert Completion(0, 2, (Candidate("AB "),)).apply("ab  c", 0) == ("AB  c", 3)


# --- what is kept -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "width", "shown"),
    [
        ([], 5, ""),
        ([1.0], 0, ""),
        ([0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0], 8, "▁▂▃▄▅▆▇█"),
        ([9.0, 0.0, 1.0], 2, "▁█"),
        ([5.0, 5.0], 5, "▁▁"),
        ([float("nan"), 1.0, float("inf"), 2.0], 5, " ▁ █"),
        ([float("nan")], 5, " "),
        ([-1.7e308, 1.7e308], 5, "▁█"),
    ],
)
def test_sparklines(values: list[float], width: int, shown: str) -> None:
    assert sparkline(values, width) == shown


def test_a_log_keeps_the_latest_lines() -> None:
    log = Log(3)
    assert log.since(0) == []
    for number in range(5):
        log.add(f"line {number}", "red")
    assert log.since(0) == [LogLine(3, "line 2", "red"), LogLine(4, "line 3", "red"), LogLine(5, "line 4", "red")]
    assert log.since(4) == [LogLine(5, "line 4", "red")]
    assert log.since(5) == []


def test_what_is_known_of_sequences() -> None:
    book = SequenceBook(DICTIONARY)
    assert [(row.id, row.name, row.state, row.steps) for row in book.rows.values()] == [
        (1, "stored.mixed", "not asked", 4)
    ]
    executed = SequenceStatus(7, "", "executed", 1)
    book.take(
        SequenceStatusReport(
            header=HEADER, raw=b"", sequences=(SequenceStatus(1, "stored.mixed", "loaded", 0), executed)
        )
    )
    assert book.unread() == [7]
    ping = bytes.fromhex("00 00000000 02 11 01")  # SPEC.md: a request after 0 ms, its length, service, subtype
    book.take(SequenceContentReport(header=HEADER, raw=b"", id=7, name="", steps=2, offset=0, octets=ping))
    assert book.unread() == [7]  # one of two
    book.take(SequenceContentReport(header=HEADER, raw=b"", id=7, name="", steps=2, offset=8, octets=ping))
    assert book.unread() == []
    row = book.rows[7]
    assert (row.step, row.steps, progress(row)) == (1, 2, "█████░░░░░ 2/2 ")
    assert "CORE.PING" in row.text
    book.take(SequenceAbortReport(header=HEADER, raw=b"", sequences=((7, ""),)))
    assert (book.rows[7].state, book.rows[7].text) == ("loaded", "aborted")
    book.take(SequenceStatusReport(header=HEADER, raw=b"", sequences=()))
    assert {row.id: row.state for row in book.rows.values()} == {1: "not on board"}


def test_memory_has_a_bound() -> None:
    desk, link = fake_desk()
    for count in range(LINES_MAX + 100):
        link.put_health(count % 100)
        link.put(5, 1, b"\xff\xff")  # an event that nobody knows
        if not count % 50:
            desk.board.turn(0.0)
    desk.board.turn(0.0)
    assert len(desk.board.events.since(0)) == LINES_MAX
    assert len(desk.board.history("core.load_permille", 10**6)) == HISTORY
    assert desk.board.history("core.load_permille", 2) == [98.0, 99.0]


# --- the screen -------------------------------------------------------------------------------------------------------


def test_panels_by_width() -> None:
    assert shown_panels(80, "events") == ("events",)
    assert shown_panels(120, "values") == ("values", "commands", "events")
    assert shown_panels(120, "events") == ("values", "events", "commands")
    assert shown_panels(200, "sequences") == ("values", "sequences", "commands", "events")


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    ("permille", "state", "word"),
    [(20, LimitState.OK, "ok"), (400, LimitState.YELLOW, "YEL"), (800, LimitState.RED, "RED")],
)
def test_limits_in_colour_and_in_words(size: tuple[int, int], permille: int, state: LimitState, word: str) -> None:
    desk, link = fake_desk()

    async def work() -> None:
        link.put_health(permille)
        await desk.fly(0.2)
        assert desk.board.snapshot().count(state) == 1 + (state is LimitState.OK)
        [line] = [line for line in desk.lines if line.startswith(" load_permille")]
        assert f"{permille} permil {word}" in " ".join(line.split())
        same = desk.colours(f" {permille} permil")
        assert same == desk.colours(f"{word:3} ") & same
        ansi = {"RED": 1, "ok": 2, "YEL": 3}[word]
        assert same == {desk.app.ansi_theme.ansi_colors[ansi].hex}

    desk.run(size, work)


def test_a_value_that_is_not_renewed_is_marked() -> None:
    desk, link = fake_desk()

    async def work() -> None:
        link.put_health(20)
        await desk.fly(1.0)
        assert "1s" in next(line for line in desk.lines if line.startswith(" load_permille"))
        assert not desk.is_reversed("1s")
        await desk.type("/core.load*")
        await desk.fly(5.0)
        assert "6s" in next(line for line in desk.lines if line.startswith(" load_permille"))
        assert desk.is_reversed("6s")
        assert "6 s ago" in desk.text

    desk.run((80, 24), work)


def test_what_is_played_back_does_not_pass_for_what_is() -> None:
    desk, link = fake_desk()

    async def work() -> None:
        link.put_health(20)
        link.put_health(900, vcid=1)
        await desk.fly(0.2)
        assert " 20 permil ok" in " ".join(desk.text.split())
        assert desk.board.history("core.load_permille", 10) == [20.0]

    desk.run((80, 24), work)


def test_a_lost_link_is_told_with_what_to_do_and_nothing_is_sent() -> None:
    desk, link = fake_desk()

    async def work() -> None:
        link.put_health(20)
        await desk.fly(0.2)
        link.now = LinkState(Condition.SILENT, "nothing came from fake for 4 s", "check power and cable")
        await desk.fly(0.2)
        assert "link silent: nothing came from fake for 4 s; try: check power and cable" in desk.text
        await desk.type("CORE.PING")
        await desk.fly(0.2)
        assert "not sent: nothing came from fake for 4 s; try: check power" in desk.text
        assert link.taken == []
        await desk.press("f4")
        await desk.look()
        assert "link silent: nothing came from fake" in "\n".join(desk.lines[3:])
        link.now = LinkState(Condition.UP, "frames come from fake")
        link.put_health(20)
        await desk.fly(0.2)
        assert "link up: frames come from fake" in desk.text
        await desk.type("CORE.PING")
        await desk.fly(0.2)
        assert [(telecommand.service, telecommand.subtype) for telecommand in link.taken] == [(17, 1)]

    desk.run((80, 24), work)


def test_a_port_that_cannot_be_opened_is_tried_again() -> None:
    clock = Clock()
    link = FakeLink(clock)
    tries: list[float] = []

    def opener() -> Ground:
        tries.append(clock())
        if len(tries) < 3:
            raise PortError("cannot open /dev/ttyX", found="no such file", next_step="plug it in")
        return Ground(link, DICTIONARY, clock=clock, wall=lambda: wall(clock))

    desk = Desk(opener, clock)

    async def work() -> None:
        assert "link no port: cannot open /dev/ttyX: no such file; try: plug it in; it is tried again" in desk.text
        await desk.type("CORE.PING")
        await desk.fly(0.2)
        assert "CORE.PING: not sent: cannot open /dev/ttyX" in desk.text
        await desk.fly(3 * OPEN_AGAIN_S)
        assert len(tries) == 3
        assert "link up" in desk.text
        assert link.taken == []

    desk.run((80, 24), work)
    assert link.closed


def test_a_board_that_speaks_another_dictionary_is_not_commanded() -> None:
    desk, link = fake_desk()

    async def work() -> None:
        link.put_health(20, b"\x01\x02\x03\x04")
        await desk.fly(0.2)
        assert "the board speaks another dictionary than ours" in desk.text
        await desk.type("CORE.PING")
        await desk.fly(0.2)
        await desk.press("f3")
        await desk.look()
        assert "not sent: the board speaks another dictionary; expected hash" in desk.text
        assert link.taken == []

    desk.run((80, 24), work)


def test_a_command_that_is_wrong_stays_in_the_line_with_what_is_wrong() -> None:
    desk, link = fake_desk()

    async def work() -> None:
        link.put_health(20)
        await desk.fly(0.2)
        await desk.type("TRIAL.SLOW steps=3 code=99999")
        assert "NOT SENT, column 25: code" in desk.text
        assert desk.colours("NOT SENT") == {"#ff0000"}
        line = desk.app.query_one("#line")
        assert (line.value, line.cursor_position) == ("TRIAL.SLOW steps=3 code=99999", 24)  # type: ignore[attr-defined]
        assert link.taken == []

    desk.run((80, 24), work)


def test_a_sequence_may_run_for_long_and_the_board_is_asked_how_far_it_is() -> None:
    """Reports of its steps are lost here; the state says how far it is. What comes meanwhile is not kept for it."""
    desk, link = fake_desk()

    async def work() -> None:
        link.put_health(20)
        await desk.press("f5")
        await desk.fly(0.2)
        await desk.type("SEQUENCE.ACTIVATE sequence=1")
        await desk.fly(0.1)
        [activate] = [
            telecommand for telecommand in link.taken if (telecommand.service, telecommand.subtype) == (21, 4)
        ]
        request = activate.request_id.to_bytes(4, "big")
        link.put(1, 1, request)
        link.put(1, 3, request)
        await desk.fly(0.1)
        asked = 0
        for second in range(60):
            for telecommand in link.taken[asked:]:
                asked += 1
                if (telecommand.service, telecommand.subtype) == (21, 6):
                    identifier = telecommand.request_id.to_bytes(4, "big")
                    step = 1 if second < 30 else 2
                    link.put(1, 1, identifier)
                    link.put(21, 7, bytes((1, 0, 1, 3, step)))  # one sequence: number 1, executed, at that step
                    link.put(1, 7, identifier)
            link.put_health(20)
            desk.board.turn(1.0)
        await desk.look()
        assert desk.board.snapshot().under_way == 1
        assert "1 stored.mixed █████░░░░░ 3/4" in desk.text
        polls = sum((telecommand.service, telecommand.subtype) == (21, 6) for telecommand in link.taken)
        assert 5 <= polls <= 8
        [followed] = desk.board._followed
        assert followed.run.reports == []
        link.put(1, 7, request)
        await desk.fly(0.2)
        assert desk.board.snapshot().under_way == 0
        await desk.press("f3")
        await desk.look()
        assert "#1 SEQUENCE.ACTIVATE sequence=1: completed" in desk.text

    desk.run((80, 24), work)


def test_what_was_typed_comes_back() -> None:
    desk, link = fake_desk()

    async def work() -> None:
        link.put_health(20)
        await desk.fly(0.2)
        await desk.type("CORE.PING")
        await desk.type("CORE.COLLECT_HEAP")
        line = desk.app.query_one("#line")
        seen = []
        for key in ("up", "up", "up", "down", "down"):
            await desk.press(key)
            await desk.look()
            seen.append(line.value)  # type: ignore[attr-defined]
        assert seen == ["CORE.COLLECT_HEAP", "CORE.PING", "CORE.PING", "CORE.COLLECT_HEAP", ""]

    desk.run((80, 24), work)


def test_only_the_points_that_are_asked_for() -> None:
    desk, link = fake_desk()

    async def work() -> None:
        link.put_health(800)
        await desk.fly(0.2)
        await desk.type("/core.*load*")
        names = [line.split()[0] for line in desk.lines if line.startswith(" ") and "ermil" in line]
        assert names == ["load_permille", "worst_load_permille"]
        assert not any("uptime_s" in line for line in desk.lines)
        await desk.type("/")
        assert any("uptime_s" in line for line in desk.lines)
        await desk.press("escape", "l")
        await desk.look()
        assert [line.split()[0] for line in desk.lines if line.startswith(" ")] == ["load_permille"]

    desk.run((80, 24), work)


def without_bar(text: str) -> str:
    """Without the glyphs of the scroll bar, which tells how much there is."""
    return " ".join(re.sub("[▁▂▃▄▅▆▇█]", " ", text).split())


def test_a_log_stays_at_its_end_unless_somebody_reads() -> None:
    desk, _ = fake_desk()

    async def work() -> None:
        await desk.press("f3")
        for number in range(60):
            desk.board.commands.add(f"line {number}.")
        await desk.look()
        assert "line 59." in desk.seen("commands")
        await desk.press("pageup")
        await desk.look()
        top = without_bar(desk.seen("commands"))
        assert "line 59." not in top
        desk.board.commands.add("line 60.")
        await desk.look()
        assert without_bar(desk.seen("commands")) == top
        await desk.press("pagedown", "pagedown")
        await desk.look()
        desk.board.commands.add("line 61.")
        await desk.look()
        assert "line 61." in desk.seen("commands")
        assert desk.pilot is not None
        for size in ((100, 12), (80, 30), (120, 40)):
            await desk.pilot.resize_terminal(*size)
            await desk.look()
            assert "line 61." in desk.seen("commands")

    desk.run((80, 24), work)


def test_a_long_line_is_wrapped_below_its_text() -> None:
    desk, _ = fake_desk()

    async def work() -> None:
        desk.board.events.add("12:00:00 " + "word " * 30)
        await desk.press("f4")
        await desk.look()
        lines = [line for line in desk.lines if "word" in line]
        assert lines[0].startswith("12:00:00 word")
        assert len(lines) == 3
        assert all(line.startswith(" " * 9 + "word") and len(line) <= 80 for line in lines[1:])

    desk.run((80, 24), work)


def test_help_fits_the_smallest_terminal() -> None:
    desk, _ = fake_desk()

    async def work() -> None:
        await desk.press("f1")
        await desk.look()
        assert "Tab take the marked candidate" in desk.text
        await desk.press("escape")
        await desk.look()
        assert "Tab take" not in desk.text

    desk.run((80, 24), work)


def test_a_thread_that_fails_ends_the_console_with_a_message() -> None:
    clock = Clock()

    def opener() -> Ground:
        raise ZeroDivisionError("a mistake of ours")

    desk = Desk(opener, clock)

    async def work() -> None:
        async with desk.app.run_test():
            with pytest.raises(ZeroDivisionError):
                desk.board.turn(0.0)
            desk.board.failure = ZeroDivisionError("a mistake of ours")
            desk.app.renew()

    asyncio.run(work())
    assert desk.app.return_code == 1


def test_the_thread_keeps_what_it_raised() -> None:
    import threading  # noqa: PLC0415

    def opener() -> Ground:
        raise ZeroDivisionError("a mistake of ours")

    board = BoardWatch(opener, DICTIONARY, name="x")
    board.run(threading.Event())
    assert str(board.failure) == "a mistake of ours"


def test_without_a_terminal_it_says_what_to_use(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["console", "-t", "sitl"]) == 2
    assert "needs a terminal; try: `perilune hk watch`" in capsys.readouterr().err


def test_other_commands_do_not_pay_for_it() -> None:
    code = (
        "import sys; from perilune.cli import build_parser, subcommand_names; build_parser(subcommand_names());"
        "print([name for name in sys.modules if name.split('.')[0] in ('textual', 'rich')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"
