"""A sequence onto the board by ST[21]: begin, parts, end, and its checksum read back.

Each round asks the board what it has and does what is missing, so a load goes on where it was broken off: by a lost
link, a lost report, a restart of the board, or another ground tool. The board runs nothing before 21/130 has found all
of it there, with the right CRC-16 and every step good.

    no sequence of this id     -> 21/128 begin
    being loaded, our octets   -> 21/129 the parts that are missing, 21/130 end
    being loaded, other octets -> 21/3 unload
    loaded, our checksum       -> done
    loaded, another one        -> 21/3 unload if it may be replaced; one of the dictionary: as if there were none
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from flight.tables import SEQUENCE_ID, SEQUENCE_OCTETS_AT

from ..dictionary.generate import modules
from ..errors import PeriluneError
from ..telemetry.reports import SequenceChecksumReport, SequenceStatusReport
from .board import Conversation, RequestRefused, SentRequest, SequenceBoard
from .octets import CompiledSequence, checksum

LOAD_SERVICE = 21
UNLOAD, STATUS, CHECKSUM, BEGIN, PART, END = 3, 6, 9, 128, 129, 130
# Headers, error control, id, offset.
_PART_OVERHEAD = 13 + 4
PART_OCTETS = 192
# Rounds in a row that change nothing on board.
_IDLE_ROUNDS_MAX = 6
PATIENCE_S = 60.0


class LoadError(PeriluneError):
    """A sequence that was not loaded."""

    exit_status = 3


class LoadProgress(msgspec.Struct, frozen=True):
    """How far it is. octets: that the board has for sure; total: of the sequence; stage: for people."""

    octets: int
    total: int
    stage: str


class LoadResult(msgspec.Struct, frozen=True):
    """How it went. was_there: nothing had to be sent; resumed_at: octets that were there before; crc: read back.

    kept: also over a restart, as far as the board has said.
    """

    id: int
    steps: int
    octets: int
    crc: int
    was_there: bool
    resumed_at: int
    rounds: int
    kept: bool = True


class Loader:
    """Loads one sequence. replace: another one of the same id may be forgotten. told: hears of progress."""

    def __init__(
        self,
        board: SequenceBoard,
        sequence: CompiledSequence,
        *,
        replace: bool = False,
        patience_s: float = PATIENCE_S,
        told: Callable[[LoadProgress], None] = lambda _: None,
    ) -> None:
        self._board = board
        self._sequence = sequence
        self._replace = replace
        self._talk = Conversation(board, patience_s)
        self._told = told
        self._id = sequence.id.to_bytes(2, "big")
        self._part = min(PART_OCTETS, board.room - _PART_OVERHEAD)
        self._resumed_at = 0
        self._kept = True

    def load(self) -> LoadResult:
        """Do it. Raises LoadError, RequestRefused, NoAnswer; then nothing of it runs, and a new try goes on."""
        sequence = self._sequence
        was_there, idle, rounds = True, 0, 0
        before: object = None
        while idle <= _IDLE_ROUNDS_MAX:
            rounds += 1
            self._tell(0 if rounds == 1 else None, "looking")
            state = self._state()
            there = None if state is None else self._checksum()
            if state in ("loaded", "executed") and there is not None and self._is_ours(there, len(sequence.octets)):
                self._tell(len(sequence.octets), "loaded")
                return LoadResult(
                    sequence.id,
                    sequence.steps,
                    there.length,
                    there.crc,
                    was_there,
                    self._resumed_at,
                    rounds,
                    self._kept,
                )
            was_there = False
            found = (state, None if there is None else (there.length, there.crc))
            idle = idle + 1 if found == before else 0
            before = found
            self._act(state, there, rounds)
        raise LoadError(
            f"sequence {sequence.id} was not loaded",
            expected=f"{len(sequence.octets)} octets with CRC {sequence.crc:04X} on board",
            found=str(before),
            next_step="`perilune events` tells what the board says; `perilune seq status` what it has",
        )

    def _tell(self, octets: int | None, stage: str) -> None:
        self._octets = self._octets if octets is None else octets
        self._told(LoadProgress(self._octets, len(self._sequence.octets), stage))

    _octets = 0

    def _state(self) -> str | None:
        """State of the sequence with our id, None when there is none."""
        status = self._talk.ask(SequenceStatusReport, STATUS)
        rows = () if status is None else status.sequences
        return next((row.state for row in rows if row.id == self._sequence.id), None)

    def _checksum(self) -> SequenceChecksumReport | None:
        """Length and checksum of what is there. Another program on the line may ask for those of another sequence."""
        return self._talk.ask(SequenceChecksumReport, CHECKSUM, self._id, lambda report: report.id == self._sequence.id)

    def _is_ours(self, there: SequenceChecksumReport, length: int) -> bool:
        return there.length == length and there.crc == checksum(self._sequence.octets[:length])

    def _is_dictionarys(self, there: SequenceChecksumReport | None) -> bool:
        """Is it the one of the dictionary? A loaded one of the same id stands for it, and it cannot be unloaded."""
        rows = modules(self._board.dictionary)[0].SEQUENCES
        own = [row[SEQUENCE_OCTETS_AT] for row in rows if row[SEQUENCE_ID] == self._sequence.id]
        return there is not None and (there.length, there.crc) in [(len(octets), checksum(octets)) for octets in own]

    def _act(self, state: str | None, there: SequenceChecksumReport | None, rounds: int) -> None:
        """One round: send what is missing."""
        sequence = self._sequence
        if state is None or (state == "loaded" and self._is_dictionarys(there)):
            head = sequence.steps.to_bytes(1, "big") + len(sequence.octets).to_bytes(2, "big")
            begin = self._request(BEGIN, head + sequence.crc.to_bytes(2, "big"), "begin")
            self._send_parts(0, [begin])
        elif there is None:
            return  # it has gone between two questions
        elif state == "loading" and there.length <= len(sequence.octets) and self._is_ours(there, there.length):
            if rounds == 1:
                self._resumed_at = there.length
            self._send_parts(there.length, [])
        elif state == "loading" or (state == "loaded" and self._replace):
            self._finish([self._request(UNLOAD, b"", "unload")], 0, 0)
        else:
            raise LoadError(
                f"there is another sequence {sequence.id} on board, {state}",
                expected=f"CRC {sequence.crc:04X}",
                found=f"CRC {there.crc:04X}",
                next_step="take another id, or --replace" if state == "loaded" else "`perilune seq abort` it first",
            )

    def _request(self, subtype: int, data: bytes, text: str) -> SentRequest:
        return self._board.request(LOAD_SERVICE, subtype, self._id + data, text)

    def _send_parts(self, start: int, requests: list[SentRequest]) -> None:
        octets = self._sequence.octets
        head = len(requests)
        for at in range(start, len(octets), self._part):
            part = octets[at : at + self._part]
            requests.append(self._request(PART, at.to_bytes(2, "big") + part, f"part at {at}"))
        requests.append(self._request(END, b"", "end"))
        self._finish(requests, start, head)
        refusal = requests[-1].refusal
        if refusal is not None and refusal.failure is not None and refusal.failure.name == "STORAGE":
            self._kept = False

    def _finish(self, requests: list[SentRequest], start: int, head: int) -> None:
        def told() -> None:
            done = 0
            for request in requests[head:-1]:
                if not request.is_delivered:
                    break
                done += self._part
            self._tell(min(start + done, len(self._sequence.octets)), "loading")

        self._talk.finish(requests, told)
        refusal = requests[0].refusal
        if refusal is not None and refusal.failure is not None:
            self._refused(requests[0], refusal.failure.name, refusal.failure.shown)

    def _refused(self, request: SentRequest, name: str, shown: str) -> None:
        """What the next round cannot mend. Parts and ends are looked at by asking what is there."""
        if name == "TABLE_FULL":
            raise RequestRefused(
                f"the board has no room for sequence {self._sequence.id}",
                expected="a free place",
                found=shown,
                next_step="`perilune seq list`, then `perilune seq delete ID`",
            )
        if name in ("ARGUMENT_RANGE", "UNKNOWN_SERVICE", "UNKNOWN_SUBTYPE", "STATE", "DATA_LENGTH"):
            raise RequestRefused(f"the board refused {request.text} of sequence {self._sequence.id}", found=shown)
