"""Names and arguments of Renode's keywords for Robot Framework, for a dry run of the suites that use them.

Nothing is done. They are those of Renode 1.16.1 and of later versions, in the order that both have.
"""

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
    def create_terminal_tester(
        self,
        uart: str,
        timeout: str = "",
        machine: str = "",
        endLineOption: str = "",
        defaultPauseEmulation: str = "",
        defaultWaitForEcho: str = "",
        defaultMatchNextLine: str = "",
        binaryMode: str = "false",
    ) -> int:
        """Hear what a UART says."""
        raise AssertionError(f"a dry run hears nothing: {uart}")

    @keyword
    def wait_for_line_on_uart(
        self,
        content: str,
        timeout: str = "",
        testerId: str = "",
        treatAsRegex: str = "false",
        includeUnfinishedLine: str = "false",
        pauseEmulation: str = "",
        matchNextLine: str = "",
    ) -> str:
        """A whole line."""
        raise AssertionError(f"a dry run hears nothing: {content}")

    @keyword
    def wait_for_prompt_on_uart(
        self,
        prompt: str,
        testerId: str = "",
        timeout: str = "",
        treatAsRegex: str = "false",
        pauseEmulation: str = "",
    ) -> str:
        """Also without an end of line."""
        raise AssertionError(f"a dry run hears nothing: {prompt}")

    @keyword
    def wait_for_bytes_on_uart(
        self,
        content: str,
        timeout: str = "",
        testerId: str = "",
        treatAsRegex: str = "false",
        pauseEmulation: str = "",
        matchStart: str = "false",
    ) -> str:
        """In hexadecimal."""
        raise AssertionError(f"a dry run hears nothing: {content}")

    @keyword
    def write_line_to_uart(
        self, content: str = "", testerId: str = "", waitForEcho: str = "", pauseEmulation: str = ""
    ) -> str:
        """As a terminal does."""
        raise AssertionError(f"a dry run writes nothing: {content}")

    @keyword
    def create_led_tester(self, led: str, defaultTimeout: str = "", machine: str = "") -> int:
        """See a lamp."""
        raise AssertionError(f"a dry run sees nothing: {led}")

    @keyword
    def assert_led_state(
        self, state: str, timeout: str = "", testerId: str = "", pauseEmulation: str = "false"
    ) -> None:
        """It is so, or comes to be so in the time."""
        raise AssertionError(f"a dry run sees nothing: {state}")

    @keyword
    def reset_emulation(self) -> None:
        """Forget all machines."""
        raise AssertionError("a dry run executes nothing")


class WithRenodeKeywords(SuiteVisitor):  # type: ignore[misc]  # robot has no types
    """A modifier before the run that gives the keywords to every suite, as renode-test does."""

    def start_suite(self, suite: TestSuite) -> None:
        """A suite begins."""
        suite.resource.imports.library(f"{__name__}.RenodeKeywords")
