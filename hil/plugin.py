"""The pytest plugin: boards as fixtures, on the target that the command line names.

    pytest hil/ --target qemu                     (default) or sitl, renode; several: --target sitl --target qemu
    pytest hil/ --target serial --bench bench.toml

In a project of one's own, `pytest_plugins = ["hil.plugin"]` in its conftest.py gives the same; `hil_target` and
`hil_benches` in its pytest.ini name the default target and the folder of its benches.

Fixtures: `target` (a board, booted, with the plant on its bus), `ground` (commands and reports, link up), `plant`,
`faults`, `make_target` for tests that boot themselves. Marks: `needs("memory")` leaves a test out, with the reason,
where the target lacks that; `plant(local_time_h=18.5)` gives the plant other arguments than the bench; `unbooted`
leaves the boot to the test; `sample` names the tests that stand for all where `--sample TARGET` is given.

A test that fails leaves its evidence in hil/out/<test>/. A bench that broke stays broken: it is said once, and the
tests that would have used it are left out with that reason.
"""

from __future__ import annotations

import re
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from hil.bench import Bench
    from hil.faults import Faults
    from hil.ground import Ground
    from hil.plant.attached import AttachedPlant
    from hil.targets.target import Target

DEFAULT_TARGET = "qemu"
KINDS = ("sitl", "qemu", "renode", "serial")
# pytest-timeout counts the host's time, and minutes of Renode's may take it as long or longer.
RENODE_TIMEOUT_S = 900


def pytest_addoption(parser: pytest.Parser) -> None:
    """--target and --bench."""
    group = parser.getgroup("hil", "hardware in the loop")
    group.addoption(
        "--target",
        action="append",
        choices=KINDS,
        dest="hil_targets",
        help=f"what the boards are: {', '.join(KINDS)}; may be repeated (default {DEFAULT_TARGET})",
    )
    group.addoption(
        "--bench",
        action="append",
        default=[],
        dest="hil_benches",
        help="bench by name in hil/benches or by file, for the target of its kind (default: named like the target)",
    )
    group.addoption(
        "--sample",
        action="append",
        default=[],
        choices=KINDS,
        dest="hil_sampled",
        help="on this target only tests that are marked `sample`",
    )
    parser.addini("hil_target", "target where none is named", default=DEFAULT_TARGET)
    parser.addini("hil_benches", "folder of the benches that are named by target or by --bench NAME", type="paths")


def pytest_configure(config: pytest.Config) -> None:
    """Marks; and SIGTERM ends a run as Ctrl-C does, so that fixtures stop what they started."""
    for line in (
        "needs(capability, ...): left out where the target lacks one of them",
        "plant(**arguments): the plant begins with these arguments instead of the bench's",
        "unbooted: the test boots the target itself",
        "sample: one of those that stand for all with --sample",
    ):
        config.addinivalue_line("markers", line)
    # A worker of xdist is told by its master; only the main thread may say what a signal does.
    if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) == signal.SIG_DFL:
        signal.signal(signal.SIGTERM, _interrupt)


