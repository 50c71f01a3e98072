"""ST[20]: values of every type, ranges, all or nothing, defaults, and what survives a restart."""

import unittest

from bench import Bench, forget, ids
from flight.service import failure
from flight.service.parameter import Store

GAIN = b"\x10\x10"
OFFSET = b"\x10\x11"
LIMIT = b"\x10\x12"
COLOUR = b"\x10\x13"
SIZE = b"\x10\x14"
STEPS = b"\x10\x04"


class MemoryStore(Store):
    """Keeps records in a dictionary; refuses with `status` when that is not 0."""

    def __init__(self):
        self.records = {}
        self.status = 0

    def put(self, key, buffer, start, end):
        if self.status == 0:
            self.records[key] = bytes(buffer[start:end])
        return self.status

    def get(self, key, buffer):
        record = self.records.get(key)
        if record is None or len(record) > len(buffer):
            return -1
        buffer[: len(record)] = record
        return len(record)


class ParameterCase(unittest.TestCase):
    def setUp(self):
        self.store = MemoryStore()
        self.bench = Bench(store=self.store)

    def value(self, identifier):
        core = self.bench.core
        return core.values[core.pool.index_of(identifier)]

    def read(self, *identifiers):
        reports = self.bench.command(20, 1, bytes((len(identifiers),)) + b"".join(identifiers))
        return [report.data for report in reports if report.kind == (20, 2)]

    def notice(self, reports, kind):
        self.assertEqual(reports[-1].kind, kind)
        data = reports[-1].data[4:]
        return data[0] << 8 | data[1], data[2] << 8 | data[3], data[4], data[5:].hex()


class TestRead(ParameterCase):
    def test_every_type_in_its_own_width(self):
        found = self.read(GAIN, OFFSET, LIMIT, COLOUR, SIZE)
        expected = b"\x05" + GAIN + b"\x0a" + OFFSET + b"\xff\xff\xff\xfb" + LIMIT + b"\x3e\x80\x00\x00"
        self.assertEqual(found, [expected + COLOUR + b"\x02" + SIZE + b"\x00\x01\x11\x70"])

    def test_points_too_narrow_ones_in_whole_octets(self):
        core = self.bench.core
        core.values[core.pool.index_of(ids.TRIAL_SMALL)] = 5
        core.values[core.pool.index_of(ids.TRIAL_LEVEL)] = -2
        self.assertEqual(self.read(b"\x10\x01", b"\x10\x02"), [b"\x02\x10\x01\x05\x10\x02\xff\xfe"])

    def test_unknown(self):
        reports = self.bench.command(20, 1, b"\x02" + GAIN + b"\x7f\xff")
        self.assertEqual(self.notice(reports, (1, 4)), (failure.UNKNOWN_ID, 1, 1, "00007fff"))

    def test_everything_that_is_settable(self):
        reports = [report.data for report in self.bench.command(20, 128) if report.kind == (20, 2)]
        self.assertEqual(len(reports), 1)
        self.assertIn(GAIN + b"\x0a" + OFFSET + b"\xff\xff\xff\xfb", reports[0])
        self.assertNotIn(STEPS, reports[0])


class TestSet(ParameterCase):
    def test_every_type(self):
        data = b"\x05" + GAIN + b"\x64" + OFFSET + b"\xff\xf0\xbd\xc0" + LIMIT + b"\xbf\xc0\x00\x00" + COLOUR + b"\x04"
        reports = self.bench.command(20, 3, data + SIZE + b"\x3f\xff\xff\xff")
        self.assertEqual(reports[-1].kind, (1, 7))
        self.assertEqual(self.value(ids.TRIAL_GAIN), 100)
        self.assertEqual(self.value(ids.TRIAL_OFFSET), -1000000)
        self.assertEqual(self.value(ids.TRIAL_LIMIT), -1.5)
        self.assertEqual(self.value(ids.TRIAL_COLOUR), 4)
        self.assertEqual(self.value(ids.TRIAL_SIZE), 0x3FFFFFFF)

    def test_a_bad_value_sets_nothing(self):
        cases = (
            (GAIN + b"\x00", 1, "00000000"),
            (GAIN + b"\x65", 1, "00000065"),
            (OFFSET + b"\x00\x0f\x42\x41", 2, "000f4241"),
            (OFFSET + b"\x7f\xff\xff\xff", 2, "7fffffff"),
            (LIMIT + b"\x3f\xc0\x00\x10", 3, "3fc00010"),
            (LIMIT + b"\x7f\xc0\x00\x00", 3, "7fc00000"),
            (COLOUR + b"\x03", 1, "00000003"),
            (SIZE + b"\x40\x00\x00\x00", 1, "40000000"),
        )
        for item, kind, value in cases:
            with self.subTest(item=item):
                reports = self.bench.command(20, 3, b"\x02" + GAIN + b"\x14" + item)
                self.assertEqual(self.notice(reports, (1, 2)), (failure.VALUE_RANGE, 1, kind, value))
                self.assertEqual(self.value(ids.TRIAL_GAIN), 10)

    def test_points_are_not_settable(self):
        reports = self.bench.command(20, 3, b"\x01" + STEPS + bytes(4))
        self.assertEqual(self.notice(reports, (1, 2)), (failure.NOT_SETTABLE, 0, 1, "00001004"))

    def test_unknown(self):
        reports = self.bench.command(20, 3, b"\x01\x7f\xff\x00")
        self.assertEqual(self.notice(reports, (1, 2)), (failure.UNKNOWN_ID, 0, 1, "00007fff"))

    def test_every_wrong_length(self):
        good = b"\x02" + GAIN + b"\x14" + OFFSET + b"\x00\x00\x00\x01"
        for length in range(1, len(good) + 3):
            if length != len(good):
                reports = self.bench.command(20, 3, (good + b"\x00\x00")[:length])
                self.assertEqual(self.notice(reports, (1, 2))[0], failure.DATA_LENGTH)
                self.assertEqual(self.value(ids.TRIAL_GAIN), 10)
        self.assertEqual(self.bench.command(20, 3, good)[-1].kind, (1, 7))


