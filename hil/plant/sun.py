"""Where the sun stands over a site on the Moon, and what it heats.

Lives here: lunar time, the sun's direction, the solar constant, the regolith's albedo over the angle of incidence.
Does not live here: anything that has a state.

The Moon's orbit is taken as circular at 1 au and the day as uniform: the hour angle grows by one turn in a synodic
month. Sources: synodic month and albedo law, Hayne et al. 2017, doi 10.1002/2017JE005387 (albedo after Keihm 1984).
"""

from __future__ import annotations

import math
from typing import NamedTuple

SYNODIC_DAY_S = 29.53059 * 86400.0
SOLAR_CONSTANT_W_M2 = 1361.0
STEFAN_BOLTZMANN = 5.670374419e-8

ALBEDO_NORMAL = 0.12
ALBEDO_A = 0.06
ALBEDO_B = 0.25


class Sun(NamedTuple):
    """Unit vector to the sun in the site's frame."""

    east: float
    north: float
    up: float

    @property
    def elevation_deg(self) -> float:
        """Elevation over a level horizon, degrees, negative at night."""
        return math.degrees(math.asin(min(1.0, max(-1.0, self.up))))

    @property
    def azimuth_deg(self) -> float:
        """Azimuth from north over east, 0 to 360 degrees."""
        return math.degrees(math.atan2(self.east, self.north)) % 360.0


def hour_angle(local_time_h: float) -> float:
    """Hour angle in radians, 0 at noon, positive in the afternoon; `local_time_h` in lunar hours, noon is 12."""
    return (local_time_h - 12.0) * (math.pi / 12.0)


def sun_direction(latitude_rad: float, declination_rad: float, hour_angle_rad: float) -> Sun:
    """Direction of the sun for a site, a declination of the sun (within 1.54 degrees on the Moon) and an hour angle."""
    sin_lat, cos_lat = math.sin(latitude_rad), math.cos(latitude_rad)
    sin_dec, cos_dec = math.sin(declination_rad), math.cos(declination_rad)
    cos_h = math.cos(hour_angle_rad)
    return Sun(
        -cos_dec * math.sin(hour_angle_rad),
        sin_dec * cos_lat - cos_dec * sin_lat * cos_h,
        sin_lat * sin_dec + cos_lat * cos_dec * cos_h,
    )


def albedo(incidence_rad: float) -> float:
    """Bond albedo of the regolith at an angle of incidence, radians (Hayne et al. 2017, eq. A8)."""
    return (
        ALBEDO_NORMAL
        + ALBEDO_A * (incidence_rad / (math.pi / 4.0)) ** 3
        + ALBEDO_B * (incidence_rad / (math.pi / 2.0)) ** 8
    )


def absorbed_by_ground(up: float) -> float:
    """Sunlight that level ground absorbs, W/m2; `up` is the sine of the sun's elevation."""
    if up <= 0.0:
        return 0.0
    return SOLAR_CONSTANT_W_M2 * up * (1.0 - albedo(math.acos(min(1.0, up))))
