"""Sequences: check, rehearse, load, run, schedule.

examples:

    perilune seq check day.seq dusk.seq                          all errors at once, with line and column
    perilune seq show day.seq --octets                           its steps, and what goes up
    perilune seq show 20                                         the same as the board has it
    perilune seq compile day.seq -o day.bin                      the octets of its steps
    perilune seq rehearse day.seq --state now.toml --plot day    flown on sitl against the lunar plant
    perilune seq rehearse day.seq --from-live                    starting from what the board says now
    perilune seq upload day.seq --target bench                   goes on where a lost link broke it off
    perilune seq run 20 --target bench                           with each step as it ends
    perilune seq status --target bench                           what is on board, and how far it is
    perilune seq list                                            the same
    perilune seq abort 20                                        or --all
    perilune seq delete 20
    perilune seq schedule plan.seq --at 2026-331T12:00:00        each request by the board's schedule
    perilune seq schedule 20 --at 2026-331T12:00:00              the start of a loaded sequence

A file has one step a line; `;` begins a comment:

    SEQUENCE 20 instrument_on                        id on board, name
    R00:00:05 POWER.LOAD_ON load=instrument          5 s after the end of the step before
    A2026-331T12:00:00 CORE.PING                     at a time: UTC, day of the year
    WAIT power.battery_soc > 40 TIMEOUT 00:10:00     until it holds; a failure when the time is over
    ON_FAIL CONTINUE                                 for the steps below; at the end of a step for it alone

exit status: 0 done, 1 error, 2 wrong arguments, or a file that cannot be used, 3 the board refused it or it did not
come to its end, 4 no answer, 5 errors found by check, or something in the rehearsal that speaks against it
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..client.arguments import (
    add_json,
    add_target_arguments,
    check_writable,
    confirmed,
    open_ground,
    print_json,
)
from ..command_line import Actions, pause_seconds, positive_seconds, run_action, sequence_id
from ..housekeeping.duration import duration

if TYPE_CHECKING:
    from ..client.ground import Ground
    from ..dictionary.model import Dictionary
    from ..sequence.ground_board import GroundBoard
    from ..sequence.octets import CompiledSequence
    from ..sequence.start_state import StartState
    from ..sequence.steps import SequenceText

_BAR_COLUMNS = 78  # a shorter bar hides a longer one before it

SUMMARY = "check, rehearse, load, run and schedule sequences"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `perilune seq`."""
    actions = Actions(parser, __doc__)

    def action(name: str, summary: str, act: Callable[[argparse.Namespace], int]) -> argparse.ArgumentParser:
        sub = actions.add(name, summary, act)
        add_target_arguments(sub)
        sub.add_argument(
            "--mission", type=Path, action="append", metavar="DIR", help="dictionary folder, in place of the target's"
        )
        add_json(sub)
        return sub

    sub = action("check", "say everything that is wrong with sequence files", _check)
    sub.add_argument("files", nargs="+", type=Path, metavar="FILE")
    for name, summary, act in (
        ("show", "the steps of a file, or of a sequence on board", _show),
        ("compile", "write the octets of a sequence", _compile),
        ("upload", "load a sequence onto the board", _upload),
        ("rehearse", "fly a sequence on sitl against the lunar plant", _rehearse),
    ):
        sub = action(name, summary, act)
        sub.add_argument("file", metavar="FILE|ID" if name == "show" else "FILE", type=Path)
        sub.add_argument(
            "--id", type=sequence_id, dest="identifier", metavar="ID", help="id on board, in place of the file's"
        )
        if name == "show":
            sub.add_argument("--octets", action="store_true", help="with the octets of each step")
        elif name == "compile":
            sub.add_argument("-o", "--output", type=Path, metavar="FILE", help="where to (default: hexadecimal, here)")
        elif name == "upload":
            sub.add_argument("--replace", action="store_true", help="forget another sequence of this id")
            _link_arguments(sub)
        else:
            _rehearsal_arguments(sub)
    sub = action("run", "execute a sequence that is on board, and follow it", _run)
    sub.add_argument("identifier", metavar="ID", type=sequence_id)
    sub.add_argument("--detach", action="store_true", help="do not wait for its end")
    _link_arguments(sub)
    for name, summary in (("status", "the sequences on board"), ("list", "the sequences on board, as status")):
        _link_arguments(action(name, summary, _status))
    sub = action("abort", "stop executing a sequence", _abort)
    sub.add_argument("identifier", metavar="ID", type=sequence_id, nargs="?")
    sub.add_argument("--all", action="store_true", help="all that are executed")
    _link_arguments(sub)
    sub = action("delete", "forget a sequence that is not executed", _delete)
    sub.add_argument("identifier", metavar="ID", type=sequence_id)
    _link_arguments(sub)
    sub = action("schedule", "put the requests of a file, or the start of a sequence, into the schedule", _schedule)
    sub.add_argument("what", metavar="FILE|ID")
    sub.add_argument("--at", metavar="TIME", help="UTC as YYYY-DDDTHH:MM:SS; a plan of absolute times needs none")
    sub.add_argument("--no-enable", action="store_true", help="leave the schedule switched as it is")
    _link_arguments(sub)


