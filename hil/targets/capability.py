"""What targets can do, by name. A target says which capabilities it has and why it lacks the others; a test asks.

@pytest.mark.needs("memory")
"""

from __future__ import annotations

CAPABILITIES = {
    "reset": "the reset pin can be driven",
    "power": "the power can be cut and given back",
    "bus": "there is a payload bus with a plant on it",
    "console": "the board's console can be read",
    "storage": "what the board has stored can be read, and put there, while it is off",
    "memory": "memory can be read and written while the program runs",
    "exact_time": "time moves only when it is let: a busy host does not hold the board up",
    "parts": "there are parts of the board's own, on I2C, analogue inputs and pins",
    "fresh": "every boot may begin with empty storage",
}
