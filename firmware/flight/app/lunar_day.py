"""What the night app's points mean to the other apps: phases of the lunar day, and a time that does not come.

Constants alone, so that an app that reads them brings no night app into an image. dictionary/payload/night.toml has the
same numbers.
"""

from micropython import const

# night.phase
DAY = const(0)
DUSK = const(1)
NIGHT = const(2)
DAWN = const(3)

# night.to_sunset_s, night.to_sunrise_s: the sun stays up, or down.
NEVER_S = const(0x3FFFFFFF)
