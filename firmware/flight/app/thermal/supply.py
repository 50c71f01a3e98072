"""Whether the heaters should have supply: the last means against a heater that nothing else can stop.

The power app switches the load heater_supply as the point thermal.supply_wanted says; this file only says it.

Supply is wanted always, except
- a heater is on though disarmed: the supply works as the thermostat of its zone, and is on too while another heated
  zone is colder than it should be, so that none starves; never while the stuck zone is cut out. Without sensors of that
  zone the supply is on for the heater's open-loop share of the time;
- the unit is silent: it may go on for ever with the duties it was told last. The supply is on for such a share of the
  time that all heaters together give no more than silent_excess times the heat of their open-loop duties.
"""

from .places import HEATED, HEATERS, Places
from .sensors import KNOWN, Sensors
from .watch import UNCONTROLLED, Watch


class Supply:
    """Allocates when made, never after. wanted: the heaters should have supply. held: it is off now and then."""

    def __init__(self, values: "list[float]", places: Places, sensors: Sensors, watch: Watch) -> None:
        self._values = values
        self._places = places
        self._sensors = sensors
        self._watch = watch
        self.wanted = True
        self.held = False
        self._since_s = 0
        self._phase_s = 0

    def normal(self) -> None:
        """Nothing is wrong that the supply could help with."""
        self.wanted = True
        self.held = False
        self._since_s = self._phase_s = 0

    def hold_back(self, setpoints: "list[float]", cut_outs: bytearray, open_loop: int, dt_s: int) -> None:
        """A heater is on though disarmed. cut_outs: by heater. open_loop: place of the table of duties."""
        self._since_s += dt_s
        if self._too_hot(cut_outs):
            self._switch(False)
            return
        share = self._blind_share(open_loop)
        if share >= 0.0:
            self._proportion(share, dt_s)
            return
        if self._since_s < self._values[self._places.supply_min_s]:
            return
        self._switch(self._needed(setpoints))

    def hold_total(self, duty: "list[float]", watts: "list[float]", open_loop: int, dt_s: int) -> None:
        """The unit is silent and may still give *duty*, by heater; watts: of each at duty 1."""
        given_w = due_w = 0.0
        for heater in range(HEATERS):
            given_w += duty[heater] * watts[heater]
            due_w += self._values[open_loop + heater] * watts[heater]
        due_w *= self._values[self._places.silent_excess]
        self._proportion(due_w / given_w if given_w > due_w else 1.0, dt_s)

    def _too_hot(self, cut_outs: bytearray) -> bool:
        state = self._watch.state
        hot = False
        for heater in range(HEATERS):
            hot = hot or (state[heater] == UNCONTROLLED and cut_outs[heater] != 0)
        return hot

    def _blind_share(self, open_loop: int) -> float:
        """Smallest open-loop duty of the stuck heaters whose zone is not known; -1 when all are."""
        share = -1.0
        for heater in range(HEATERS):
            if self._watch.state[heater] == UNCONTROLLED and self._sensors.state[HEATED[heater]] != KNOWN:
                duty = self._values[open_loop + heater]
                if share < 0.0 or duty < share:
                    share = duty
        return share

    def _needed(self, setpoints: "list[float]") -> bool:
        """A thermostat over all heated zones: a band around the set-point of a stuck one, below those of others."""
        sensors = self._sensors
        band = self._values[self._places.supply_band_k]
        for heater in range(HEATERS):
            zone = HEATED[heater]
            if sensors.state[zone] != KNOWN:
                continue
            short_k = setpoints[heater] - sensors.c[zone]
            if self._watch.state[heater] != UNCONTROLLED:
                short_k -= band
            if short_k > (-band if self.wanted else band) / 2:
                return True
        return False

    def _proportion(self, share: float, dt_s: int) -> None:
        period_s = int(self._values[self._places.supply_period_s])
        self._phase_s = (self._phase_s + dt_s) % period_s
        self._switch(self._phase_s < share * period_s)

    def _switch(self, wanted: bool) -> None:
        if wanted != self.wanted:
            self.wanted = wanted
            self.held = True
            self._since_s = 0
