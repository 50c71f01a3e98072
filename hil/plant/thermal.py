"""The payload's heat: nodes, conductors, heat pipes, radiation to ground and space.

Lives here: the network's matrices and one implicit step. Does not live here: where heat comes from (power.py,
array.py).

Sign convention: the balance of a node is  C dT/dt = heat + environment - L T - R T^4 - heat pipes,  in W,
with L and R the Laplacians of the linear and radiative conductors, R with the emission to ground and space on its
diagonal. Numbers: linearly implicit Euler (W-method): the right side is taken exactly at the known temperatures, the
Jacobian may be some steps old, which costs neither stability nor the steady state. Payload nodes do not feel each
other's shadows.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from hil.plant.payload import KELVIN, Payload
from hil.plant.sun import SOLAR_CONSTANT_W_M2, STEFAN_BOLTZMANN, Sun

Vector = NDArray[np.float64]

# Steps that a Jacobian serves; temperatures move by a few kelvins in that time at the steepest.
JACOBIAN_STEPS = 32


class ThermalNetwork:
    """Temperatures of the payload's nodes, stepped in time. `temperature` is in K, in the payload's order of nodes."""

    def __init__(self, payload: Payload, step_s: float) -> None:
        nodes = payload.node
        n = len(nodes)
        self.names = [node.name for node in nodes]
        self.capacity: Vector = np.array([node.capacity for node in nodes])
        self.temperature: Vector = np.array([node.start + KELVIN for node in nodes])
        self.constant_heat: Vector = np.zeros(n)
        for source in payload.constant_heat:
            self.constant_heat[payload.node_index(source.node)] += source.power
        self.environment: Vector = np.zeros(n)
        self._linear = np.zeros((n, n))
        self._radiative = np.zeros((n, n))
        for link in payload.link:
            a, b = (payload.node_index(name) for name in link.between)
            for matrix, value in (
                (self._linear, link.conductance),
                (self._radiative, link.radiative * STEFAN_BOLTZMANN),
            ):
                matrix[a, a] += value
                matrix[b, b] += value
                matrix[a, b] -= value
                matrix[b, a] -= value
        outer = np.array([STEFAN_BOLTZMANN * x.area * x.emissivity for x in nodes])
        self._emission: Vector = outer * np.array([x.view_ground + x.view_space for x in nodes])
        self._radiative += np.diag(self._emission)
        site = payload.site
        self._ground_heat: Vector = outer * np.array([x.view_ground for x in nodes]) * site.ground_emissivity
        self._sun_top: Vector = SOLAR_CONSTANT_W_M2 * np.array([x.absorptivity * x.sun_top_area for x in nodes])
        self._sun_side: Vector = SOLAR_CONSTANT_W_M2 * np.array([x.absorptivity * x.sun_side_area for x in nodes])
        # Sunlight from the ground falls on the outer surface as far as it sees the ground (a Lambert ground, evenly
        # lit).
        self._sun_ground: Vector = (
            SOLAR_CONSTANT_W_M2
            * site.ground_albedo
            * np.array([x.absorptivity * x.area * x.view_ground for x in nodes])
        )
        self._pipes = [
            (
                payload.node_index(p.evaporator),
                payload.node_index(p.condenser),
                p.shut_conductance,
                p.open_conductance,
                p.shut_below + KELVIN,
                1.0 / (p.open_above - p.shut_below),
            )
            for p in payload.heat_pipe
        ]
        self._storage = np.diag(self.capacity / step_s)
        self._fourth, self._flows, self._net = np.zeros(n), np.zeros(n), np.zeros(n)
        self._age = 0
        self._reference: Vector = self.temperature.copy()
        self._inverse = self._make_inverse()

    def set_environment(self, sun: Sun, ground_k: float) -> None:
        """Heat from the ground's infrared, the sun and the ground's reflection, from now until the next call."""
        environment = self._ground_heat * ground_k**4
        if sun.up > 0.0:
            side = math.sqrt(max(0.0, 1.0 - sun.up * sun.up))
            environment += self._sun_top * sun.up + self._sun_side * side + self._sun_ground * sun.up
        self.environment = environment + self.constant_heat

    def pipe_heat(self) -> list[float]:
        """Heat that each heat pipe carries from evaporator to condenser now, W."""
        t = self.temperature
        return [self._pipe_conductance(t, k) * float(t[p[0]] - t[p[1]]) for k, p in enumerate(self._pipes)]

    def step(self, heat: Vector) -> None:
        """One step with `heat` in W for each node, beside the environment."""
        t, fourth, flows = self.temperature, self._fourth, self._flows
        np.multiply(t, t, out=fourth)
        fourth *= fourth
        net = np.add(heat, self.environment, out=self._net)
        net -= np.dot(self._linear, t, out=flows)
        net -= np.dot(self._radiative, fourth, out=flows)
        for k, pipe in enumerate(self._pipes):
            a, b = pipe[0], pipe[1]
            flow = self._pipe_conductance(t, k) * float(t[a] - t[b])
            net[a] -= flow
            net[b] += flow
        if self._age >= JACOBIAN_STEPS:
            self._reference = t
            self._inverse = self._make_inverse()
            self._age = 0
        self._age += 1
        # A new array: the old one may be the reference.
        self.temperature = t + np.dot(self._inverse, net, out=flows)

    def net_outflow(self) -> float:
        """Heat that the payload radiates to ground and space now, W (what it takes in is `environment`)."""
        return float(np.sum(self._emission * self.temperature**4))

    def save(self) -> dict[str, object]:
        """State for JSON; the environment is set again by its owner."""
        return {
            "temperature": self.temperature.tolist(),
            "reference": self._reference.tolist(),
            "age": self._age,
            "environment": self.environment.tolist(),
        }

    def restore(self, state: dict[str, object]) -> None:
        """Take a state from `save` of the same payload."""
        temperature = np.array(state["temperature"], dtype=np.float64)
        if temperature.shape != self.capacity.shape:
            raise ValueError(
                f"thermal network: expected {len(self.names)} nodes, found {temperature.size}; same payload?"
            )
        self.temperature = temperature
        self._reference = np.array(state["reference"], dtype=np.float64)
        self.environment = np.array(state["environment"], dtype=np.float64)
        self._age = int(str(state["age"]))
        self._inverse = self._make_inverse()

    def _pipe_conductance(self, t: Vector, k: int) -> float:
        a, b, shut, opened, low, slope = self._pipes[k]
        evaporator = float(t[a])
        share = (evaporator - low) * slope
        if share <= 0.0 or evaporator <= float(t[b]):
            return shut
        if share >= 1.0:
            return opened
        return shut + (opened - shut) * share * share * (3.0 - 2.0 * share)

    def _make_inverse(self) -> NDArray[np.float64]:
        t = self._reference
        jacobian = self._storage + self._linear + self._radiative * (4.0 * t**3)
        for k, pipe in enumerate(self._pipes):
            a, b = pipe[0], pipe[1]
            g = self._pipe_conductance(t, k)
            jacobian[a, a] += g
            jacobian[b, b] += g
            jacobian[a, b] -= g
            jacobian[b, a] -= g
        inverse: NDArray[np.float64] = np.asarray(np.linalg.inv(jacobian), dtype=np.float64)
        return inverse
