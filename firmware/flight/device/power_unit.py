"""The power unit on the payload bus, behind the interface of power.py."""

from .power import PowerUnit


class ModbusPowerUnit(PowerUnit):
    """Not yet on the bus."""

    def __init__(self, devices, unit) -> None:  # type: ignore[no-untyped-def]
        super().__init__()
