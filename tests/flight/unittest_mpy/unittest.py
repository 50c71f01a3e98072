"""The part of CPython's unittest that the flight tests use, for MicroPython on a workstation and on a board.

TestCase classes and test methods are found by name, run one by one, and every outcome is printed on one line:
``ok``, ``FAIL`` or ``skip``, the test, and for a failure the traceback. CPython runs the same files with its own
unittest (through pytest), so nothing here may differ from it in meaning. Allocates freely: it is no flight code.
"""

import gc
import sys


class SkipTest(Exception):
    """Raised by a test that cannot run here; its argument says why."""


class _RaisesContext:
    """What assertRaises gives to ``with``: keeps the exception caught."""

    def __init__(self, expected):
        self._expected = expected
        self.exception = None

    def __enter__(self):
        return self

    def __exit__(self, exc_type, exc, traceback):
        if exc_type is None:
            raise AssertionError(f"{self._expected.__name__} was not raised")
        self.exception = exc
        return issubclass(exc_type, self._expected)


class _SubTestContext:
    """What subTest gives to ``with``: names the case in the failure that comes out of it."""

    def __init__(self, message, params):
        self._what = f"{message} {params}" if message is not None else str(params)

    def __enter__(self):
        return self

    def __exit__(self, exc_type, exc, traceback):
        if exc_type is not None and not issubclass(exc_type, SkipTest):
            print("  in sub-test", self._what)
        return False


class TestCase:
    """One group of tests; each method named ``test...`` runs between setUp and tearDown."""

    def setUp(self):
        pass

    def tearDown(self):
        pass

    @classmethod
    def setUpClass(cls):
        pass

    @classmethod
    def tearDownClass(cls):
        pass

    def fail(self, msg=None):
        raise AssertionError(msg or "failed")

    def skipTest(self, reason):
        raise SkipTest(reason)

    def subTest(self, msg=None, **params):
        return _SubTestContext(msg, params)

    def _check(self, held, msg, text, *values):
        # The text is made when it is needed: it may be longer than what is free on a board.
        if not held:
            text = text.format(*values)
            raise AssertionError(f"{text}: {msg}" if msg is not None else text)

    def assertTrue(self, value, msg=None):
        self._check(value, msg, "{!r} is not true", value)

    def assertFalse(self, value, msg=None):
        self._check(not value, msg, "{!r} is not false", value)

    def assertEqual(self, first, second, msg=None):
        self._check(first == second, msg, "{!r} != {!r}", first, second)

    def assertNotEqual(self, first, second, msg=None):
        self._check(first != second, msg, "{!r} == {!r}", first, second)

    def assertIs(self, first, second, msg=None):
        self._check(first is second, msg, "{!r} is not {!r}", first, second)

    def assertIsNot(self, first, second, msg=None):
        self._check(first is not second, msg, "both are {!r}", first)

    def assertIsNone(self, value, msg=None):
        self._check(value is None, msg, "{!r} is not None", value)

    def assertIsNotNone(self, value, msg=None):
        self._check(value is not None, msg, "unexpectedly None")

    def assertIn(self, member, container, msg=None):
        self._check(member in container, msg, "{!r} not in {!r}", member, container)

    def assertNotIn(self, member, container, msg=None):
        self._check(member not in container, msg, "{!r} in {!r}", member, container)

    def assertIsInstance(self, value, kind, msg=None):
        self._check(isinstance(value, kind), msg, "{!r} is not of {}", value, kind)

    def assertLess(self, first, second, msg=None):
        self._check(first < second, msg, "{!r} not less than {!r}", first, second)

    def assertLessEqual(self, first, second, msg=None):
        self._check(first <= second, msg, "{!r} not less than or equal to {!r}", first, second)

    def assertGreater(self, first, second, msg=None):
        self._check(first > second, msg, "{!r} not greater than {!r}", first, second)

    def assertGreaterEqual(self, first, second, msg=None):
        self._check(first >= second, msg, "{!r} not greater than or equal to {!r}", first, second)

    def assertAlmostEqual(self, first, second, places=None, msg=None, delta=None):
        bound = delta if delta is not None else 0.5 * 10 ** -(7 if places is None else places)
        self._check(abs(first - second) <= bound, msg, "{!r} and {!r} differ by more than {}", first, second, bound)

    def assertRaises(self, expected, func=None, *args, **kwargs):
        context = _RaisesContext(expected)
        if func is None:
            return context
        with context:
            func(*args, **kwargs)
        return None


def skip(reason):
    """Decorator: the test does not run here, and says why."""

    def replace(test):
        def skipped(self):
            raise SkipTest(reason)

        return skipped

    return replace


def skipIf(condition, reason):
    return skip(reason) if condition else lambda test: test


def skipUnless(condition, reason):
    return skipIf(not condition, reason)


class Counts:
    """Outcomes so far."""

    def __init__(self):
        self.passed = 0
        self.failed = 0
        self.skipped = 0


def _run_test(case, name, title, counts):
    try:
        try:
            case.setUp()
            getattr(case, name)()
        finally:
            case.tearDown()
    except SkipTest as reason:
        counts.skipped += 1
        print("skip", title, "-", reason)
    except Exception as error:  # the boundary of one test: whatever it raised is its failure, and the next one runs
        counts.failed += 1
        print("FAIL", title)
        sys.print_exception(error)
    else:
        counts.passed += 1
        print("ok", title)
    _forget(case)


def _forget(case):
    """Let go of what a test has made: an old address of its case on the stack must not keep it from the next one."""
    for name in list(case.__dict__):
        setattr(case, name, None)  # deleting leaves the value in the table
    gc.collect()


def run_module(module, counts=None):
    """Run every test of *module* in the order of their names. Returns the Counts."""
    if counts is None:
        counts = Counts()
    for class_name in sorted(dir(module)):
        cls = getattr(module, class_name)
        if not isinstance(cls, type) or not issubclass(cls, TestCase) or cls is TestCase:
            continue
        cls.setUpClass()
        for name in sorted(dir(cls)):
            if name.startswith("test"):
                _run_test(cls(), name, f"{module.__name__}.{class_name}.{name}", counts)
        cls.tearDownClass()
    return counts


def main(module="__main__"):
    """Run every test of *module* and print the summary that MicroPython's own runner of test files looks for."""
    counts = run_module(__import__(module) if isinstance(module, str) else module)
    print("-" * 70)
    print(f"Ran {counts.passed + counts.failed + counts.skipped} tests\n")
    if counts.failed:
        print(f"FAILED (failures={counts.failed}, errors=0)")
    else:
        print(f"OK (skipped={counts.skipped})" if counts.skipped else "OK")
