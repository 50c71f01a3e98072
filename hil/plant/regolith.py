"""Temperature of the lunar ground: heat conduction in one dimension below a surface that radiates.

Lives here: the ground's properties, the grid, one implicit step, and the search for the profile that repeats itself
every lunation. Does not live here: the payload, and files (see ground_cache.py).

Model and constants: Hayne et al. 2017, doi 10.1002/2017JE005387, appendix A. The albedo law is in sun.py.
Numbers: finite volumes on a grid that widens downwards, surface node in a half cell; in time the second-order backward
differentiation formula with properties extrapolated to the new time, the surface's fourth power solved by Newton.
The step is a fixed part of the lunation, so that a run lands on the same instants whatever step the payload takes.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.linalg.lapack import dgtsv  # type: ignore[import-untyped]

from hil.plant.sun import STEFAN_BOLTZMANN, SYNODIC_DAY_S, absorbed_by_ground, sun_direction

Profile = NDArray[np.float64]

# 590.6 s. Half of it moves no figure of the surface by more than 0.05 K.
STEPS_PER_LUNATION = 4320
# A surface Newton iteration has ended when it moves less than this, K; it never needs more than the bound.
NEWTON_END_K = 1e-7
NEWTON_MAX = 12
# Below this the polynomial of the heat capacity and the extrapolation at sunset mean nothing, K.
COLDEST_K = 20.0
# A profile repeats itself when no node moved more than this in a lunation, K.
EQUILIBRIUM_K = 0.005
# Lunations with the deep profile corrected, and the end of all patience. Seven to ten in all are usual.
CORRECTED_LUNATIONS = 14
MAX_LUNATIONS = 60
# Above about this depth the profile follows the sun and is not corrected, m.
DIURNAL_DEPTH_M = 0.25


@dataclass(frozen=True)
class Ground:
    """Properties of the regolith (Hayne et al. 2017, table A1) and the grid. Lengths in m, conductivities in W/m/K."""

    emissivity: float = 0.95
    surface_conductivity: float = 7.4e-4
    deep_conductivity: float = 3.4e-3
    radiative_conductivity: float = 2.7
    surface_density: float = 1100.0
    deep_density: float = 1800.0
    scale_height: float = 0.06
    heat_flow: float = 0.018
    first_cell: float = 1e-3
    cell_growth: float = 1.1
    depth: float = 1.5


class NotPeriodic(RuntimeError):
    """The ground's profile did not settle: expected a change below EQUILIBRIUM_K in a lunation, found a larger one."""


def heat_capacity(temperature: Profile) -> Profile:
    """Specific heat in J/kg/K at temperatures in K (Hayne et al. 2017, eq. A6)."""
    t = temperature
    result: Profile = -3.6125 + t * (2.7431 + t * (2.3616e-3 + t * (-1.234e-5 + t * 8.9093e-9)))
    return result


def grid(ground: Ground) -> Profile:
    """Depths of the nodes in m, from 0 at the surface."""
    depths = [0.0]
    cell = ground.first_cell
    while depths[-1] < ground.depth:
        depths.append(depths[-1] + cell)
        cell *= ground.cell_growth
    return np.array(depths)


@dataclass
class Balance:
    """Means over the steps of a lunation, W/m2: absorbed sunlight, emitted heat, heat stored per unit of time."""

    absorbed: float = 0.0
    emitted: float = 0.0
    stored: float = 0.0


@dataclass
class LunationResult:
    """Surface temperatures in K after each step from noon, and the heat balance."""

    surface: Profile
    balance: Balance
    change_k: float
    mean_flux_up: Profile = field(repr=False)
    mean_conductance: Profile = field(repr=False)


