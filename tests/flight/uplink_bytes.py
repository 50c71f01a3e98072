"""The ground's side of the uplink for tests: frames octet by octet from SPEC.md, each field open to spoiling."""

from flight.codec import HmacSha256, cltu_encode, cltu_size, crc16

AD = 0x00
BD = 0x20
BC = 0x30
KEY_AD = bytes(range(32))
KEY_BD = bytes(range(32, 64))


def with_fecf(octets):
    """*octets* and their CRC-16."""
    crc = crc16(octets, 0, len(octets))
    return bytes(octets) + bytes((crc >> 8, crc & 0xFF))


def tc_frame(kind, n_s, data, scid=0x0A5, vcid=0, version=0, spare=0, length=None):
    """A TC frame: primary header, *data* (with segment header, if it has one), FECF."""
    octets = bytearray(5) + data
    size = len(octets) + 1 if length is None else length
    octets[0] = version << 6 | kind | spare << 2 | scid >> 8
    octets[1] = scid & 0xFF
    octets[2] = vcid << 2 | size >> 8
    octets[3] = size & 0xFF
    octets[4] = n_s
    return with_fecf(octets)


def ad(n_s, packets=b"\x01", segment=b"\xc0", **fields):
    return tc_frame(AD, n_s, segment + packets, **fields)


def bd(packets=b"\x01", segment=b"\xc0", **fields):
    return tc_frame(BD, 0, segment + packets, **fields)


def unlock(**fields):
    return tc_frame(BC, 0, b"\x00", **fields)


def set_vr(v_r):
    return tc_frame(BC, 0, bytes((0x82, 0x00, v_r)))


def protect(kind, n_s, packets, number, spi=None, key=None, **fields):
    """An AD or BD frame with security header and trailer (SPEC 6)."""
    if spi is None:
        spi = 1 if kind == AD else 2
    if key is None:
        key = KEY_AD if kind == AD else KEY_BD
    header = bytes((spi >> 8, spi & 0xFF, number >> 24 & 0xFF, number >> 16 & 0xFF, number >> 8 & 0xFF, number & 0xFF))
    authenticated = b"\x00\x00\x00\x00\x00\xc0" + header + packets
    mac = bytearray(16)
    hmac = HmacSha256(key)
    hmac.start()
    hmac.update(authenticated, 0, len(authenticated))
    hmac.put(mac, 0, 16)
    return tc_frame(kind, n_s, b"\xc0" + header + packets + bytes(mac), **fields)


def cltu(frame, randomised=False):
    """The CLTU of *frame*."""
    octets = bytearray(cltu_size(len(frame)))
    cltu_encode(frame, 0, len(frame), octets, 0, randomised)
    return bytes(octets)