def _link_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--hazardous", action="store_true", help="you are sure of its hazardous requests")
    parser.add_argument(
        "--timeout", type=positive_seconds, default=60.0, metavar="SECONDS", help="longest silence (60)"
    )
    parser.add_argument("--override-dictionary", action="store_true", help="though the board speaks another one")


def _rehearsal_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--state", type=Path, metavar="TOML", help="where it starts: perilune/sequence/start_state.py")
    parser.add_argument("--from-archive", action="store_true", help="start from the last housekeeping in the archive")
    parser.add_argument("--from-live", action="store_true", help="start from the housekeeping that comes now")
    parser.add_argument(
        "--listen", type=positive_seconds, default=65.0, metavar="SECONDS", help="how long for --from-live (65)"
    )
    parser.add_argument(
        "--tail", type=pause_seconds, default=600.0, metavar="SECONDS", help="watch on after its end (600)"
    )
    parser.add_argument(
        "--for", dest="for_s", type=duration, default=0.0, metavar="TIME", help="at least so long in all"
    )
    parser.add_argument("--record", type=Path, metavar="FILE", help="keep the run (.npz, for `perilune plot`)")
    parser.add_argument("--plot", type=Path, metavar="NAME", help="draw it: NAME.png, NAME.html, NAME.npz")


run = run_action


# --- what all need ------------------------------------------------------------------------------------------------


def _folders(arguments: argparse.Namespace) -> list[Path]:
    """Dictionary folders: those that are named, else the target's."""
    from ..client.configuration import load_configuration  # noqa: PLC0415  # imports of the work, when there is work
    from ..dictionary.load import CORE  # noqa: PLC0415

    if arguments.mission:
        return [CORE, *arguments.mission]
    return load_configuration(arguments.config).folders(arguments.target)


def _dictionary(arguments: argparse.Namespace) -> Dictionary:
    from ..dictionary.load import load  # noqa: PLC0415

    return load(_folders(arguments))


def _print(arguments: argparse.Namespace, data: object, text: str) -> None:
    if arguments.json:
        print_json(data)
    else:
        print(text, flush=True)


def _sequence(arguments: argparse.Namespace, dictionary: Dictionary, *, needs_id: bool = False) -> SequenceText:
    """The file; its notes go to stderr."""
    from ..errors import UsageError  # noqa: PLC0415
    from ..sequence.text import load_sequence  # noqa: PLC0415

    sequence, notes = load_sequence(arguments.file, dictionary, arguments.identifier)
    for note in notes:
        print(note, file=sys.stderr)
    if needs_id and sequence.id is None:
        raise UsageError(
            f"{arguments.file} has no id", next_step="write SEQUENCE 20 name into its first line, or give --id 20"
        )
    return sequence


def _compiled(sequence: SequenceText) -> CompiledSequence:
    from ..sequence.octets import CompiledSequence, compile_steps  # noqa: PLC0415

    return CompiledSequence(sequence.id or 0, sequence.name, len(sequence.steps), compile_steps(sequence.steps))


