"""Names of the drop reasons and the account of what was dropped for each: firmware/SPEC.md section 13."""

from __future__ import annotations

import flight.errors
import msgspec

# The numbers are the flight code's; everything there that is a number but no reason is named here.
_NOT_REASONS = {"OK", "REASONS"}

REASON_NAMES: dict[int, str] = {
    number: name.lower()
    for name, number in vars(flight.errors).items()
    if name.isupper() and isinstance(number, int) and name not in _NOT_REASONS
}


class Account(msgspec.Struct):
    """What was dropped for one reason: how many times, and how many octets in all."""

    count: int = 0
    octets: int = 0


class DropAccounts:
    """An account for every reason that has occurred."""

    def __init__(self) -> None:
        self.by_reason: dict[int, Account] = {}

    def add(self, reason: int, octets: int, count: int = 1) -> None:
        """Book `count` drops of `octets` in all."""
        account = self.by_reason.setdefault(reason, Account())
        account.count += count
        account.octets += octets

    def octets(self, reason: int) -> int:
        """Octets dropped for `reason`."""
        account = self.by_reason.get(reason)
        return account.octets if account else 0

    def count(self, reason: int) -> int:
        """How often `reason` has occurred."""
        account = self.by_reason.get(reason)
        return account.count if account else 0

    def named(self) -> dict[str, dict[str, int]]:
        """For people and JSON: reason name -> {count, octets}, in the order of the numbers."""
        return {
            REASON_NAMES[reason]: {"count": account.count, "octets": account.octets}
            for reason, account in sorted(self.by_reason.items())
        }
