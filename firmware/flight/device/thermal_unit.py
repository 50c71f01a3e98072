"""The thermal unit on the payload bus, behind the interface of thermal.py."""

from .thermal import ThermalUnit


class ModbusThermalUnit(ThermalUnit):
    """Not yet on the bus."""

    def __init__(self, devices, unit) -> None:  # type: ignore[no-untyped-def]
        super().__init__()