# --- without a board --------------------------------------------------------------------------------------------------


def _check(arguments: argparse.Namespace) -> int:
    from ..sequence.check import check_together  # noqa: PLC0415
    from ..sequence.problem import ERROR  # noqa: PLC0415
    from ..sequence.text import read_file, read_sequence  # noqa: PLC0415

    dictionary = _dictionary(arguments)
    problems, sequences = [], []
    for path in arguments.files:
        sequence, found = read_sequence(read_file(path), dictionary, str(path))
        problems += found
        if sequence is not None:
            sequences.append(sequence)
    problems += check_together(sequences)
    errors = sum(problem.severity == ERROR for problem in problems)
    good = [f"{row.path}: {len(row.steps)} steps, {len(_compiled(row).octets)} octets" for row in sequences]
    summary = "no error" if not errors else f"{errors} error{'s' if errors > 1 else ''}"
    _print(arguments, problems, "\n".join([*map(str, problems), *good, summary]))
    return 5 if errors else 0


def _show(arguments: argparse.Namespace) -> int:
    if arguments.file.name.isdecimal() and not arguments.file.exists():
        return _show_on_board(arguments, _id_of(arguments.file.name))
    from ..sequence.octets import step_octets  # noqa: PLC0415
    from ..sequence.show import sequence_text  # noqa: PLC0415

    sequence = _sequence(arguments, _dictionary(arguments))
    rows = [
        {"line": step.line, "when": step.when, "text": step.text, "octets": step_octets(step).hex()}
        for step in sequence.steps
    ]
    data = {"id": sequence.id, "name": sequence.name, "steps": rows}
    _print(arguments, data, sequence_text(sequence, arguments.octets))
    return 0


def _id_of(text: str) -> int:
    from ..errors import UsageError  # noqa: PLC0415

    try:
        return sequence_id(text)
    except argparse.ArgumentTypeError as error:
        raise UsageError(str(error), next_step="perilune seq list") from error


def _show_on_board(arguments: argparse.Namespace, identifier: int) -> int:
    """The steps of a sequence as the board has them."""
    from ..sequence.execute import content  # noqa: PLC0415
    from ..sequence.ground_board import GroundBoard  # noqa: PLC0415
    from ..sequence.octets import checksum, listing  # noqa: PLC0415

    with _ground(arguments) as ground:
        octets = content(GroundBoard(ground), identifier)
        rows = listing(octets, ground.dictionary)
    lines = [f"sequence {identifier} on board: {len(rows)} steps, {len(octets)} octets, CRC {checksum(octets):04X}"]
    for number, (step, text) in enumerate(rows, 1):
        lines.append(f"{number:4}  {text}")
        lines += [f"      {step.hex(' ')}"] if arguments.octets else []
    data = {"id": identifier, "steps": [{"text": text, "octets": step.hex()} for step, text in rows]}
    _print(arguments, data, "\n".join(lines))
    return 0


def _compile(arguments: argparse.Namespace) -> int:
    compiled = _compiled(_sequence(arguments, _dictionary(arguments)))
    data = {"id": compiled.id, "steps": compiled.steps, "crc": compiled.crc, "octets": compiled.octets.hex()}
    if arguments.output is None:
        _print(arguments, data, compiled.octets.hex())
        return 0
    check_writable(arguments.output, arguments.file)
    arguments.output.write_bytes(compiled.octets)
    text = f"{arguments.output}: {compiled.steps} steps, {len(compiled.octets)} octets, CRC {compiled.crc:04X}"
    _print(arguments, data, text)
    return 0


