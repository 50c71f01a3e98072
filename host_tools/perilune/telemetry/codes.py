"""Names of failure codes: drop reasons, the services' codes, and an app's own from 0x100 on. SPEC.md 13, 14."""

from __future__ import annotations

from flight.service import failure

from ..link.reason import REASON_NAMES

_NOT_CODES = {"DONE", "DEFERRED", "APP"}
_CODES = {
    number: name
    for name, number in vars(failure).items()
    if name.isupper() and isinstance(number, int) and name not in _NOT_CODES
}
APP_CODES = failure.APP


def failure_name(code: int) -> str:
    """The name that SPEC.md gives *code*: MODE, packet_crc; an app's as app_0x102, any other as code_0x7f."""
    if code in _CODES:
        return _CODES[code]
    if code in REASON_NAMES:
        return REASON_NAMES[code]
    return f"app_0x{code:03x}" if code >= APP_CODES else f"code_0x{code:02x}"
