"""The owner of a port lets other programs of the same user share it: all of the downlink to each, telecommands of all.

A program that does not read is never waited for: what does not fit into its queue is counted, and it is told how much
it missed. One thread; `step` in a loop.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
import time

import msgspec

from ..errors import OwnerLostError, PeriluneError
from ..link.downlink import DownlinkEvent
from ..link.link_state import LinkState
from ..link.session import TelecommandState
from . import messages as m
from .link_protocol import Clock, LinkStatus, PortLink, SharingStatus, Submission
from .local_address import LocalAddress

# Octets kept for a program that does not read: a minute and a half of a full 115200 line.
QUEUE_OCTETS = 1 << 20
# A program that gives commands and never reads what becomes of them is shown the door.
QUEUE_MAX = 4 * QUEUE_OCTETS
GUESTS_MAX = 32
OUTSTANDING_MAX = 256
STATUS_S = 0.5
STEP_S = 0.05
# A port without a descriptor is looked at so often.
POLL_S = 0.01


class _Guest:
    """An attached program."""

    def __init__(self, connection: socket.socket) -> None:
        self.stream = m.MessageStream(connection)
        self.is_welcome = False
        self.missed = 0
        self.dropped = 0
        self.submissions: dict[int, tuple[Submission, str]] = {}  # with the state that was told

    def offer(self, message: m.ToAttached, events: int = 0) -> None:
        """Send it unless too much waits already; `events` are counted as missed then."""
        if self.stream.waiting > QUEUE_OCTETS:
            self.missed += events
            self.dropped += events
            return
        if self.missed:
            self.stream.put(m.Missed(self.missed))
            self.missed = 0
        self.stream.put(message)


class LinkServer:
    """Shares `link`. `status` counts the guests; `close` ends the sharing and the link."""

    def __init__(self, link: PortLink, address: LocalAddress, clock: Clock = time.monotonic) -> None:
        self._link = link
        self._address = address
        self._clock = clock
        self._guests: list[_Guest] = []
        self._sharing = SharingStatus()
        self._next_status = clock()
        self._listener = address.listen()
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ)

    def step(self, timeout_s: float = STEP_S) -> list[DownlinkEvent]:
        """Wait at most `timeout_s` for something to do, and do it; what came down."""
        self._wait(timeout_s)
        self._accept()
        for guest in list(self._guests):
            self._serve(guest)
        events = self._link.step(0.0)
        status_due = self._clock() >= self._next_status
        for guest in list(self._guests):
            self._inform(guest, events, status_due)
        if status_due:
            self._next_status = self._clock() + STATUS_S
        return events

    def status(self) -> LinkStatus:
        """Everything counted, guests too."""
        self._sharing.clients = sum(guest.is_welcome for guest in self._guests)
        return msgspec.structs.replace(self._link.status(), sharing=self._sharing)

    def state(self) -> LinkState:
        """How the link is."""
        return self._link.state()

    def close(self) -> None:
        """Part from all guests and let go of the port."""
        self._address.forget()
        for guest in list(self._guests):
            self._part(guest)
        self._selector.close()
        self._listener.close()
        self._link.close()

    # -- waiting -------------------------------------------------------------------------------------------------------

    def _wait(self, timeout_s: float) -> None:
        self._link.transport.ensure_open()
        descriptor = self._link.fileno()
        watched = None
        if descriptor is not None and descriptor >= 0:
            with contextlib.suppress(OSError, ValueError, KeyError):
                self._selector.register(descriptor, selectors.EVENT_READ)
                watched = descriptor
        elif self._link.transport.counters.connected:
            timeout_s = min(timeout_s, POLL_S)
        try:
            self._selector.select(timeout_s)
        finally:
            if watched is not None:
                self._selector.unregister(watched)

    # -- guests --------------------------------------------------------------------------------------------------------

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionError):
                return
            if len(self._guests) >= GUESTS_MAX:
                connection.close()
                continue
            guest = _Guest(connection)
            self._guests.append(guest)
            self._selector.register(connection, selectors.EVENT_READ)

    def _serve(self, guest: _Guest) -> None:
        try:
            guest.stream.flush()
            for octets in guest.stream.take():
                self._obey(guest, m.TO_OWNER.decode(octets))
            if guest.stream.waiting > QUEUE_MAX:
                raise OwnerLostError("it reads nothing")
        except OwnerLostError:
            self._part(guest)

    def _obey(self, guest: _Guest, message: m.ToOwner) -> None:
        if isinstance(message, m.Hello):
            if message.version != m.VERSION or not self._address.is_welcome(guest.stream.connection, message.token):
                raise OwnerLostError("it may not attach")
            guest.is_welcome = True
            self._sharing.attached += 1
            guest.stream.put(m.Welcome(m.VERSION, self.status(), self._link.health))
        elif not guest.is_welcome:
            raise OwnerLostError("it did not say hello")
        elif isinstance(message, m.Submit):
            self._submit(guest, message)
        elif message.number in guest.submissions:
            self._link.withdraw(guest.submissions[message.number][0])

    def _submit(self, guest: _Guest, message: m.Submit) -> None:
        refused = ""
        if len(guest.submissions) >= OUTSTANDING_MAX:
            refused = f"{OUTSTANDING_MAX} telecommands of this program are under way already"
        else:
            try:
                submission = self._link.submit(message.telecommand, expedited=message.expedited)
            except PeriluneError as error:
                refused = str(error)
        if refused:
            state = TelecommandState.WITHDRAWN
            guest.stream.put(m.Delivery(message.number, None, state, refused))
            return
        guest.stream.put(m.Delivery(message.number, submission.request_id, submission.state))
        guest.submissions[message.number] = (submission, submission.state)

    def _inform(self, guest: _Guest, events: list[DownlinkEvent], status_due: bool) -> None:
        if not guest.is_welcome:
            return
        try:
            for number, (submission, told) in list(guest.submissions.items()):
                if submission.state != told:
                    guest.stream.put(m.Delivery(number, submission.request_id, submission.state, submission.refused))
                    guest.submissions[number] = (submission, submission.state)
                if submission.is_decided:
                    del guest.submissions[number]
            before = guest.dropped
            if events:
                guest.offer(m.Down(events), len(events))
            if status_due:
                guest.offer(m.Status(self.status()))
            self._sharing.dropped += guest.dropped - before
        except OwnerLostError:
            self._part(guest)

    def _part(self, guest: _Guest) -> None:
        if guest in self._guests:
            self._guests.remove(guest)
            with contextlib.suppress(KeyError, ValueError):
                self._selector.unregister(guest.stream.connection)
            guest.stream.close()
