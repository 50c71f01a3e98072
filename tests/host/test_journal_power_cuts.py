"""W-154: a cut at any octet of any write or erasure of the journal leaves the old or the new state.

A randomised workload of puts and deletes; every call of it is repeated from a copy of the flash with the power going at
each of its steps (every octet of every program, before, within and after every erasure), some of them twice in a row.
The journal that starts behind the cut must hold exactly what was there before the call or what the call makes, and go
on. The model is a dict.
"""

from __future__ import annotations

import random

import pytest
from flash_model import FlashModel, PowerCut
from flight.journal import JOURNAL_FULL, Journal
from flight.limits import JOURNAL_RECORD_MAX
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

KEYS = range(1, 6)
SECTOR_SIZE = 256
LONGEST = 24
Records = dict[int, bytes]


def mounted(flash: FlashModel) -> Journal:
    journal = Journal(flash)
    assert journal.mount() == 0
    return journal


def records(journal: Journal) -> Records:
    """All records of *journal*."""
    found: Records = {}
    buffer = bytearray(JOURNAL_RECORD_MAX)
    for key in KEYS:
        length = journal.get(key, buffer)
        if length >= 0:
            found[key] = bytes(buffer[:length])
    return found


def apply(journal: Journal, key: int, octets: bytes | None) -> int:
    if octets is None:
        return journal.delete(key)
    return journal.put(key, bytearray(octets), 0, len(octets))


def changed(before: Records, key: int, octets: bytes | None) -> Records:
    after = dict(before)
    if octets is None:
        after.pop(key, None)
    else:
        after[key] = octets
    return after


class Campaign:
    """Calls with all their cuts, until enough cuts were made."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.flash = FlashModel(2, SECTOR_SIZE, seed)
        self.cuts = 0
        self.cuts_in_erasures = 0
        self.kept_old = 0
        self.held: Records = {}

    def step(self) -> None:
        """One random call: its cuts, then the call itself. Now and then by a journal that has just started."""
        key = self.random.choice(KEYS)
        length = self.random.randrange(LONGEST)
        octets = None if self.random.random() < 0.15 else self.random.randbytes(length)
        before = bytes(self.flash.content)
        after = changed(self.held, key, octets)
        steps = self._cuttable(before, key, octets)
        for cut in range(steps):
            self._cut(before, cut, key, octets, after)
        self.flash.content[:] = before
        journal = mounted(self.flash)
        assert apply(journal, key, octets) == 0
        self.held = after
        assert records(journal) == after
        assert records(mounted(self.flash)) == after

    def _cuttable(self, before: bytes, key: int, octets: bytes | None) -> int:
        """How many steps the call makes."""
        journal = mounted(self.flash)
        self.flash.steps = 0
        apply(journal, key, octets)
        self.flash.content[:] = before
        return self.flash.steps

    def _cut(self, before: bytes, cut: int, key: int, octets: bytes | None, after: Records) -> None:
        self.flash.content[:] = before
        erasures = self.flash.erasures
        self._interrupted(cut, key, octets)
        self.cuts_in_erasures += self.flash.erasures > erasures and self.flash.steps == 3
        found = records(mounted(self.flash))
        assert found in (self.held, after), (cut, key, octets)
        self.kept_old += found == self.held
        if self.random.random() < 0.1:
            # Once more while what the first cut left is being cleared up.
            self._interrupted(self.random.randrange(12), key, octets)
            found_again = records(mounted(self.flash))
            assert found_again in (found, after), (cut, key, octets)
        journal = mounted(self.flash)
        assert apply(journal, key, octets) == 0
        assert records(journal) == after
        assert records(mounted(self.flash)) == after

    def _interrupted(self, cut: int, key: int, octets: bytes | None) -> None:
        journal = mounted(self.flash)
        self.flash.steps = 0
        self.flash.cut_at = cut
        try:
            apply(journal, key, octets)
        except PowerCut:
            self.cuts += 1
        finally:
            self.flash.cut_at = -1


def run_campaign(seed: int, cuts: int) -> Campaign:
    campaign = Campaign(seed)
    while campaign.cuts < cuts:
        campaign.step()
    return campaign


@pytest.mark.parametrize("seed", range(2))
def test_a_thousand_cuts(seed: int) -> None:
    campaign = run_campaign(seed, 1000)
    assert campaign.cuts >= 1000
    assert campaign.cuts_in_erasures > 0
    assert 0 < campaign.kept_old < campaign.cuts


@pytest.mark.long
@pytest.mark.parametrize("seed", range(100, 104))
def test_ten_thousand_cuts(seed: int) -> None:
    campaign = run_campaign(seed, 5000)
    assert campaign.cuts >= 5000
    assert campaign.cuts_in_erasures > 20


class JournalMachine(RuleBasedStateMachine):
    """The journal against a dict: puts, deletes, compactions, restarts, cuts."""

    @initialize(seed=st.integers(0, 1000))
    def start(self, seed: int) -> None:
        self.flash = FlashModel(2, 256, seed)
        self.journal = mounted(self.flash)
        self.model: Records = {}

    @rule(key=st.sampled_from(KEYS), octets=st.one_of(st.none(), st.binary(max_size=60)))
    def change(self, key: int, octets: bytes | None) -> None:
        after = changed(self.model, key, octets)
        status = apply(self.journal, key, octets)
        size = 12 + sum(12 + (len(record) + 3 & ~3) for record in after.values())
        assert status == (0 if size <= 256 else JOURNAL_FULL)
        if status == 0:
            self.model = after

    @rule(key=st.sampled_from(KEYS), octets=st.binary(max_size=60), cut=st.integers(0, 200))
    def change_and_lose_power(self, key: int, octets: bytes, cut: int) -> None:
        after = changed(self.model, key, octets)
        self.flash.steps = 0
        self.flash.cut_at = cut
        try:
            if apply(self.journal, key, octets) == 0:
                self.model = after
        except PowerCut:
            self.journal = mounted(self.flash)
            assert records(self.journal) in (self.model, after)
            self.model = records(self.journal)
        finally:
            self.flash.cut_at = -1

    @precondition(lambda self: self.model)
    @rule()
    def compact(self) -> None:
        assert self.journal.compact() == 0

    @rule()
    def restart(self) -> None:
        self.journal = mounted(self.flash)

    @invariant()
    def holds_what_the_model_holds(self) -> None:
        if hasattr(self, "journal"):
            assert records(self.journal) == self.model


JournalMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None, derandomize=True)
TestJournalMachine = JournalMachine.TestCase
