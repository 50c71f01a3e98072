"""I2C controllers as the driver meets them, each with one device on its bus.

``Silicon`` follows RM0090 27.3.3 and complains of what the manual forbids. ``Renode1_16`` and ``RenodeLater`` behave as
the controllers of those emulators do as far as a driver can tell: which flags they set when, and what they ignore.
"""

from dataclasses import dataclass, field

from tests.registers.hardware import Hardware

CR1, CR2, OAR1, OAR2, DR, SR1, SR2, CCR, TRISE = range(0, 0x24, 4)
PE, START, STOP, ACK, POS, SWRST = 1 << 0, 1 << 8, 1 << 9, 1 << 10, 1 << 11, 1 << 15
SB, ADDR, BTF, RXNE, TXE, BERR, ARLO, AF = (1 << bit for bit in (0, 1, 2, 6, 7, 8, 9, 10))
MSL, BUSY, TRA = 1 << 0, 1 << 1, 1 << 2
CLEARED_BY_ZERO = BERR | ARLO | AF
BITS_PER_BYTE = 9
BIT_NS = 2500  # 400 kHz


class RuleBroken(AssertionError):
    """The driver did what the reference manual forbids."""


@dataclass
class Slave:
    """A device: what it sends, what it takes, and what it saw on the bus."""

    address: int = 0x48
    sends: bytes = b""
    takes: int = 1 << 30  # bytes it acknowledges in one transfer
    stretch_ns: int = 0  # added to each byte
    seen: list[tuple[str, int] | tuple[str]] = field(default_factory=list)

    def start(self, address_byte: int) -> bool:
        self.taken = self.sent = 0
        self.released = False
        self.seen.append(("read" if address_byte & 1 else "write", address_byte >> 1))
        return address_byte >> 1 == self.address

    def take(self, byte: int) -> bool:
        self.seen.append(("byte", byte))
        self.taken += 1
        return self.taken <= self.takes

    def send(self) -> int:
        byte = 0xFF if self.released or self.sent >= len(self.sends) else self.sends[self.sent]
        self.sent += 1
        return byte

    def acknowledged(self, yes: bool) -> None:
        self.seen.append(("ack",) if yes else ("nack",))
        self.released = self.released or not yes

    def stop(self) -> None:
        self.seen.append(("stop",))