def _interrupt(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt("SIGTERM")


def chosen_benches(config: pytest.Config) -> dict[str, Bench]:
    """Bench of each target that was asked for. Raises pytest.UsageError."""
    from hil.bench import BENCHES_DIR, BenchError, load_bench  # noqa: PLC0415  # not needed by runs without a board

    try:
        folder = next(iter(config.getini("hil_benches")), BENCHES_DIR)
        named = [load_bench(name, folder) for name in config.getoption("hil_benches")]
        default = config.getini("hil_target")
        if default not in KINDS:
            raise BenchError(f"hil_target of {config.inipath}", expected=", ".join(KINDS), found=default)
        kinds = dict.fromkeys(config.getoption("hil_targets") or [b.target for b in named] or [default])
        found = {bench.target: bench for bench in named}
        if unused := set(found) - set(kinds):
            raise BenchError(f"--bench is for {', '.join(sorted(unused))}", expected=f"one for {', '.join(kinds)}")
        if "serial" in kinds and "serial" not in found:
            raise BenchError("--target serial", expected="--bench with the file of your bench", found="none")
        return {kind: found.get(kind) or load_bench(kind, folder) for kind in kinds}
    except BenchError as error:
        raise pytest.UsageError(str(error)) from error


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every test that asks for a bench runs on each target that was asked for."""
    if "bench" in metafunc.fixturenames:
        metafunc.parametrize("bench", chosen_benches(metafunc.config).values(), ids=lambda b: b.name, scope="session")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """On a target that is sampled only the sample stays. Renode gets more of the host's time, if that is limited."""
    if config.pluginmanager.hasplugin("timeout"):
        for item in items:
            if _kind(item) == "renode" and item.get_closest_marker("timeout") is None:
                item.add_marker(pytest.mark.timeout(RENODE_TIMEOUT_S))
    sampled = config.getoption("hil_sampled")
    left_out = [item for item in items if _kind(item) in sampled and item.get_closest_marker("sample") is None]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in set(left_out)]


def _kind(item: pytest.Item) -> str:
    bench = getattr(item, "callspec", None) and item.callspec.params.get("bench")  # type: ignore[attr-defined]
    return str(getattr(bench, "target", ""))  # other tests of the run may have a parameter of that name


class Breakages:
    """Benches that broke in this run, known to all of its processes: one file each."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def _file(self, bench: Bench) -> Path:
        return self._folder / f"broken-{re.sub(r'[^A-Za-z0-9]+', '-', bench.name)}"

    def note(self, bench: Bench, reason: str) -> None:
        """The bench does not work and will not be tried again."""
        self._file(bench).write_text(reason, encoding="utf-8")

    def reason(self, bench: Bench) -> str:
        """Why the bench does not work; empty when it does."""
        return self._file(bench).read_text(encoding="utf-8") if self._file(bench).is_file() else ""


@pytest.fixture(scope="session")
def breakages(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Breakages:
    """What broke so far."""
    folder = tmp_path_factory.getbasetemp()
    # A worker of xdist has a folder of its own in that of the run. (The environment of a worker is also that of a run
    # that a test starts.)
    return Breakages(folder.parent if hasattr(pytestconfig, "workerinput") else folder)


@pytest.fixture
def hil_state(request: pytest.FixtureRequest) -> dict[str, Any]:
    """What the report of a failure needs of this test: its target and its ground."""
    state: dict[str, Any] = {}
    request.node.hil_state = state
    return state


@pytest.fixture
def make_target(
    request: pytest.FixtureRequest, bench: Bench, breakages: Breakages, tmp_path: Path, hil_state: dict[str, Any]
) -> Iterator[Callable[[], Target]]:
    """Makes the bench's board, with the plant on its bus, not yet booted; stops it at the end."""
    from hil.targets.make import make_target as make  # noqa: PLC0415

    if reason := breakages.reason(bench):
        pytest.skip(f"bench {bench.name} broke: {reason}")
    made: list[Target] = []

    def one() -> Target:
        target = make(bench, tmp_path)
        made.append(target)
        hil_state["target"] = target
        if not target.why_not("bus") and (plant := _plant(request, bench)) is not None:
            target.attach(plant)
        return target

    try:
        yield one
    finally:
        for target in made:
            target.stop()


def _plant(request: pytest.FixtureRequest, bench: Bench) -> AttachedPlant | None:
    import msgspec  # noqa: PLC0415

    from hil.targets.make import make_plant  # noqa: PLC0415

    mark = request.node.get_closest_marker("plant")
    if mark is not None and bench.plant is not None:
        bench = msgspec.structs.replace(bench, plant=msgspec.structs.replace(bench.plant, **mark.kwargs))
    return make_plant(bench)