def _rehearse(arguments: argparse.Namespace) -> int:
    from ..sequence.rehearse import rehearse  # noqa: PLC0415
    from ..sequence.show import rehearsal_text  # noqa: PLC0415
    from .plot import with_ending  # noqa: PLC0415

    folders = _folders(arguments)
    dictionary = _dictionary(arguments)
    sequence = _sequence(arguments, dictionary)
    drawn = [with_ending(arguments.plot, ending) for ending in (".png", ".html")] if arguments.plot else []
    record = arguments.record or (with_ending(arguments.plot, ".npz") if arguments.plot else None)
    for path in (record, *drawn):
        check_writable(path, arguments.file, arguments.state)
    start = _start(arguments, dictionary)
    result = rehearse(
        sequence, start, dictionary, folders, tail_s=arguments.tail, for_s=arguments.for_s, record=record,
        told=_told_flight(),
    )  # fmt: skip
    _print(arguments, result, rehearsal_text(result))
    if arguments.plot and record is not None:
        from .. import plot, run_record  # noqa: PLC0415  # NumPy and the drawing take a second

        run_ = run_record.read_run(record)
        for path, write in zip(drawn, (plot.write_png, plot.write_html), strict=True):
            write(run_, path)
            print(path, file=sys.stderr)
    return 5 if result.verdict else 0


def _told_flight() -> Callable[[float, float], None]:
    """Progress on a terminal, a line every half a percent."""
    if not sys.stderr.isatty():
        return lambda _done, _total: None
    last = [-1]

    def told(done_s: float, total_s: float) -> None:
        share = int(200 * done_s / total_s)
        if share != last[0]:
            last[0] = share
            end = "\n" if done_s >= total_s else ""
            print(f"\rrehearsed {done_s / 3600:.1f} of about {total_s / 3600:.1f} h", end=end, file=sys.stderr)

    return told


def _start(arguments: argparse.Namespace, dictionary: Dictionary) -> StartState:
    """Where a rehearsal starts: a file, and over it what the board said."""
    from ..errors import UsageError  # noqa: PLC0415
    from ..sequence.start_state import StartState, checked, read_state  # noqa: PLC0415

    if arguments.from_archive and arguments.from_live:
        raise UsageError("--from-archive and --from-live at once", next_step="take one")
    state = read_state(arguments.state, dictionary) if arguments.state else StartState()
    if arguments.from_live:
        from ..sequence.last_values import live_state  # noqa: PLC0415

        with _ground(arguments) as ground, ground.doing(f"listening for {arguments.listen:g} s"):
            state = live_state(ground, arguments.listen, state)
    elif arguments.from_archive:
        from ..client.open_ground import find_target  # noqa: PLC0415
        from ..sequence.last_values import archived_state  # noqa: PLC0415

        target = find_target(arguments.target, arguments.config)
        if target.archive is None:
            raise UsageError(f"target {target.name} has no archive", next_step="write archive = ... into perilune.toml")
        state = archived_state(target.archive, dictionary, state)
    return checked(state, dictionary)


# --- with a board -----------------------------------------------------------------------------------------------------


def _ground(arguments: argparse.Namespace) -> Ground:
    ground = open_ground(arguments)
    try:
        ground.check_dictionary()
    except BaseException:
        ground.close()
        raise
    return ground


def _ask_for_word(arguments: argparse.Namespace, what: str, hazardous: list[str]) -> None:
    """Hazardous requests want somebody's word: --hazardous, or an answer on the terminal. Raises NotAllowedError."""
    from ..errors import NotAllowedError  # noqa: PLC0415

    if not hazardous or arguments.hazardous:
        return
    names = ", ".join(dict.fromkeys(hazardous))
    if sys.stdin.isatty() and confirmed(f"{what} executes hazardous requests: {names}. Go on?"):
        return
    raise NotAllowedError(
        f"{what} executes hazardous requests",
        expected="somebody who confirms it",
        found=names,
        next_step="add --hazardous if you are sure",
    )


