"""The ground's side of the downlink for tests: an independent reader of TM frames and their packets (SPEC 7, 8)."""

from flight.codec import crc16

LENGTH = 256
DATA = 244


class Ground:
    """Takes frames as the board hands them out; keeps their fields and the packets of each virtual channel."""

    def __init__(self, refuse=0):
        self.refuse = refuse  # how many calls of write() to turn down
        self.frames = []  # (vcid, master count, channel count, first header pointer, OCF)
        self.packets: dict[int, list[bytes]] = {0: [], 1: []}
        self.idle_packets = []
        self._partial = {0: b"", 1: b""}
        self._counts = {}
        self._master = None

    def write(self, frame):
        if self.refuse:
            self.refuse -= 1
            return False
        self.take(bytes(frame))
        return True

    def take(self, frame):
        assert len(frame) == 4 + LENGTH
        assert frame[:4] == b"\x1a\xcf\xfc\x1d"
        frame = frame[4:]
        assert crc16(frame, 0, LENGTH) == 0
        # Version 0, SCID 0A5, OCF there; no secondary header, packets in order, segment length identifier 11.
        assert frame[0] == 0x0A and frame[1] & 0xF1 == 0x51 and frame[4] & 0xF8 == 0x18
        vcid = frame[1] >> 1 & 7
        master, channel = frame[2], frame[3]
        pointer = (frame[4] & 7) << 8 | frame[5]
        if self._master is not None:
            assert master == (self._master + 1) & 255
        self._master = master
        assert channel == (self._counts.get(vcid, 255) + 1) & 255
        self._counts[vcid] = channel
        self.frames.append((vcid, master, channel, pointer, frame[250:254]))
        data = frame[6:250]
        if vcid == 7:
            assert pointer == 0x7FE and data == b"\x55" * DATA
            return
        self._unpack(vcid, pointer, data)

    def _unpack(self, vcid, pointer, data):
        partial = self._partial[vcid]
        stream = partial + data
        # Where the packet begun before this frame ends is where the first header of this frame must be.
        rest = size_of(stream) - len(partial) if partial else 0
        assert pointer == (0x7FF if rest >= DATA else rest)
        while len(stream) >= 6 and len(stream) >= size_of(stream):
            found, stream = stream[: size_of(stream)], stream[size_of(stream) :]
            if found[:4] == b"\x07\xff\xc0\x00":
                assert found[6:] == b"\x55" * (len(found) - 6)
                self.idle_packets.append(found)
            else:
                self.packets[vcid].append(found)
        self._partial[vcid] = stream


def size_of(stream):
    """Octets of the packet at the start of *stream*, after its length field."""
    return (stream[4] << 8 | stream[5]) + 7


def packet(size, mark=0, apid=0x064):
    """A telemetry packet of *size* octets with *mark* all through its data."""
    octets = bytes((0x08 | apid >> 8, apid & 0xFF, 0xC0, mark, (size - 7) >> 8, size - 7 & 0xFF))
    return octets + bytes((mark,)) * (size - 6)
