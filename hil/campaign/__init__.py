"""Campaigns: many faults at random, judged one by one, with a table of what came of them.

memory    bits of a flying board's memory are turned over
power     the power goes at random instants while the board stores
soak      a board flies for an hour; now and then its program is made to hang

    python -m hil.campaign memory --flips 2000 --boards 4 --seed 1

Every campaign is drawn from its seed. Text and JSON of a run lie in hil/out/campaign/.
"""
