"""Hand the mission's dictionary to other systems: the same as `perilune dictionary export`.

examples:

    perilune export yamcs build/yamcs --dictionary mission/
    perilune export xtce build/xtce --dictionary mission/

Formats: xtce (XTCE 1.2), cosmos (OpenC3 COSMOS plugin), yamcs (a whole instance), csv, json, markdown.
"""

from __future__ import annotations

from .dictionary import add_export_arguments as add_arguments
from .dictionary import export_files as run

SUMMARY = "hand the dictionary to Yamcs, COSMOS, XTCE, CSV, JSON or Markdown"

__all__ = ["SUMMARY", "add_arguments", "run"]