class Silicon:
    """The real controller, byte by byte. One thing happens on the bus at a time: ``_then`` at ``_at_ns``."""

    def __init__(self, hardware: Hardware, slave: Slave) -> None:
        self.hardware, self.slave = hardware, slave
        self.hung = False  # BUSY stays set until a software reset (ES0182)
        self._power_on()
        self.words = {CR2: 0, OAR1: 0, OAR2: 0, CCR: 0, TRISE: 2}

    def _power_on(self) -> None:
        self.cr1 = self.flags = self.dr = 0
        self.master = self.receiver = self.sr1_seen = False
        self.behind: int | None = None  # byte in the shift register, behind DR
        self.ack_before = False
        self._at_ns: int | None = None
        self._then = self._nothing

    def _nothing(self) -> None:
        pass

    def _plan(self, bits: int, then: object, extra_ns: int = 0) -> None:
        assert self._at_ns is None
        self._at_ns = self.hardware.now_ns + bits * BIT_NS + extra_ns
        self._then = then  # type: ignore[assignment]

    def _advance(self) -> None:
        while self._at_ns is not None and self.hardware.now_ns >= self._at_ns:
            self._at_ns = None
            self._then()

    # ---- conditions ----

    def _go_on(self) -> None:
        """Nothing moves on the bus: begin what CR1 asks for."""
        if self._at_ns is not None or self.flags & ADDR:
            return
        if self.cr1 & STOP and self.master:
            self._plan(1, self._stopped)
        elif self.cr1 & START and (self.master or not self.hung):
            self._plan(1, self._started)

    def _started(self) -> None:
        self.cr1 &= ~START
        self.master = True
        self.flags &= ~TXE if self.receiver else ~(BTF | TXE)  # what was received stays until it is read
        self.flags |= SB
        self.sr1_seen = False

    def _stopped(self) -> None:
        self.cr1 &= ~STOP
        self.master = False
        self.flags &= ~TXE if self.receiver else ~(BTF | TXE)
        self.slave.stop()

    # ---- bytes ----

    def _address_sent(self) -> None:
        self.receiver = bool(self.dr & 1)
        if self.slave.start(self.dr):
            self.flags |= ADDR
        else:
            self.flags |= AF

    def _addr_cleared(self) -> None:
        self.flags &= ~ADDR
        if self.receiver:
            self.ack_at_addr = bool(self.cr1 & ACK)
            self.first = True
            self._receive()
        else:
            self.flags |= TXE
            self._go_on()

    def _receive(self) -> None:
        self.ack_before = bool(self.cr1 & ACK)
        self._plan(BITS_PER_BYTE, self._received, self.slave.stretch_ns)

    def _received(self) -> None:
        if self.first and self.cr1 & (START | STOP) and self.ack_at_addr:
            raise RuleBroken("ACK of a single byte taken back after ADDR")
        self.first = False
        byte = self.slave.send()
        self.slave.acknowledged(self.ack_before if self.cr1 & POS else bool(self.cr1 & ACK))
        if self.flags & RXNE:
            self.behind = byte
            self.flags |= BTF
        else:
            self.dr = byte
            self.flags |= RXNE
            if not self.cr1 & (START | STOP):
                self._receive()
        self._go_on()

    def _sent(self) -> None:
        if not self.slave.take(self.dr):
            self.flags |= AF
        else:
            self.flags |= BTF
        self._go_on()

    # ---- registers ----

    def read(self, offset: int) -> int:
        self._advance()
        if offset == CR1:
            return self.cr1
        if offset == SR1:
            self.sr1_seen = True
            return self.flags
        if offset == SR2:
            if self.flags & ADDR and self.sr1_seen:
                self._addr_cleared()
            return (MSL if self.master else 0) | (BUSY if self.master or self.hung else 0)
        if offset == DR:
            return self._read_dr()
        return self.words[offset]

    def _read_dr(self) -> int:
        byte = self.dr
        if not self.flags & RXNE:
            raise RuleBroken("DR read with nothing in it")
        if self.behind is None:
            self.flags &= ~RXNE
            return byte
        self.dr, self.behind = self.behind, None
        self.flags &= ~BTF
        if self.master and self._at_ns is None and not self.cr1 & (START | STOP) and not self.flags & SB:
            self._receive()
        return byte

    def write(self, offset: int, value: int) -> None:
        self._advance()
        if offset == CR1:
            self._write_cr1(value)
        elif offset == SR1:
            self.flags &= value | ~CLEARED_BY_ZERO
        elif offset == DR:
            self._write_dr(value)
        else:
            if self.cr1 & PE:
                raise RuleBroken("timing changed while enabled")
            self.words[offset] = value

    def _write_cr1(self, value: int) -> None:
        if value & SWRST:
            self._power_on()
            self.hung = False
        elif not value & PE:
            self._power_on()
        elif self.cr1 & (START | STOP):
            raise RuleBroken(f"CR1 = {value:#x} written while {self.cr1:#x} is pending")
        elif (value ^ self.cr1) & POS and self.receiver and self._at_ns is not None:
            raise RuleBroken("POS changed while a byte comes in")
        else:
            self.cr1 = value
            self._go_on()

    def _write_dr(self, value: int) -> None:
        self.dr = value
        if self.flags & SB and self.sr1_seen:
            self.flags &= ~SB
            self._plan(BITS_PER_BYTE, self._address_sent, self.slave.stretch_ns)
        elif self.flags & TXE:
            self.flags &= ~BTF
            self._plan(BITS_PER_BYTE, self._sent, self.slave.stretch_ns)
        else:
            raise RuleBroken("DR written out of turn")


class Renode1_16:
    """Instant; BUSY never set; a read is fetched whole with the address; ACK and POS ignored; reading SR1 clears AF."""

    def __init__(self, hardware: Hardware, slave: Slave) -> None:
        self.slave = slave
        self.cr1 = self.flags = 0
        self.addressing = False
        self.queue: list[int] = []
        self.outgoing: list[int] = []
        self.words: dict[int, int] = {}

    def _flush(self) -> None:
        for byte in self.outgoing:
            self.slave.take(byte)
        self.outgoing.clear()

    def read(self, offset: int) -> int:
        if offset == CR1:
            return self.cr1
        if offset == SR1:
            flags = self.flags | (RXNE if self.queue else 0)
            self.flags &= ~AF
            return flags
        if offset == SR2:
            self.flags &= ~ADDR
            return MSL
        if offset == DR:
            byte = self.queue.pop(0) if self.queue else 0
            self.flags = self.flags | BTF if self.queue else self.flags & ~BTF
            return byte
        return self.words.get(offset, 0)

    def write(self, offset: int, value: int) -> None:
        if offset == DR:
            self._write_dr(value)
        elif offset == SR1:
            self.flags &= value | ~AF
        elif offset != CR1:
            self.words[offset] = value
        else:
            self.cr1 = value & ~(START | STOP)
            if value & STOP:
                self._flush()
                self.slave.stop()
                self.addressing = False
                self.flags &= ~(BTF | TXE)
            if value & START:
                self._flush()
                self.flags = self.flags & ~(BTF | TXE) | SB
                self.addressing = True

    def _write_dr(self, value: int) -> None:
        self.flags &= ~BTF
        if not self.addressing:
            self.outgoing.append(value)
            self.flags |= TXE | BTF
            return
        self.addressing = False
        self.flags &= ~SB
        if not self.slave.start(value):
            self.flags |= AF
        elif value & 1:
            self.queue = [self.slave.send() for _ in self.slave.sends]
            self.flags |= ADDR | BTF
        else:
            self.flags |= ADDR | TXE


