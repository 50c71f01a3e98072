"""The keyword library for renode-test, run by `robot` on a program that answers like Renode, as renode-test runs it.

renode-test gives each test a teardown that resets the emulation; the library is told of the test's end after that.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

from hil.bench import load_bench

ROOT = Path(__file__).resolve().parents[2]
START_TIMEOUT_S = 20.0

HEAD = """*** Settings ***
Library           Remote    http://127.0.0.1:{port}
Library           {library}    {bench}
Test Setup        Boot Payload
Test Teardown     Reset Emulation

*** Test Cases ***
"""


class Suite:
    """A folder with a bench, and the double's port. log: commands that the double got."""

    def __init__(self, folder: Path, port: int, log: Path) -> None:
        self.folder, self.port, self.log = folder, port, log

    def run(self, tests: str) -> dict[str, tuple[str, str]]:
        """Status and message of each test by its name."""
        bench = self.folder / "double.toml"
        head = HEAD.format(port=self.port, library="tests.system.double_payload.DoublePayload", bench=bench)
        (self.folder / "renode_double.robot").write_text(head + tests, encoding="utf-8")
        subprocess.run(
            [*(sys.executable, "-m", "robot", "--console", "none", "--outputdir"), self.folder, "renode_double.robot"],
            cwd=self.folder,
            env={"PYTHONPATH": f"{ROOT / 'host_tools'}:{ROOT / 'firmware'}:{ROOT}", "PATH": "/usr/bin:/bin"},
            stdin=subprocess.DEVNULL,
            timeout=60,
            check=False,
        )
        found = {}
        for test in ElementTree.parse(self.folder / "output.xml").getroot().iter("test"):
            status = test.findall("status")[-1]
            found[str(test.get("name"))] = (str(status.get("status")), status.text or "")
        return found


@pytest.fixture
def suite(tmp_path: Path) -> Iterator[Suite]:
    """The double runs, as Renode does before renode-test starts Robot; names have spaces, which are escaped for it."""
    folder = tmp_path / "my suite"
    folder.mkdir()
    log = folder / "commands.log"
    log.touch()
    environment = {**os.environ, "RENODE_DOUBLE_LOG": str(log), "TMPDIR": str(tmp_path)}
    shutil.copyfile(Path(sys.executable).resolve(), folder / "firmware.elf")  # an ELF file with no symbol of ours
    bench = load_bench("renode")
    text = f'target = "renode"\nboard = "{bench.board}"\nimage = "firmware.elf"\nmissions = ["perilune:payload"]\n'
    (folder / "double.toml").write_text(text, encoding="utf-8")
    with subprocess.Popen([sys.executable, ROOT / "tests/host/renode_double.py"], env=environment) as double:
        try:
            yield Suite(folder, port_of(tmp_path), log)
        finally:
            double.kill()


def port_of(folder: Path) -> int:
    """The port that the double writes, as Renode does."""
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        for file in folder.glob("renode-*/robot_port"):
            if text := file.read_text(encoding="ascii"):
                return int(text)
        time.sleep(0.02)
    raise AssertionError("the double did not start")


def test_a_test_passes_although_its_teardown_has_reset_the_emulation(suite: Suite) -> None:
    """And paths with spaces come to Renode as its monitor wants them: Robot takes backslashes out."""
    tests = "One\n    Flash Should Be Erased\n\nTwo\n    Cut And Give Back Power\n\nThree\n    Let Time Pass    0.1 s\n"
    assert suite.run(tests) == dict.fromkeys(("One", "Two", "Three"), ("PASS", ""))
    commands = suite.log.read_text(encoding="utf-8").splitlines()
    assert commands[-1] == "[ResetEmulation]", "no command comes after the teardown of the last test"
    assert f"$elf=@{suite.folder}/firmware.elf".replace(" ", "\\ ") in commands


def test_a_test_that_fails_says_why_and_nothing_else(suite: Suite) -> None:
    status, message = suite.run("One\n    Fail    as it should\n")["One"]
    assert status == "FAIL"
    assert message.splitlines()[0] == "as it should"
    assert "Evidence:" in message
    assert "refused" not in message
