"""A link session: sequence-controlled service, encoder, decoder and a transport, joined. What a client builds on.

    session = LinkSession(open_port("tcp://localhost:5000"), time.monotonic)
    session.start(timeout_s=5)
    session.deliver(Telecommand(apid=100, service=17, subtype=1).pack(), timeout_s=10)

Not thread-safe: one thread calls `step` (directly, or through `deliver` and `start`). The clock is monotonic seconds.
"""

from __future__ import annotations

import enum
from collections import deque
from collections.abc import Callable
from typing import Any

import msgspec
from flight.limits import FARM_WINDOW

from ..errors import KeyFileError, LinkLostError, NoClcwError, NotDeliveredError, PacketError
from .downlink import ClcwReceived, DownlinkDecoder, DownlinkEvent
from .fop1 import Alert, Fop1, FrameType, TransmitFrame
from .packet_extractor import PacketReceived
from .sequence_controlled import Delivery, Outcome, Phase, SequenceControlledService
from .transport import Transport
from .uplink import UplinkEncoder

# Data units kept ready ahead of FOP-1's window: one, so that packets that come later still share frames.
AHEAD = 1
MAX_STEP_S = 0.1


class Fop1Settings(msgspec.Struct, frozen=True):
    """Variables of FOP-1 that a mission chooses. `window` is K, at most FARM-1's positive window."""

    window: int = min(32, FARM_WINDOW // 2)
    t1_s: float = 3.0
    transmission_limit: int = 10
    timeout_type: int = 0
    foreign_report_s: float = 10.0


class TelecommandState(enum.StrEnum):
    """Where a telecommand packet is. From DELIVERED on it does not change any more."""

    WAITING = "waiting"  # not yet in a frame
    UNDER_WAY = "under way"
    DELIVERED = "delivered"
    SENT = "sent"
    UNCERTAIN = "uncertain"
    WITHDRAWN = "withdrawn"


class SentTelecommand(msgspec.Struct, eq=False):
    """A telecommand packet handed to the session; `state` follows it. refused: why the session itself withdrew it."""

    packet: bytes
    tag: Any = None
    delivery: Delivery | None = None
    withdrawn: bool = False
    refused: str = ""

    @property
    def state(self) -> TelecommandState:
        if self.delivery is None:
            return TelecommandState.WITHDRAWN if self.withdrawn else TelecommandState.WAITING
        return _STATES[self.delivery.outcome]


_STATES = {
    Outcome.PENDING: TelecommandState.UNDER_WAY,
    Outcome.DELIVERED: TelecommandState.DELIVERED,
    Outcome.SENT: TelecommandState.SENT,
    Outcome.UNCERTAIN: TelecommandState.UNCERTAIN,
    Outcome.WITHDRAWN: TelecommandState.WITHDRAWN,
}


class LinkSession:
    """One space link from the ground, commanding through COP-1.

    `on_event` gets every downlink event, `on_alert` every Alert of FOP-1 (which the session recovers from by itself).
    """

    def __init__(
        self,
        transport: Transport,
        clock: Callable[[], float],
        *,
        encoder: UplinkEncoder | None = None,
        settings: Fop1Settings = Fop1Settings(),  # noqa: B008  # frozen
        on_event: Callable[[DownlinkEvent], None] | None = None,
        on_alert: Callable[[Alert], None] | None = None,
    ) -> None:
        self.encoder = encoder or UplinkEncoder()
        self.decoder = DownlinkDecoder()
        self.fop = Fop1(
            clock,
            window=settings.window,
            t1_s=settings.t1_s,
            transmission_limit=settings.transmission_limit,
            timeout_type=settings.timeout_type,
        )
        self.service = SequenceControlledService(
            self.fop, clock, foreign_report_s=settings.foreign_report_s, on_unknown_board=self._renew
        )
        self.packets: deque[PacketReceived] = deque(maxlen=10_000)
        self.octets_up = 0
        self.frames_up = 0
        self._transport = transport
        self._clock = clock
        self._on_event = on_event
        self._on_alert = on_alert
        self._waiting: deque[SentTelecommand] = deque()
        self._delivered = 0

    # -- commanding ----------------------------------------------------------------------------------------------------

    def send(self, packet: bytes, tag: Any = None) -> SentTelecommand:
        """Queue a telecommand packet for Type-AD transfer. Raises PacketError if it can fit into no frame."""
        self._check_fits(packet)
        telecommand = SentTelecommand(packet, tag)
        self._waiting.append(telecommand)
        return telecommand

    def send_expedited(self, packet: bytes, tag: Any = None) -> SentTelecommand:
        """Send a telecommand packet in a Type-BD frame, once, unacknowledged. Raises PacketError, KeyFileError."""
        self._check_fits(packet)
        delivery = self.service.send_expedited(self.encoder.data_unit([packet], FrameType.BD))
        self._transmit()
        return SentTelecommand(packet, tag, delivery)

    def withdraw(self, telecommand: SentTelecommand) -> bool:
        """Take back a telecommand that is in no frame yet. False if it is too late for that."""
        if telecommand not in self._waiting:
            return False
        self._waiting.remove(telecommand)
        telecommand.withdrawn = True
        return True

    def start(self, timeout_s: float) -> None:
        """Synchronise with the spacecraft's FARM-1. Raises NoClcwError if that does not succeed in time."""
        self.service.start()
        if not self._step_until(lambda: self.service.phase is Phase.ACTIVE, timeout_s):
            counters = self.decoder.counters
            raise NoClcwError(
                "the sequence-controlled service did not start",
                expected=f"an answer in a CLCW within {timeout_s:g} s",
                found=f"{counters.octets} octets, {counters.frames} frames, {counters.clcws} CLCWs, "
                f"{self.service.phase}",
                next_step="check port and baud rate; `perilune link PORT` shows what comes down",
            )

    def deliver(self, packet: bytes, timeout_s: float) -> SentTelecommand:
        """Send a telecommand Type-AD and wait until it is acknowledged. Raises NotDeliveredError.

        When the time is over the telecommand is withdrawn if it was never transmitted, else it stays under way.
        """
        telecommand = self.send(packet)
        self._step_until(lambda: telecommand.state not in _UNDECIDED, timeout_s)
        if telecommand.state is not TelecommandState.DELIVERED:
            never_left = self.withdraw(telecommand) or telecommand.state is TelecommandState.WITHDRAWN
            raise NotDeliveredError(
                "telecommand is not acknowledged",
                expected=f"an acknowledgement within {timeout_s:g} s",
                found=telecommand.refused or f"{telecommand.state}, FOP-1 in {self.fop.state.name}",
                next_step="look at `perilune link PORT`, then send it again"
                if never_left
                else "look at `perilune link PORT`; it may have been executed, so check before you repeat it",
            )
        return telecommand

    def stop(self) -> None:
        """End the service. Telecommands without acknowledgement become uncertain or withdrawn."""
        self.service.stop()
        while self._waiting:
            self._waiting.popleft().withdrawn = True

    def board_restarted(self) -> None:
        """The board has said that it restarted. What was transmitted and not acknowledged becomes uncertain."""
        self.service.restarted()

    @property
    def undelivered(self) -> int:
        """Type-AD telecommands waiting for a frame, and frames waiting for acknowledgement."""
        return len(self._waiting) + self.service.pending

    # -- work ----------------------------------------------------------------------------------------------------------

    def step(self, timeout_s: float = MAX_STEP_S) -> None:
        """Wait at most `timeout_s` for octets, then do everything that can be done. Raises LinkLostError."""
        self._fill_frames()
        self._transmit()
        due = self.service.seconds_to_poll()
        for event in self.decoder.feed(self._transport.read(timeout_s if due is None else min(timeout_s, due))):
            if isinstance(event, ClcwReceived):
                self.service.receive_clcw(event.clcw)
            elif isinstance(event, PacketReceived):
                self.packets.append(event)
            if self._on_event is not None:
                self._on_event(event)
        self.service.poll()
        self._confirm_numbers()
        for alert in self.service.take_alerts():
            if self._on_alert is not None:
                self._on_alert(alert)
        self._fill_frames()
        self._transmit()

    def _step_until(self, is_done: Callable[[], bool], timeout_s: float) -> bool:
        deadline = self._clock() + timeout_s
        while not is_done():
            left = deadline - self._clock()
            if left <= 0:
                return False
            self.step(min(left, MAX_STEP_S))
        return True

    def _check_fits(self, packet: bytes) -> None:
        if not 1 <= len(packet) <= self.encoder.room:
            raise PacketError(
                "telecommand packet does not fit into a frame",
                expected=f"1 to {self.encoder.room} octets",
                found=str(len(packet)),
                next_step="shorten the arguments; a packet is never split over frames",
            )

    def _fill_frames(self) -> None:
        """Make data units of waiting packets, several to a frame, but no more than FOP-1 can soon send."""
        while self._waiting and self.service.pending < self.fop.window + AHEAD:
            members = [self._waiting.popleft()]
            octets = len(members[0].packet)
            while self._waiting and octets + len(self._waiting[0].packet) <= self.encoder.room:
                octets += len(self._waiting[0].packet)
                members.append(self._waiting.popleft())
            unit = self._data_unit(members)
            if unit is None:
                for member in members:
                    member.withdrawn = True
                continue
            delivery = self.service.send(unit, tag=members)
            for member in members:
                member.delivery = delivery

    def _data_unit(self, members: list[SentTelecommand]) -> bytes | None:
        """Under a new number; None where it cannot be noted, and the reason with the telecommands."""
        try:
            return self.encoder.data_unit([member.packet for member in members])
        except KeyFileError as error:
            for member in members:
                member.refused = str(error)
            return None

    def _renew(self, waiting: list[Delivery]) -> None:
        """The board may have restarted, with its anti-replay numbers ahead: leave numbers out, make data units anew."""
        if self.encoder.authenticator is None:
            return
        self.encoder.authenticator.numbers.skip()
        for delivery in waiting:
            unit = self._data_unit(delivery.tag)
            if unit is None:
                self.service.withdraw(delivery)
            else:
                delivery.fdu = unit

    def _confirm_numbers(self) -> None:
        delivered = self.service.counters.delivered
        if delivered != self._delivered and self.encoder.authenticator is not None:
            self.encoder.authenticator.numbers.confirm()
        self._delivered = delivered

    def _transmit(self) -> None:
        frame: TransmitFrame | None = self.service.next_frame()
        while frame is not None:
            octets = self.encoder.cltu(self.encoder.frame(frame.frame_type, frame.sequence, frame.data))
            try:
                self._transport.write(octets)
            except LinkLostError:
                self.service.refuse_frame(frame.frame_type)
                raise
            self.frames_up += 1
            self.octets_up += len(octets)
            frame = self.service.next_frame()


_UNDECIDED = (TelecommandState.WAITING, TelecommandState.UNDER_WAY)
