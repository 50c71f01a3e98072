"""One target under atheris: ``python tests/fuzz/atheris_target.py TARGET CORPUS [libFuzzer options]``.

The memory of the process is looked at every few thousand runs: what grows without end fails as a crash does.
"""

from __future__ import annotations

import resource
import sys

import atheris  # type: ignore[import-untyped]

with atheris.instrument_imports(include=["flight", "perilune", "perilune_codec"]):
    from tests.fuzz.targets import TARGETS

LOOK_EVERY = 2000  # runs
WARM_RUNS = 4000  # until then caches fill
MAY_GROW_KIB = 64 * 1024  # libFuzzer's own corpus grows too


class Watched:
    """Calls the target and watches the memory."""

    def __init__(self, name: str) -> None:
        self._target = TARGETS[name]
        self._runs = 0
        self._warm_kib = 0

    def __call__(self, data: bytes) -> None:
        self._target(data)
        self._runs += 1
        if self._runs % LOOK_EVERY:
            return
        used_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        if self._runs <= WARM_RUNS:
            self._warm_kib = used_kib
        elif used_kib > self._warm_kib + MAY_GROW_KIB:
            raise MemoryError(f"expected at most {self._warm_kib + MAY_GROW_KIB} KiB, found {used_kib} KiB")


if __name__ == "__main__":
    name = sys.argv.pop(1)
    atheris.Setup(sys.argv, Watched(name))
    atheris.Fuzz()
