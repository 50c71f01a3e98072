"""A link through the program that owns the port. It survives the owner's end and attaches again when one is back."""

from __future__ import annotations

import select
import time
from collections.abc import Callable

import msgspec

from ..errors import OwnerLostError
from ..link.downlink import DownlinkEvent
from ..link.link_state import Condition, LinkState
from ..link.session import TelecommandState
from ..packet.pus import Telecommand
from . import messages as m
from .link_protocol import Clock, LinkStatus, Submission
from .local_address import LocalAddress

RETRY_S = 0.25
WELCOME_S = 2.0


class AttachedLink:
    """Attached to the owner of `port`. missed: events that came and were not read in time; owners: how many it had."""

    def __init__(
        self,
        port: str,
        address: LocalAddress,
        clock: Clock = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.missed = 0
        self.owners = 0
        self.health = b""
        self._port = port
        self._address = address
        self._clock = clock
        self._sleep = sleep
        self._stream: m.MessageStream | None = None
        self._status: LinkStatus | None = None
        self._number = 0
        self._unsettled: dict[int, Submission] = {}
        self._events: list[DownlinkEvent] = []
        self._next_try = clock()
        self._closed = False

    def attach(self) -> bool:
        """Attach to the owner, if there is one and it takes us."""
        found = self._address.connect()
        if found is None:
            return False
        connection, token = found
        stream = m.MessageStream(connection)
        end_s = self._clock() + WELCOME_S
        self._stream, self._status = stream, None
        try:
            stream.put(m.Hello(token=token))
            while self._status is None and self._clock() < end_s:
                select.select([connection], [], [], 0.1)
                self._take(stream)
        except OwnerLostError:
            pass
        if self._status is None:
            self._lose()
            return False
        self.owners += 1
        return True

    def submit(self, telecommand: Telecommand, *, expedited: bool = False) -> Submission:
        """Give the owner a telecommand; without one it is withdrawn at once."""
        submission = Submission(telecommand)
        self._number += 1
        if self._stream is None:
            submission.state = TelecommandState.WITHDRAWN
            submission.refused = "no program owns the port now; start `perilune link`"
            return submission
        self._unsettled[self._number] = submission
        self._say(m.Submit(self._number, telecommand, expedited))
        return submission

    def withdraw(self, submission: Submission) -> None:
        """Ask the owner to take it back, and wait a moment for what it says."""
        for number, mine in self._unsettled.items():
            if mine is submission:
                self._say(m.Withdraw(number))
                break
        end_s = self._clock() + RETRY_S
        while not submission.is_decided and self._stream is not None and self._clock() < end_s:
            self._receive(0.05)

    def step(self, timeout_s: float) -> list[DownlinkEvent]:
        """Wait at most `timeout_s` for the owner to say something; what came down."""
        if self._stream is None and not self._closed and self._clock() >= self._next_try:
            self._next_try = self._clock() + RETRY_S
            self.attach()
        if self._stream is None:
            self._sleep(min(timeout_s, RETRY_S))
        else:
            self._receive(timeout_s)
        events, self._events = self._events, []
        return events

    def state(self) -> LinkState:
        """How the owner's link is, or that there is no owner."""
        if self._stream is None or self._status is None:
            return LinkState(
                Condition.NO_OWNER,
                f"the program that owned {self._port} has ended",
                f"start `perilune link {self._port}` again; this program goes on by itself then",
            )
        return self._status.state

    def status(self) -> LinkStatus | None:
        """Everything that the owner has counted, half a second old at most, and what we have missed of it."""
        if self._status is None:
            return None
        return msgspec.structs.replace(
            self._status, sharing=msgspec.structs.replace(self._status.sharing, missed=self.missed)
        )

    def fileno(self) -> int | None:
        """A descriptor to wait on, None while there is no owner."""
        return None if self._stream is None else self._stream.connection.fileno()

    def close(self) -> None:
        """Part from the owner; telecommands that it has stay with it."""
        self._closed = True
        self._lose()

    def _say(self, message: m.ToOwner) -> None:
        if self._stream is None:
            return
        try:
            self._stream.put(message)
        except OwnerLostError:
            self._lose()

    def _receive(self, timeout_s: float) -> None:
        stream = self._stream
        assert stream is not None  # callers have looked
        try:
            stream.flush()
            writers = [stream.connection] if stream.waiting else []
            select.select([stream.connection], writers, [], timeout_s)
            self._take(stream)
        except (OwnerLostError, OSError, ValueError):
            self._lose()

    def _take(self, stream: m.MessageStream) -> None:
        for octets in stream.take():
            message = m.TO_ATTACHED.decode(octets)
            if isinstance(message, m.Down):
                self._events += message.events
            elif isinstance(message, m.Delivery):
                self._note(message)
            elif isinstance(message, m.Missed):
                self.missed += message.events
            else:
                self._status = message.status
                if isinstance(message, m.Welcome):
                    self.health = message.health

    def _note(self, message: m.Delivery) -> None:
        submission = self._unsettled.get(message.number)
        if submission is None:
            return
        submission.request_id = message.request_id
        submission.state = message.state
        submission.refused = message.refused
        if submission.is_decided:
            del self._unsettled[message.number]

    def _lose(self) -> None:
        """The owner is gone: whether it had sent what it was given is not known any more."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None
        self._status = None
        for submission in self._unsettled.values():
            submission.state = TelecommandState.UNCERTAIN
        self._unsettled.clear()