class RenodeLater:
    """Flags follow each other in 190 ns; STOP stays set until the last byte is read; reading SR1 clears AF.

    What is read after STOP was asked for is the last byte, unless another waits behind it.
    """

    STEP_NS = 190
    IDLE, ADDRESS, WRITE, READ, LAST = range(5)

    def __init__(self, hardware: Hardware, slave: Slave) -> None:
        self.hardware, self.slave = hardware, slave
        self.cr1 = self.flags = 0
        self.state = self.IDLE
        self.master = self.transmitter = False
        self.outgoing: list[int] = []
        self.at_ns: int | None = None
        self.words: dict[int, int] = {}

    def _advance(self) -> None:
        while self.at_ns is not None and self.hardware.now_ns >= self.at_ns:
            due, self.at_ns = self.at_ns, None
            if self.transmitter:
                self.flags |= BTF
            elif not self.flags & RXNE:
                self.flags |= RXNE
                self.at_ns = due + self.STEP_NS
            elif self.state != self.LAST:
                self.flags |= BTF

    def _soon(self) -> None:
        self.at_ns = self.hardware.now_ns + self.STEP_NS

    def _flush(self) -> None:
        for byte in self.outgoing:
            self.slave.take(byte)
        self.outgoing.clear()

    def read(self, offset: int) -> int:
        self._advance()
        if offset == CR1:
            return self.cr1
        if offset == SR1:
            flags, self.flags = self.flags, self.flags & ~AF
            return flags
        if offset == SR2:
            self.flags &= ~ADDR
            busy = self.state not in (self.IDLE, self.LAST)
            return (MSL if self.master else 0) | (BUSY if busy else 0) | (TRA if self.transmitter else 0)
        if offset == DR:
            return self._read_dr()
        return self.words.get(offset, 0)

    def _read_dr(self) -> int:
        waiting = bool(self.flags & BTF)
        self.flags = self.flags & ~(BTF | RXNE) | (RXNE if waiting else 0)
        if self.state == self.LAST and not waiting:
            self.at_ns = None
            self.state = self.ADDRESS if self.master else self.IDLE
            self.cr1 &= ~STOP
            byte = self.slave.send()
            self.slave.stop()
            return byte
        if self.state in (self.READ, self.LAST):
            self._soon()
            return self.slave.send()
        return 0

    def write(self, offset: int, value: int) -> None:
        self._advance()
        if offset == DR:
            self._write_dr(value)
        elif offset == SR1:
            self.flags &= value | ~AF
        elif offset == CR1:
            self._write_cr1(value)
        else:
            self.words[offset] = value

    def _write_cr1(self, value: int) -> None:
        before, self.cr1 = self.cr1, value
        again = value & START and self.state not in (self.IDLE, self.ADDRESS)
        if value & STOP:
            if self.transmitter:
                self._flush()
                self.slave.stop()
                self.flags &= ~(BTF | TXE)
                self.cr1 &= ~STOP
                self.state = self.IDLE
            elif before & STOP:
                self.state = self.IDLE
                self.cr1 &= ~STOP
                return
            else:
                self.state = self.LAST
            self.master = False
        elif again:
            if self.transmitter:
                self._flush()
            self.outgoing.clear()
        if value & START:
            self.flags = self.flags & ~(BTF | TXE) | SB
            self.master, self.transmitter, self.state = True, False, self.ADDRESS
            self.cr1 &= ~START

    def _write_dr(self, value: int) -> None:
        self.flags &= ~(TXE | RXNE | SB | BTF)
        if self.state == self.WRITE:
            self.outgoing.append(value)
            self.flags |= TXE
            self._soon()
        elif self.state == self.ADDRESS:
            if not self.slave.start(value):
                self.flags |= AF
                self.state = self.IDLE
                return
            self.flags |= ADDR
            self.transmitter = not value & 1
            self.state = self.READ if value & 1 else self.WRITE
            self.flags |= TXE if self.transmitter else 0
            self._soon()
