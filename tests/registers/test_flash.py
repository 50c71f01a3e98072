"""Storage in the internal flash, on a model of the flash interface (RM0090 3.6, 3.9) and on Renode's."""

import ctypes

import pytest

from tests.registers.hardware import Hardware, Plain

FLASH, TIM2, IWDG, STORAGE = 0x40023C00, 0x40000000, 0x40003000, 0x080C0000
SECTOR_SIZE, FIRST_SECTOR = 0x20000, 10
ACR, KEYR, SR, CR = 0x00, 0x04, 0x0C, 0x10
DCEN, DCRST, LATENCY = 1 << 10, 1 << 12, 5
BSY, ERRORS = 1 << 16, 0xF2
PG, SER, SNB, PSIZE, STRT, LOCK = 1 << 0, 1 << 1, 15 << 3, 3 << 8, 1 << 16, 1 << 31
PROTECTION_ERROR, SIZE_ERROR = 1 << 4, 1 << 6
KEYS = (0x45670123, 0xCDEF89AB)
ERASE_NS, PROGRAM_NS = 100_000_000, 16_000
OK, RANGE, NOT_ERASED, FAILED = 0, -2, -3, -4
DATA = bytes(range(1, 251))


class Interface:
    """The flash interface and the two sectors behind it, which lie in this process's memory."""

    always_programs = False

    def __init__(self, hardware: Hardware) -> None:
        self.hardware = hardware
        self.acr = DCEN | 1 << 9 | 1 << 8 | LATENCY
        self.cr = LOCK
        self.keys = 0
        self.jammed = False  # a wrong key locks until reset
        self.errors = 0
        self.busy_until_ns = 0
        self.stuck = False
        self.stuck_after = 0  # bit of CR after whose writing BSY never goes
        self.cache_fresh = True
        self.erased: list[int] = []

    @property
    def busy(self) -> bool:
        return self.stuck or self.hardware.now_ns < self.busy_until_ns

    def read(self, offset: int) -> int:
        return {ACR: self.acr, CR: self.cr, SR: self.errors | (BSY if self.busy else 0)}[offset]

    def write(self, offset: int, value: int) -> None:
        if offset == ACR:
            assert not (value & DCRST and self.acr & DCEN), "cache reset while on"
            assert value & 0xF == LATENCY
            self.cache_fresh = self.cache_fresh or bool(value & DCRST)
            self.acr = value
        elif offset == KEYR:
            self._key(value)
        elif offset == SR:
            self.errors &= ~value
        else:
            self._write_cr(value)

    def _key(self, value: int) -> None:
        if not self.cr & LOCK or self.jammed or value != KEYS[self.keys]:
            self.jammed, self.cr = True, LOCK
            raise AssertionError("a key too many, or the wrong one: locked until reset")
        self.keys = (self.keys + 1) % 2
        if self.keys == 0:
            self.cr &= ~LOCK

    def _write_cr(self, value: int) -> None:
        assert not self.cr & LOCK, "CR written while locked"
        assert not self.busy, "CR written while busy"
        self.cr = value & ~STRT
        self.stuck = bool(value & self.stuck_after)
        if value & STRT:
            assert value & SER and value & PSIZE == 2 << 8, "bytes take twice as long to erase as words"
            sector = (value & SNB) >> 3
            self.erased.append(sector)
            self.busy_until_ns = self.hardware.now_ns + ERASE_NS
            self.empty(sector)
            self.cache_fresh = False

    def empty(self, sector: int) -> None:
        ctypes.memset(self.hardware.memory(STORAGE + (sector - FIRST_SECTOR) * SECTOR_SIZE), 0xFF, SECTOR_SIZE)


