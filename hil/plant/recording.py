"""What a run of the plant looks like on record: which true values, in which panels, with which limits.

The file is perilune's run record, drawn by `perilune plot`.
"""

from __future__ import annotations

from pathlib import Path

from perilune.run_record import Column, RunRecorder

from hil.plant.plant import Plant

# Nodes out in the open: their temperatures span 300 K and would flatten the others' curves.
OUTSIDE = ("structure", "mast", "radiator", "array")
SOC_LOW = 0.10


def columns(plant: Plant) -> list[Column]:
    """Columns of `Plant.truth()`, grouped for a plot; limits from the payload."""
    result = [
        Column("local_time_h", "h"),
        Column("sun_elevation_deg", "deg", "Sun", "elevation"),
    ]
    for group, outside in (("Warm box", False), ("Outside", True)):
        for node in plant.payload.node:
            if (node.name in OUTSIDE) == outside:
                result.append(Column(f"{node.name}_c", "degC", group, node.name, *node.limits))
        if outside:
            result.append(Column("ground_c", "degC", group, "ground"))
    result.append(Column("soc", "", "State of charge", "state of charge", SOC_LOW, None))
    result += [
        Column("bus_v", "V", "Voltage", "bus"),
        Column("battery_v", "V", "Voltage", "battery", plant.battery.cutoff_voltage(), None),
    ]
    result += [
        Column(name, "W", "Power", label)
        for name, label in (
            ("array_available_w", "array, available"),
            ("array_w", "array"),
            ("feed_w", "lander feed"),
            ("battery_out_w", "battery, discharge"),
            ("battery_in_w", "battery, charge"),
            ("loads_w", "loads"),
        )
    ]
    result += [Column(f"heater_{heater.zone}_w", "W", "Heaters", heater.zone) for heater in plant.thermal_map.heaters]
    return result


def recorder(path: Path, plant: Plant, title: str) -> RunRecorder:
    """A recorder for the true values of a plant; call `sample(plant.now_s, plant.truth())`."""
    run = RunRecorder(path, title, columns(plant))
    run.facts.update(latitude=f"{plant.latitude_deg:g} deg", payload=plant.payload.name, seed=str(plant.seed))
    return run
