"""What the board says, understood: packets to typed reports with engineering values, event texts and UTC.

    decoder = Decoder(load([CORE, mission]))
    report = decoder.decode(packet)            # reports.py says what there is; nothing that comes down raises

One packet at a time is decode.py; whole recordings as columns are batch.py.
"""

from .decode import Decoder
from .onboard_time import OnboardTime
from .reports import Report, Undecodable

__all__ = ["Decoder", "OnboardTime", "Report", "Undecodable"]