class Regolith:
    """The ground at one latitude.

    `index` counts steps on the lunation's grid from noon; `temperature` is the profile at that instant, K.
    """

    def __init__(
        self,
        latitude_deg: float,
        declination_deg: float = 0.0,
        ground: Ground | None = None,
        steps_per_lunation: int = STEPS_PER_LUNATION,
    ) -> None:
        self.ground = ground or Ground()
        self.latitude_deg = latitude_deg
        self.declination_deg = declination_deg
        self.steps_per_lunation = steps_per_lunation
        self.step_s = SYNODIC_DAY_S / steps_per_lunation
        g = self.ground
        self.depth = grid(g)
        spacing = np.diff(self.depth)
        middle = 0.5 * (self.depth[1:] + self.depth[:-1])
        volume = np.empty_like(self.depth)
        volume[0] = 0.5 * spacing[0]
        volume[1:-1] = 0.5 * (spacing[1:] + spacing[:-1])
        volume[-1] = 0.5 * spacing[-1]
        density = g.deep_density - (g.deep_density - g.surface_density) * np.exp(-self.depth / g.scale_height)
        contact = g.deep_conductivity - (g.deep_conductivity - g.surface_conductivity) * np.exp(
            -middle / g.scale_height
        )
        self._mass = density * volume
        self._contact = contact / spacing
        self.index = 0
        start = 250.0 * max(0.1, math.cos(math.radians(latitude_deg))) ** 0.25
        self.temperature: Profile = np.full(len(self.depth), start)
        self._before: Profile = self.temperature.copy()
        self.conductance: Profile = np.zeros(len(spacing))

    @property
    def surface_k(self) -> float:
        """Temperature of the surface now, K."""
        return float(self.temperature[0])

    def absorbed_at(self, index: int) -> float:
        """Sunlight absorbed at a step of the lunation's grid, W/m2."""
        angle = 2.0 * math.pi * (index % self.steps_per_lunation) / self.steps_per_lunation
        up = sun_direction(math.radians(self.latitude_deg), math.radians(self.declination_deg), angle).up
        return absorbed_by_ground(up)

    def step(self) -> None:
        """Go on by one step of the lunation's grid."""
        g = self.ground
        now, before = self.temperature, self._before
        ahead = np.maximum(2.0 * now - before, COLDEST_K)
        conductance = self._contact * (1.0 + g.radiative_conductivity * (0.5 / 350.0 * (ahead[1:] + ahead[:-1])) ** 3)
        storage = self._mass * heat_capacity(ahead) / self.step_s
        right = storage * (2.0 * now - 0.5 * before)
        diagonal = 1.5 * storage
        diagonal[:-1] += conductance
        diagonal[1:] += conductance
        right[-1] += g.heat_flow
        right[0] += self.absorbed_at(self.index + 1)
        off = -conductance
        first_diagonal, first_right = float(diagonal[0]), float(right[0])
        emission = g.emissivity * STEFAN_BOLTZMANN
        surface = float(ahead[0])
        for _ in range(NEWTON_MAX):
            slope = emission * surface**3
            diagonal[0] = first_diagonal + 4.0 * slope
            right[0] = first_right + 3.0 * slope * surface
            after: Profile = dgtsv(off, diagonal, off, right)[3]
            moved = abs(float(after[0]) - surface)
            surface = float(after[0])
            if moved < NEWTON_END_K:
                break
        self._before = now
        self.temperature = after
        self.conductance = conductance
        self.index += 1

    def run_lunation(self) -> LunationResult:
        """Run one lunation on, and give its surface temperatures and sums."""
        n = self.steps_per_lunation
        surface = np.empty(n)
        flux_up = np.zeros(len(self.conductance))
        conductance = np.zeros(len(self.conductance))
        absorbed = emitted = stored = 0.0
        start = self.temperature
        for k in range(n):
            before = self.temperature
            self.step()
            surface[k] = self.temperature[0]
            flux_up += self.conductance * (self.temperature[1:] - self.temperature[:-1])
            conductance += self.conductance
            absorbed += self.absorbed_at(self.index)
            emitted += self.ground.emissivity * STEFAN_BOLTZMANN * surface[k] ** 4
            middle = 0.5 * (before + self.temperature)
            stored += float(np.sum(self._mass * heat_capacity(middle) * (self.temperature - before))) / self.step_s
        change = float(np.max(np.abs(self.temperature - start)))
        return LunationResult(
            surface, Balance(absorbed / n, emitted / n, stored / n), change, flux_up / n, conductance / n
        )

    def equilibrate(self, progress: Callable[[int, float], None] | None = None) -> LunationResult:
        """Run lunations until the profile repeats itself, and stand at noon.

        The deep ground would need decades: in a periodic state the mean flux through every depth is the Moon's heat
        flow, so after each lunation the deep profile is shifted by what is missing to it. The last lunations run free.
        `progress` is called with the number of lunations and the last change in K. Raises NotPeriodic.
        """
        weight = 1.0 - np.exp(-((self.depth / DIURNAL_DEPTH_M) ** 2))
        result = self.run_lunation()
        for lunation in range(1, MAX_LUNATIONS):
            if progress:
                progress(lunation, result.change_k)
            if lunation <= CORRECTED_LUNATIONS:
                missing = np.zeros_like(self.depth)
                missing[1:] = np.cumsum((self.ground.heat_flow - result.mean_flux_up) / result.mean_conductance)
                self.temperature = self.temperature + missing * weight
                self._before = self._before + missing * weight
            result = self.run_lunation()
            if result.change_k < EQUILIBRIUM_K:
                self.index = 0
                return result
        raise NotPeriodic(
            f"ground at latitude {self.latitude_deg} deg: expected a change below {EQUILIBRIUM_K} K in a lunation, "
            f"found {result.change_k:.3f} K after {MAX_LUNATIONS}; check the grid and the constants"
        )

    def save(self) -> dict[str, object]:
        """State for JSON."""
        return {"index": self.index, "temperature": self.temperature.tolist(), "before": self._before.tolist()}

    def restore(self, state: dict[str, object]) -> None:
        """Take a state from `save`; the grid must be the same."""
        now = np.array(state["temperature"], dtype=np.float64)
        before = np.array(state["before"], dtype=np.float64)
        if now.shape != self.depth.shape or before.shape != self.depth.shape:
            raise ValueError(
                f"ground profile: expected {len(self.depth)} nodes, found {now.size}; restore with the same grid"
            )
        self.temperature, self._before = now, before
        self.index = int(str(state["index"]))
