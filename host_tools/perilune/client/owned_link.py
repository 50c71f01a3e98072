"""A link whose port this program owns: session, sequence counts of telecommands, restarts of the board, state."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable

import msgspec

from ..link.clcw import Clcw
from ..link.downlink import ClcwReceived, DownlinkCounters, DownlinkEvent
from ..link.link_state import Condition, LinkObserver, LinkState
from ..link.packet_extractor import PacketReceived
from ..link.restart_watch import RestartWatch
from ..link.sequence_controlled import Phase
from ..link.session import LinkSession, SentTelecommand
from ..link.transport import ReconnectingTransport
from ..link.uplink import UplinkEncoder
from ..packet.pus import Telecommand
from ..packet.space_packet import SEQUENCE_MODULUS
from .link_protocol import Clock, LinkStatus, Submission, UplinkStatus

# Longest sleep while the port is gone.
ABSENT_S = 0.1


class OwnedLink:
    """The link over `transport`. COP-1 begins with the first telecommand: who only listens sends nothing.

    first_count: sequence count of the first telecommand; by chance when None, so that late reports of an earlier
    program are not taken for ours. sleep: waits while there is no port.
    """

    def __init__(
        self,
        transport: ReconnectingTransport,
        clock: Clock = time.monotonic,
        *,
        name: str = "port",
        encoder: UplinkEncoder | None = None,
        first_count: int | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.name = name
        self.transport = transport
        self.session = LinkSession(transport, clock, encoder=encoder, on_event=self._take_event)
        self._clock = clock
        self._sleep = sleep
        self._count = secrets.randbelow(SEQUENCE_MODULUS) if first_count is None else first_count
        self._unsettled: list[tuple[Submission, SentTelecommand]] = []
        self._watch = RestartWatch()
        self._observer = LinkObserver(clock())
        self._events: list[DownlinkEvent] = []
        self._clcw: Clcw | None = None
        self._apids: dict[int, int] = {}
        self._noted = DownlinkCounters()

    def submit(self, telecommand: Telecommand, *, expedited: bool = False) -> Submission:
        """Number it and give it to the session. Raises PacketError (too long), KeyFileError (expedited)."""
        numbered = msgspec.structs.replace(telecommand, sequence_count=self._count)
        packet = numbered.pack()
        if expedited:
            sent = self.session.send_expedited(packet)
        else:
            sent = self.session.send(packet)
            if self.session.service.phase is Phase.STOPPED:
                self.session.service.start()
        self._count = (self._count + 1) % SEQUENCE_MODULUS
        submission = Submission(numbered, numbered.request_id, sent.state)
        self._unsettled.append((submission, sent))
        return submission

    def withdraw(self, submission: Submission) -> None:
        """Take back a telecommand that was never transmitted."""
        for mine, sent in self._unsettled:
            if mine is not submission or self.session.withdraw(sent) or sent.delivery is None:
                continue
            # A data unit of its own may still wait for its first transmission; one with others in it stays.
            if sent.delivery.tag == [sent]:
                self.session.service.withdraw(sent.delivery)
        self._settle()

    def step(self, timeout_s: float) -> list[DownlinkEvent]:
        """Wait at most `timeout_s` for octets and do everything that can be done; what came down."""
        if not self.transport.ensure_open() and timeout_s > 0:
            self._sleep(min(timeout_s, ABSENT_S))
        self.session.step(timeout_s)
        counters = self.session.decoder.counters
        octets, frames = counters.octets - self._noted.octets, counters.frames - self._noted.frames
        self._observer.note(self._clock(), self.transport.counters.connected, octets, frames)
        self._noted = counters
        self._settle()
        self.session.packets.clear()
        events, self._events = self._events, []
        return events

    def state(self) -> LinkState:
        """How the link is."""
        return self._observer.state(self._clock(), self.name, self.transport.counters.last_error)

    def status(self) -> LinkStatus:
        """Everything counted."""
        session = self.session
        service = session.service
        return LinkStatus(
            port=self.transport.counters,
            downlink=session.decoder.counters,
            clcw=self._clcw,
            apids=self._apids,
            drops=session.decoder.drops.named(),
            name=self.name,
            state=self.state(),
            uplink=UplinkStatus(
                service=str(service.phase),
                fop=session.fop.state.name,
                next_sequence=session.fop.v_s,
                undelivered=session.undelivered,
                delivered=service.counters.delivered,
                uncertain=service.counters.uncertain,
                frames=session.frames_up,
                octets=session.octets_up,
            ),
            restarts=self._watch.restarts,
        )

    @property
    def health(self) -> bytes:
        """The latest core.health while frames come, else nothing."""
        return self._watch.health if self.state().condition is Condition.UP else b""

    def fileno(self) -> int | None:
        """A descriptor to wait on, None if there is none."""
        return self.transport.fileno()

    def close(self) -> None:
        """End the service and let go of the port."""
        self.session.stop()
        self._settle()
        self.transport.close()

    def _take_event(self, event: DownlinkEvent) -> None:
        self._events.append(event)
        if isinstance(event, ClcwReceived):
            self._clcw = event.clcw
        elif isinstance(event, PacketReceived):
            self._apids[event.apid] = self._apids.get(event.apid, 0) + 1
        if self._watch.sees_restart(event):
            self.session.board_restarted()

    def _settle(self) -> None:
        for submission, sent in self._unsettled:
            submission.state, submission.refused = sent.state, sent.refused
        self._unsettled = [pair for pair in self._unsettled if not pair[0].is_decided]