def _upload(arguments: argparse.Namespace) -> int:
    from ..sequence.ground_board import GroundBoard  # noqa: PLC0415
    from ..sequence.load import Loader, LoadProgress  # noqa: PLC0415
    from ..sequence.show import progress_bar  # noqa: PLC0415

    with _ground_later(arguments) as open_it:
        sequence = _sequence(arguments, _dictionary(arguments), needs_id=True)
        hazardous = [s.command.command.name.upper() for s in sequence.steps if s.command and s.command.is_hazardous]
        _ask_for_word(arguments, str(arguments.file), hazardous)
        ground = open_it()
        bar = sys.stderr.isatty()

        def told(progress: LoadProgress) -> None:
            if bar:
                print(f"\r{progress_bar(progress):<{_BAR_COLUMNS}}", end="", file=sys.stderr, flush=True)

        loader = Loader(
            GroundBoard(ground), _compiled(sequence), replace=arguments.replace, patience_s=arguments.timeout, told=told
        )
        try:
            result = loader.load()
        finally:
            if bar:
                print(file=sys.stderr)
    how = "was there already" if result.was_there else "loaded"
    if result.resumed_at:
        how += f", from octet {result.resumed_at} on"
    what = f"{result.steps} steps, {result.octets} octets"
    text = f"sequence {result.id}: {what}, {how}; checksum {result.crc:04X} read back"
    if not result.kept:
        text += "; the board cannot store it: it is gone after a restart"
    _print(arguments, result, text)
    return 0


class _GroundLater:
    """A ground that is opened when everything on this side is known to be good, and closed in any case."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self._arguments = arguments
        self._ground: Ground | None = None

    def __enter__(self) -> Callable[[], Ground]:
        return self._open

    def __exit__(self, *_: object) -> None:
        if self._ground is not None:
            self._ground.close()

    def _open(self) -> Ground:
        self._ground = _ground(self._arguments)
        return self._ground


def _ground_later(arguments: argparse.Namespace) -> _GroundLater:
    return _GroundLater(arguments)


def _run(arguments: argparse.Namespace) -> int:
    import msgspec  # noqa: PLC0415

    from ..sequence.execute import StepDone, activate, follow  # noqa: PLC0415
    from ..sequence.ground_board import GroundBoard  # noqa: PLC0415
    from ..telemetry.onboard_time import iso_of_unix  # noqa: PLC0415

    with _ground(arguments) as ground:
        board = GroundBoard(ground)
        texts = _steps_with_word(arguments, board, arguments.identifier)

        def told(step: StepDone) -> None:
            received = iso_of_unix(ground.wall())
            ground.progress("")
            if arguments.json:
                print_json({"received": received, **msgspec.structs.asdict(step)})
                return
            text = texts[step.step] if step.step < len(texts) else ""
            time = f"{step.utc} ({step.onboard})" if step.utc else step.onboard
            failure = f"  FAILED: {step.failure}" if step.failure else ""
            print(f"{received}  {time}  step {step.step + 1} of {len(texts)}  {text}{failure}", flush=True)

        request = activate(board, arguments.identifier)
        if arguments.detach:
            return _detached(arguments, board, request)
        with ground.doing(f"sequence {arguments.identifier} runs"):
            execution = follow(
                board, arguments.identifier, request, patience_s=arguments.timeout, told=told, steps=len(texts)
            )
    if execution.completed:
        text = f"sequence {arguments.identifier} came to its end"
    else:
        where = "" if execution.step is None else f" at step {execution.step + 1}"
        text = f"sequence {arguments.identifier} ended{where}: {execution.failure}"
    _print(arguments, execution, text)
    return 0 if execution.completed else 3


def _detached(arguments: argparse.Namespace, board: Any, request: Any) -> int:
    """Wait until the board has begun, no longer."""
    from ..sequence.board import Conversation  # noqa: PLC0415
    from ..sequence.execute import check  # noqa: PLC0415

    talk = Conversation(board, arguments.timeout)
    while not request.reports and not request.is_uncertain:
        talk.step(request.text)
    talk.step(request.text)
    check(request)
    text = f"sequence {arguments.identifier} runs; `perilune seq status` tells how far it is"
    _print(arguments, {"id": arguments.identifier, "started": True}, text)
    return 0


def _steps_with_word(arguments: argparse.Namespace, board: GroundBoard, identifier: int) -> list[str]:
    """The steps of a sequence on board, when somebody has given the word for its hazardous ones."""
    from ..sequence.execute import step_texts  # noqa: PLC0415

    texts = step_texts(board, identifier, arguments.timeout)
    hazardous = [name for text in texts for name in _hazardous_names(text, board.dictionary)]
    _ask_for_word(arguments, f"sequence {identifier}", hazardous)
    return texts


def _hazardous_names(text: str, dictionary: Dictionary) -> list[str]:
    """Hazardous requests that a step's text names."""
    names = [word.lower() for word in text.split()]
    return [name.upper() for name in names if name in dictionary.commands and dictionary.commands[name].hazardous]


