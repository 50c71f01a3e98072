"""The keyword library of renode-test on the double of Renode, which has no payload: what waits for one is left out."""

from __future__ import annotations

from robot.api.deco import keyword, library

from hil.ground import Ground
from hil.robot.renode_payload import RenodePayload

Ground.await_boot = lambda self, timeout_s=0.0: None  # type: ignore[method-assign]


@library(scope="TEST")
class DoublePayload(RenodePayload):
    """As `RenodePayload`."""

    @keyword
    def flash_should_be_erased(self) -> None:
        """Read through the suite's keywords."""
        assert set(self.target.memory.read(0x080C_0000, 16)) == {0xFF}

    @keyword
    def cut_and_give_back_power(self) -> None:
        """The flash is kept."""
        self.target.memory.write(0x080C_0000, b"kept")
        self.target.power_cut()
        assert self.target.memory.read(0x080C_0000, 6) == b"kept\xff\xff"
