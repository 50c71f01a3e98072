"""Where the sun is and when it rises and sets, from local solar time, latitude and declination.

Spherical astronomy (e.g. Meeus, Astronomical Algorithms, 13.6 and 15.1): sin h = sin phi sin delta + cos phi cos delta
cos H; at the horizon mask m, cos H0 = (sin m - sin phi sin delta) / (cos phi cos delta). Hour angle H: 0 at noon,
positive in the afternoon. The declination changes by less than 1.6 degrees in half a year and is a parameter.
"""

import math

from ..lunar_day import NEVER_S


class Sun:
    """Allocates nothing on the board, whose floats are no objects.

    elevation_deg, hour_angle_deg (-180..180). to_sunset_s, to_sunrise_s: until the next one, NEVER_S = none comes.
    is_up: above the mask.
    """

    def __init__(self) -> None:
        self.elevation_deg = 0.0
        self.hour_angle_deg = 0.0
        self.to_sunset_s = NEVER_S
        self.to_sunrise_s = NEVER_S
        self.is_up = False

    def update(
        self, since_noon_s: int, day_s: int, latitude_deg: float, declination_deg: float, mask_deg: float
    ) -> None:
        """Find everything for a local solar time."""
        phi = math.radians(latitude_deg)
        delta = math.radians(declination_deg)
        # Whole seconds first: a float on the board has 22 bits.
        seconds = since_noon_s if 2 * since_noon_s <= day_s else since_noon_s - day_s
        angle = seconds / day_s * 2.0 * math.pi
        self.hour_angle_deg = math.degrees(angle)
        along = math.sin(phi) * math.sin(delta)
        across = math.cos(phi) * math.cos(delta)
        sine = along + across * math.cos(angle)
        self.elevation_deg = math.degrees(math.asin(max(-1.0, min(1.0, sine))))
        reach = math.sin(math.radians(mask_deg)) - along
        if abs(reach) >= across:
            self.is_up = reach < 0.0
            self.to_sunset_s = self.to_sunrise_s = NEVER_S
            return
        half_day_s = int(math.acos(reach / across) / (2.0 * math.pi) * day_s)
        self.to_sunset_s = (half_day_s - since_noon_s) % day_s or day_s
        self.to_sunrise_s = (-half_day_s - since_noon_s) % day_s or day_s
        self.is_up = self.to_sunset_s < self.to_sunrise_s