def _status(arguments: argparse.Namespace) -> int:
    from ..sequence.execute import statuses  # noqa: PLC0415
    from ..sequence.ground_board import GroundBoard  # noqa: PLC0415

    with _ground(arguments) as ground:
        rows = statuses(GroundBoard(ground), arguments.timeout)
    lines = [f"{'id':>5}  {'state':9} {'step':>4}  name"]
    lines += [
        f"{row.id:5}  {row.state:9} {row.step + 1 if row.state == 'executed' else '':>4}  {row.name}" for row in rows
    ]
    _print(arguments, rows, "\n".join(lines) if rows else "no sequence is on board")
    return 0


def _abort(arguments: argparse.Namespace) -> int:
    from ..errors import UsageError  # noqa: PLC0415
    from ..sequence.execute import abort, abort_all  # noqa: PLC0415
    from ..sequence.ground_board import GroundBoard  # noqa: PLC0415

    if (arguments.identifier is None) != arguments.all:
        raise UsageError("one id, or --all", next_step="perilune seq abort 20")
    with _ground(arguments) as ground:
        board = GroundBoard(ground)
        if arguments.all:
            ids = abort_all(board, arguments.timeout)
        else:
            abort(board, arguments.identifier, arguments.timeout)
            ids = (arguments.identifier,)
    _print(arguments, {"aborted": ids}, f"aborted: {', '.join(map(str, ids)) or 'none was executed'}")
    return 0


def _delete(arguments: argparse.Namespace) -> int:
    from ..sequence.execute import delete  # noqa: PLC0415
    from ..sequence.ground_board import GroundBoard  # noqa: PLC0415

    with _ground(arguments) as ground:
        delete(GroundBoard(ground), arguments.identifier, arguments.timeout)
    _print(arguments, {"deleted": arguments.identifier}, f"sequence {arguments.identifier} is forgotten")
    return 0


def _schedule(arguments: argparse.Namespace) -> int:
    from ..sequence.ground_board import GroundBoard  # noqa: PLC0415
    from ..sequence.schedule import insert, plan_of, sequence_of  # noqa: PLC0415

    with _ground_later(arguments) as open_it:
        plan, hazardous = plan_of(arguments.what, arguments.at, _dictionary(arguments))
        _ask_for_word(arguments, arguments.what, hazardous)
        board = GroundBoard(open_it())
        identifier = sequence_of(arguments.what)
        if identifier is not None:
            _ask_for_sequence(arguments, board, identifier)
        plan = insert(board, plan, enable=not arguments.no_enable, patience_s=arguments.timeout)
    rows = [{"utc": row.release.iso, "text": row.text, "count": row.count} for row in plan]
    lines = [f"{row['utc']}  {row['text']}" for row in rows]
    _print(arguments, rows, "\n".join([*lines, f"{_requests_are(len(plan))} in the schedule, read back"]))
    return 0


def _ask_for_sequence(arguments: argparse.Namespace, board: GroundBoard, identifier: int) -> None:
    """As `_steps_with_word`; one that is not on board yet is told, and asks for its word when it is loaded."""
    from ..sequence.execute import statuses  # noqa: PLC0415

    if any(row.id == identifier for row in statuses(board, arguments.timeout)):
        _steps_with_word(arguments, board, identifier)
    else:
        told = f"perilune seq: sequence {identifier} is not on board: load it before its time comes"
        print(told, file=sys.stderr, flush=True)


def _requests_are(count: int) -> str:
    return "1 request is" if count == 1 else f"{count} requests are"
