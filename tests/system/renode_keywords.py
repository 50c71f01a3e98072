"""Names of Renode's keywords for Robot Framework, for a dry run of the suites that use them; nothing is done."""

from __future__ import annotations

from robot.api import SuiteVisitor, TestSuite
from robot.api.deco import keyword


class RenodeKeywords:
    """What renode-test gives to every suite (Renode 1.16.1, tests/renode-keywords.robot and its server)."""

    ROBOT_LIBRARY_SCOPE = "GLOBAL"

    @keyword
    def execute_command(self, command: str) -> str:
        """Of the monitor."""
        raise AssertionError(f"a dry run executes nothing: {command}")

    @keyword
    def reset_emulation(self) -> None:
        """Forget all machines."""
        raise AssertionError("a dry run executes nothing")


class WithRenodeKeywords(SuiteVisitor):  # type: ignore[misc]  # robot has no types
    """A modifier before the run that gives the keywords to every suite, as renode-test does."""

    def start_suite(self, suite: TestSuite) -> None:
        """A suite begins."""
        suite.resource.imports.library(f"{__name__}.RenodeKeywords")