class TestDefaults(ParameterCase):
    def setUp(self):
        super().setUp()
        self.bench.command(20, 3, b"\x02" + GAIN + b"\x14" + SIZE + bytes(4))

    def test_some(self):
        self.bench.command(20, 129, b"\x01" + GAIN)
        self.assertEqual((self.value(ids.TRIAL_GAIN), self.value(ids.TRIAL_SIZE)), (10, 0))

    def test_all(self):
        self.bench.command(20, 129, b"\x00")
        self.assertEqual((self.value(ids.TRIAL_GAIN), self.value(ids.TRIAL_SIZE)), (10, 70000))

    def test_a_point_has_none(self):
        reports = self.bench.command(20, 129, b"\x02" + GAIN + STEPS)
        self.assertEqual(self.notice(reports, (1, 4)), (failure.NOT_SETTABLE, 1, 1, "00001004"))
        self.assertEqual(self.value(ids.TRIAL_GAIN), 20)


class TestPersistence(ParameterCase):
    SET = b"\x04" + GAIN + b"\x14" + OFFSET + b"\xff\xff\xff\x00" + LIMIT + b"\xbf\x00\x00\x00" + SIZE + bytes(4)

    def restart(self):
        forget(self, "bench")
        self.bench = Bench(store=self.store)

    def test_persistent_ones_survive_and_others_do_not(self):
        self.bench.command(20, 3, self.SET)
        self.restart()
        found = [self.value(i) for i in (ids.TRIAL_GAIN, ids.TRIAL_OFFSET, ids.TRIAL_LIMIT, ids.TRIAL_SIZE)]
        self.assertEqual(found, [20, -256, -0.5, 70000])

    def test_record_octet_by_octet(self):
        self.bench.command(20, 3, self.SET)
        gain = b"\x10\x10\x01\x08\x14"
        record = self.store.records[1]
        self.assertEqual(record[:5], gain)
        self.assertEqual(record[8:24], b"\x10\x11\x02\x20\xff\xff\xff\x00\x10\x12\x03\x20\xbf\x00\x00\x00")
        self.assertEqual(len(record), 24)

    def test_defaults_survive_too(self):
        self.bench.command(20, 3, self.SET)
        self.bench.command(20, 129, b"\x00")
        self.restart()
        self.assertEqual(self.value(ids.TRIAL_GAIN), 10)

    def test_records_that_do_not_fit_the_dictionary_are_not_taken(self):
        entries = (
            b"\x10\x10\x01\x10\x14\x00\x00\x00",  # another width
            b"\x10\x10\x02\x08\x14\x00\x00\x00",  # another kind
            b"\x7f\xff\x01\x08\x14\x00\x00\x00",  # unknown
            b"\x10\x04\x01\x20\x00\x00\x00\x14",  # a point
            b"\x10\x10\x01\x08\x00\x00\x00\x00",  # out of range
        )
        for entry in entries:
            with self.subTest(entry=entry):
                self.store.records[1] = entry + b"\x10\x11\x02\x20\x00\x00\x00\x07"
                self.restart()
                self.assertEqual((self.value(ids.TRIAL_GAIN), self.value(ids.TRIAL_OFFSET)), (10, 7))
                self.assertEqual(self.value(ids.TRIAL_STEPS), 1)

    def test_a_record_cut_short_gives_its_whole_entries(self):
        self.store.records[1] = b"\x10\x10\x01\x08\x14\x00\x00\x00\x10\x11\x02"
        self.restart()
        self.assertEqual((self.value(ids.TRIAL_GAIN), self.value(ids.TRIAL_OFFSET)), (20, -5))

    def test_a_store_that_refuses_is_told_and_the_value_is_set(self):
        self.store.status = -4
        reports = self.bench.command(20, 3, b"\x01" + GAIN + b"\x14")
        self.assertEqual(self.notice(reports, (1, 4)), (failure.STORAGE, 0, 2, "fffffffc"))
        self.assertEqual(self.value(ids.TRIAL_GAIN), 20)

    def test_nothing_is_kept_when_nothing_persistent_changes(self):
        self.bench.command(20, 3, b"\x01" + SIZE + bytes(4))
        self.assertEqual(self.store.records, {})


if __name__ == "__main__":
    unittest.main()
