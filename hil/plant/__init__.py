"""The lunar plant: what a payload lives in, and the Modbus units that it talks to.

    from hil.plant import Plant
    plant = Plant(latitude_deg=45.0, local_time_h=17.5, seed=7)
    plant.faults.inject("feed_lost", at_s=1800.0)
    plant.advance(3600.0)
    reply = plant.bus.transact(bytes.fromhex("11 04 0000 001C F353"))

Parts: sun.py, regolith.py (ground), thermal.py, array.py, battery.py, power.py, sensors.py, faults.py; plant.py joins
them. Ways in: bank.py and rtu.py (registers and frames), line.py (bus in process), serve.py (TCP and serial),
runner.py (real time).
"""

from hil.plant.faults import CATALOGUE, FaultError
from hil.plant.line import BusPort, PayloadBus, Reply
from hil.plant.plant import Plant, StateError

__all__ = ["CATALOGUE", "BusPort", "FaultError", "PayloadBus", "Plant", "Reply", "StateError"]
