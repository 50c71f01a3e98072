"""The archive: every frame that came down, kept for ever, and what it said. SQLite; old days in files of their own.

    with ArchiveWriter(path, dictionary) as archive:     # writer.py: frames in; what is returned is committed
        archive.frames(frames)
    ArchiveReader(path).values("core.load_permille", start_us, end_us)      # reader.py: across all day files

layout.py has the tables, for people with a plain SQLite shell.
"""

from .layout import ArchiveError
from .reader import ArchiveReader
from .writer import ArchiveWriter

__all__ = ["ArchiveError", "ArchiveReader", "ArchiveWriter"]