def _leave_out(request: pytest.FixtureRequest, target: Target) -> None:
    for mark in request.node.iter_markers("needs"):
        for capability in mark.args:
            if reason := target.why_not(capability):
                pytest.skip(f"{target.bench.name} has no {capability}: {reason}")


@pytest.fixture
def target(
    request: pytest.FixtureRequest, make_target: Callable[[], Target], bench: Bench, breakages: Breakages
) -> Target:
    """The board, booted unless the test is marked `unbooted`."""
    from perilune.errors import PeriluneError  # noqa: PLC0415

    from hil.targets.errors import EmulatorMissing, TargetError  # noqa: PLC0415
    from hil.targets.required import VARIABLE, is_required  # noqa: PLC0415

    target = make_target()
    _leave_out(request, target)
    if request.node.get_closest_marker("unbooted") is None:
        try:
            target.boot()
        except EmulatorMissing as missing:
            breakages.note(bench, str(missing))
            if is_required(bench.target):
                pytest.fail(f"{VARIABLE} names {bench.target}: {missing}", pytrace=False)
            pytest.skip(str(missing))
        except (TargetError, PeriluneError, OSError, ValueError) as error:
            breakages.note(bench, str(error))
            raise
    return target


@pytest.fixture(scope="session")
def dictionaries() -> dict[str, Any]:
    """Dictionaries of benches that were read."""
    return {}


@pytest.fixture
def new_ground(dictionaries: dict[str, Any], bench: Bench, hil_state: dict[str, Any]) -> Callable[[Target], Ground]:
    """Makes a ground for a target."""

    def make(target: Target) -> Ground:
        from perilune.dictionary import load  # noqa: PLC0415
        from perilune.dictionary.load import CORE  # noqa: PLC0415

        from hil.ground import Ground  # noqa: PLC0415

        if bench.name not in dictionaries:
            dictionaries[bench.name] = load([CORE, *bench.mission_folders])
        hil_state["ground"] = Ground(target, dictionaries[bench.name])
        return hil_state["ground"]  # type: ignore[no-any-return]

    return make


@pytest.fixture
def ground(target: Target, bench: Bench, breakages: Breakages, new_ground: Callable[[Target], Ground]) -> Ground:
    """The ground, with housekeeping seen and the link's service started; the board is as a new one."""
    from perilune.errors import PeriluneError  # noqa: PLC0415

    from hil.targets.errors import TargetError  # noqa: PLC0415

    ground = new_ground(target)
    try:
        ground.await_boot()
        if not target.can("fresh"):
            ground.make_as_new()
    except (TargetError, PeriluneError) as error:
        breakages.note(bench, str(error))
        raise
    return ground


@pytest.fixture
def plant(target: Target) -> AttachedPlant:
    """The plant on the payload bus; the test is left out where there is none."""
    if reason := target.why_not("bus"):
        pytest.skip(f"{target.bench.name} has no bus: {reason}")
    if target.plant is None:
        pytest.skip(f"bench {target.bench.name} has no [plant]")
    return target.plant


@pytest.fixture
def faults(ground: Ground) -> Iterator[Faults]:
    """Faults of link and payload bus; all are taken back at the end."""
    from hil.faults import Faults  # noqa: PLC0415

    faults = Faults(ground)
    yield faults
    faults.clear()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    """A failed test keeps its evidence while its board is still there."""
    report = yield
    state = getattr(item, "hil_state", {})
    if report.failed and report.when in ("setup", "call") and "target" in state:
        from hil.evidence import folder_of, keep  # noqa: PLC0415

        try:
            folder = folder_of(item.nodeid, item.config.rootpath / "hil" / "out")
            kept = keep(folder, state["target"], state.get("ground"), report.longreprtext)
            report.sections.append(("evidence", str(kept)))
        except Exception as error:  # task boundary: what failed must be told, whatever its evidence does
            report.sections.append(("evidence", f"not kept: {type(error).__name__}: {error}"))
    return report
