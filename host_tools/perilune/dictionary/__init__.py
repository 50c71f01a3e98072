"""The mission dictionary: commands, telemetry, events, limits as data; read, checked, and made into tables and a
reference.

    dictionary = load([Path("firmware/dictionary")])      # DictionaryError lists every problem with file, line and mend
    dictionary.command("core.ping"), dictionary.points, dictionary.content_hash

Run `python -m perilune.dictionary --help` for the generator.
"""

from .load import load
from .model import Dictionary

__all__ = ["Dictionary", "load"]
