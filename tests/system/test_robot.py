"""The suites in operators' language: run by `robot` as people run it, and failing when they must."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

ROOT = Path(__file__).resolve().parents[2]
SUITES = ROOT / "hil" / "robot" / "suites"


def robot(folder: Path, *arguments: str, timeout_s: float = 300, **environment: str) -> dict[str, str]:
    """Run `robot`; the status of each test by its name."""
    subprocess.run(
        [sys.executable, "-m", "robot", "--outputdir", str(folder), "--console", "none", *arguments],
        cwd=ROOT,
        env={"PYTHONPATH": f"{ROOT / 'host_tools'}:{ROOT / 'firmware'}:{ROOT}", "PATH": "/usr/bin:/bin", **environment},
        stdin=subprocess.DEVNULL,
        timeout=timeout_s,
        check=False,
    )
    return statuses_of(folder)


def statuses_of(folder: Path) -> dict[str, str]:
    """The status of each test of a run by its name."""
    tests = ElementTree.parse(folder / "output.xml").getroot().iter("test")
    return {str(test.get("name")): str(test.findall("status")[-1].get("status")) for test in tests}


def test_all_suites_pass_on_sitl_as_make_runs_them() -> None:
    # What `make robot` builds first is there, or not needed by sitl.
    done = subprocess.run(
        ["make", "--old-file=setup", "--old-file=test-images", "robot", "TARGET=sitl"],
        cwd=ROOT,
        env={key: value for key, value in os.environ.items() if not key.startswith("MAKE")},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    statuses = statuses_of(ROOT / "hil" / "out" / "robot")
    assert len(statuses) >= 16
    assert set(statuses.values()) == {"PASS"}, statuses


@pytest.mark.board
@pytest.mark.timeout(240)
def test_commanding_passes_on_the_emulated_board(tmp_path: Path) -> None:
    statuses = robot(tmp_path, "--variable", "TARGET:qemu", str(SUITES / "commanding.robot"))
    assert len(statuses) == 6
    assert set(statuses.values()) == {"PASS"}, statuses


@pytest.mark.long
@pytest.mark.board
@pytest.mark.timeout(900)
def test_all_suites_pass_on_the_emulated_board(tmp_path: Path) -> None:
    statuses = robot(tmp_path, "--variable", "TARGET:qemu", str(SUITES), timeout_s=800)
    assert set(statuses.values()) == {"PASS"}, statuses


def test_keywords_fail_when_the_payload_does_not_do_it(tmp_path: Path) -> None:
    wrong = {
        "Refused": "Send Telecommand    MODES.CHANGE mode=SCIENCE",
        "Executed": "Telecommand Should Be Refused    CORE.PING",
        "Not So": "Housekeeping Should Show    core.wire_version    >    1    within=2 s",
        "No More": "Housekeeping Should Show    modes.mode    is    SAFE\n"
        "    Send Telecommand    MODES.CHANGE mode=STANDBY\n"
        "    Housekeeping Should Show    modes.mode    is    SAFE    within=3 s",
        "Not Between": "Housekeeping Should Lie In    core.wire_version    1    2    within=2 s",
        "Not For Long": "Housekeeping Should Keep Showing    core.uptime_s    <    3    duration=5 s",
        "No Such Point": "Housekeeping Should Show    core.uptimes    >    1",
        "No Such Sign": "Housekeeping Should Show    core.uptime_s    about    1",
        "No Event": "Wait For Event    core.crash    within=2 s",
        "No Such Event": "Wait For Event    core.crashed    within=2 s",
        "Mistyped": "Upload Sequence    R00:00:00 MODES.CHANGE mode=STANDBYE",
        "Sequence Fails": "Upload And Run Sequence    R00:00:00 MODES.CHANGE mode=SCIENCE",
        "Wrong Fault": "Inject Fault    heater_on_fire    heater=battery",
        "Plant Not So": "Plant Should Show    battery_c    >    200    within=1 s",
    }
    cases = "".join(f"{name}\n    Boot Payload\n    {step}\n" for name, step in wrong.items())
    suite = tmp_path / "wrong.robot"
    suite.write_text(
        "*** Settings ***\nLibrary    hil.robot.payload.Payload    sitl\n\n*** Test Cases ***\n"
        + cases
        + "Without A Board\n    Payload Should Be Alive\n"
    )
    statuses = robot(tmp_path, str(suite))
    assert statuses == dict.fromkeys([*wrong, "Without A Board"], "FAIL")
    messages = (tmp_path / "output.xml").read_text()
    assert "core.uptime_s" in messages, "a near name is offered"


@pytest.mark.parametrize(("required", "status"), [("", "SKIP"), ("renode", "FAIL"), ("renod", "FAIL")])
def test_a_renode_that_is_missing_is_not_green_where_it_is_required(tmp_path: Path, required: str, status: str) -> None:
    suite = tmp_path / "missing.robot"
    bench = tmp_path / "renode.toml"
    (tmp_path / "firmware.elf").touch()
    bench.write_text('target = "renode"\nboard = "stm32f4_discovery"\nimage = "firmware.elf"\n')
    suite.write_text(
        f"*** Settings ***\nLibrary    hil.robot.payload.Payload    {bench}\n\n"
        "*** Test Cases ***\nOne\n    Boot Payload\n"
    )
    found = robot(tmp_path, str(suite), RENODE_ROOT=str(tmp_path), PERILUNE_REQUIRE=required)
    assert found == {"One": status}


def test_the_suites_for_renode_test_use_keywords_and_arguments_that_there_are(tmp_path: Path) -> None:
    modifier = "tests.system.renode_keywords.WithRenodeKeywords"
    statuses = robot(tmp_path, "--dryrun", "--prerunmodifier", modifier, str(ROOT / "hil/robot/renode"))
    assert len(statuses) >= 6
    assert set(statuses.values()) == {"PASS"}, statuses


# Suite and bench -> test, and a part of what Renode is told in it: without that it must fail.
LOOKED_AT = {
    ("board", "sitl"): {"Time Is Renode's": "RunFor", "A Machine Reset Is Told As A Boot": "machine Reset"},
    ("parts", "sitl_parts"): {
        "Currents And Voltages Are Those Of The Models": "bus Voltage",
        "The Battery Is As Warm As Its Thermometers Say": "Temperature",
        "A Zone Is As Warm As Its Thermistors Say": "FeedSample 3135",
    },
}


@pytest.mark.parametrize(("suite", "bench"), LOOKED_AT)
def test_tests_for_renode_test_pass_by_what_renode_does_alone(tmp_path: Path, suite: str, bench: str) -> None:
    text = (ROOT / "hil" / "robot" / "renode" / f"{suite}.robot").read_text()
    tests = LOOKED_AT[suite, bench]
    chosen = [word for test in tests for word in ("--test", test)]
    for deaf, status in (([], "PASS"), (tests.values(), "FAIL")):
        library = "    ".join(["tests.system.sitl_renode.SitlRenode", bench, *deaf])
        file = tmp_path / f"{status}.robot"
        file.write_text(re.sub(r"hil\.robot\.renode_payload\.RenodePayload.*", library, text))
        assert robot(tmp_path / status, *chosen, str(file)) == dict.fromkeys(tests, status)


def test_the_same_keywords_are_known_to_robot_6() -> None:
    """renode-test brings Robot Framework 6.1: what the library imports of it was there."""
    text = (ROOT / "hil" / "robot" / "payload.py").read_text() + (ROOT / "hil/robot/renode_payload.py").read_text()
    imported = {line for line in text.splitlines() if line.startswith(("from robot", "import robot"))}
    assert imported == {
        "from robot.api import SkipExecution, logger",
        "from robot.api.deco import keyword, library",
        "from robot.utils import timestr_to_secs  # type: ignore[import-untyped]",
        "from robot.libraries.BuiltIn import BuiltIn",
        "from robot.utils import escape  # type: ignore[import-untyped]",
    }
