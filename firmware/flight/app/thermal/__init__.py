"""Thermal control: keeps eight zones within their limits with five heaters and what power there is.

    readings -> sensors (vote) -> control (PI) -> switching -> budget -> cut-out -> heaters
                                  watch (current against duty) -> isolation by arm switch, by supply

thermal.py joins the parts; places.py says where points and parameters are. Everything that can be tuned is a parameter
of dictionary/payload/thermal.toml.
"""

from .thermal import Thermal

__all__ = ["Thermal"]
