"""Proof that a path allocates nothing: run it with MicroPython's heap locked.

An allocation in between raises MemoryError inside the path. CPython has no such lock, so there the tests that use it
are skipped by name.
"""

import unittest

try:
    from micropython import heap_lock, heap_unlock  # type: ignore[attr-defined]

    HAVE_HEAP_LOCK = True
except ImportError:
    HAVE_HEAP_LOCK = False

needs_heap_lock = unittest.skipUnless(HAVE_HEAP_LOCK, "only MicroPython can lock its heap")


def run_locked(path):
    """Call path() once with the heap free, to bind what binds late, then once with it locked. Returns its result.

    A closure over more than five variables allocates by being called; take those from an object.
    """
    path()
    heap_lock()
    try:
        return path()
    finally:
        heap_unlock()