class RenodeInterface(Interface):
    """Erases at once, shows no flag, and keeps STRT until CR is read; any store programs."""

    always_programs = True
    start = False

    def read(self, offset: int) -> int:
        if offset == CR:
            self.start = False
        return {ACR: self.acr, CR: self.cr, SR: 0}[offset]

    def _write_cr(self, value: int) -> None:
        assert not self.cr & LOCK, "CR written while locked"
        self.cr = value & ~STRT
        self.start = self.start or bool(value & STRT)
        if self.start and value & SER:
            sector = (value & SNB) >> 3
            self.erased.append(sector)
            if sector >= FIRST_SECTOR:
                self.empty(sector)
        self.cache_fresh = True


class Cells:
    """The bus to the flash array: a store turns ones into zeros, when the interface says so."""

    def __init__(self, interface: Interface) -> None:
        self.interface = interface
        self.memory = interface.hardware.memory(STORAGE)
        self.content = bytearray(ctypes.string_at(self.memory, 2 * SECTOR_SIZE))
        self.stores: list[tuple[int, int]] = []  # offset and size
        self.wear: set[int] = set()  # offsets that do not take what is written

    def sync(self) -> None:
        self.content[:] = ctypes.string_at(self.memory, 2 * SECTOR_SIZE)

    def read(self, offset: int) -> int:
        raise AssertionError("flash is read as memory")

    def write(self, offset: int, value: int) -> None:
        interface = self.interface
        size = {0: 1, 2 << 8: 4}[interface.cr & PSIZE]
        before = self.content[offset : offset + size]
        allowed = interface.always_programs or (interface.cr & PG and not interface.busy)
        interface.errors |= 0 if allowed else PROTECTION_ERROR
        wanted = value.to_bytes(4, "little")[:size]
        after = bytes(a & b for a, b in zip(before, wanted, strict=True)) if allowed else bytes(before)
        if offset in self.wear:
            after = bytes(before)
        self.content[offset : offset + size] = after
        ctypes.memmove(self.memory + offset, after, size)
        self.stores.append((offset, size))
        interface.busy_until_ns = interface.hardware.now_ns + PROGRAM_NS
        interface.cache_fresh = interface.always_programs


class Counter:
    """TIM2 at 1 MHz."""

    def __init__(self, hardware: Hardware) -> None:
        self.hardware = hardware

    def read(self, offset: int) -> int:
        assert offset == 0x24
        return self.hardware.now_ns // 1000

    def write(self, offset: int, value: int) -> None:
        raise AssertionError("the time base is not for storage to change")


class Part:
    """A part whose storage is erased, and the driver."""

    def __init__(self, hardware: Hardware, interface: Interface) -> None:
        self.hardware = hardware
        hardware.access_ns = 1000
        self.interface = interface
        ctypes.memset(hardware.memory(STORAGE), 0xFF, 2 * SECTOR_SIZE)
        self.cells = Cells(self.interface)
        hardware.attach(FLASH, self.interface)
        hardware.attach(STORAGE, self.cells, 2 * SECTOR_SIZE)
        hardware.attach(TIM2, Counter(hardware))
        hardware.attach(IWDG, Plain())
        hardware.call("storage_init")
        hardware.call("registers_excused_us")

    def program(self, offset: int, data: bytes) -> int:
        return int(self.hardware.call("storage_program", offset, data, ctypes.c_size_t(len(data))))

    def erase(self, sector: int) -> int:
        status = int(self.hardware.call("storage_erase", sector))
        self.cells.sync()
        return status

    def read(self, offset: int, size: int) -> bytes:
        buffer = ctypes.create_string_buffer(size)
        assert self.hardware.call("storage_read", offset, buffer, ctypes.c_size_t(size)) == OK
        return buffer.raw


@pytest.fixture
def part(hardware: Hardware) -> Part:
    return Part(hardware, Interface(hardware))


@pytest.fixture(params=[Interface, RenodeInterface])
def any_part(hardware: Hardware, request: pytest.FixtureRequest) -> Part:
    return Part(hardware, request.param(hardware))


@pytest.mark.parametrize("offset", [0, 1, 2, 3, 4, SECTOR_SIZE - 3, 2 * SECTOR_SIZE - 250])
@pytest.mark.parametrize("size", [0, 1, 3, 4, 5, 250])
def test_what_is_programmed_is_read_back(any_part: Part, offset: int, size: int) -> None:
    assert any_part.program(offset, DATA[:size]) == OK
    assert any_part.read(offset, size) == DATA[:size]
    assert any_part.cells.content.count(0xFF) == 2 * SECTOR_SIZE - size  # nothing beside it


def test_words_are_programmed_where_they_are_aligned(part: Part) -> None:
    part.program(2, DATA[:9])
    assert part.cells.stores == [(2, 1), (3, 1), (4, 4), (8, 1), (9, 1), (10, 1)]


def test_interface_is_locked_and_the_cache_fresh_afterwards(any_part: Part) -> None:
    for action in (lambda: any_part.program(0, DATA), lambda: any_part.erase(0), lambda: any_part.program(0, DATA)):
        assert action() == OK
        assert any_part.interface.cr == LOCK | any_part.interface.cr & PSIZE
        assert any_part.interface.cache_fresh
        assert any_part.interface.acr & DCEN


def test_erasing_one_sector_leaves_the_other(any_part: Part) -> None:
    any_part.program(SECTOR_SIZE - 5, DATA[:10])
    assert any_part.erase(1) == OK
    assert any_part.interface.erased == [11]
    assert any_part.read(SECTOR_SIZE - 5, 10) == DATA[:5] + b"\xff" * 5


def test_watchdog_is_fed_and_excused_while_a_sector_is_erased(part: Part) -> None:
    part.erase(0)
    fed = [value for address, value in part.hardware.writes if address == IWDG]
    assert len(fed) > 1000
    assert set(fed) == {0xAAAA}
    assert abs(part.hardware.call("registers_excused_us") - ERASE_NS / 1000) < 100


def test_erasure_that_never_ends_ends_the_call(part: Part) -> None:
    part.hardware.access_ns = 20_000
    part.interface.stuck_after = STRT
    assert part.erase(0) == FAILED
    assert 4_500_000_000 < part.hardware.now_ns < 5_000_000_000


def test_programming_that_never_ends_ends_the_call(part: Part) -> None:
    part.interface.stuck_after = PG
    assert part.program(0, DATA) == FAILED
    assert part.cells.stores == [(0, 4)]


def test_cell_that_does_not_take_a_word_is_told(any_part: Part) -> None:
    any_part.cells.wear.add(8)
    assert any_part.program(0, DATA[:20]) == FAILED


def test_only_erased_flash_is_programmed(any_part: Part) -> None:
    any_part.program(100, b"\x00")
    stores = len(any_part.cells.stores)
    assert any_part.program(96, DATA[:8]) == NOT_ERASED
    assert len(any_part.cells.stores) == stores


def test_interface_that_was_left_unlocked_is_not_unlocked_again(any_part: Part) -> None:
    any_part.interface.cr = 0
    assert any_part.program(0, DATA) == OK


def test_error_flag_from_before_does_not_spoil_the_next(part: Part) -> None:
    part.interface.errors = PROTECTION_ERROR | SIZE_ERROR
    assert part.program(0, DATA) == OK
    part.interface.errors = PROTECTION_ERROR
    assert part.erase(0) == OK


@pytest.mark.parametrize(("offset", "size"), [(2 * SECTOR_SIZE, 1), (2 * SECTOR_SIZE - 3, 4), (0xFFFFFFFF, 2)])
def test_outside_is_refused(part: Part, offset: int, size: int) -> None:
    assert part.program(ctypes.c_uint32(offset).value, DATA[:size]) == RANGE
    assert part.cells.stores == []


def test_sector_outside_is_refused(part: Part) -> None:
    assert part.erase(2) == RANGE
    assert part.interface.erased == []
