"""Targets: emulated and real boards behind the same few capabilities.

One file per kind of target (``qemu``, ``renode``), one per way to talk to it (``channel`` for a UART, ``raw_repl`` for
the prompt of a ``dev`` build, ``qmp`` and ``qtest`` for QEMU's own ports). Nothing here knows packets or the mission.
"""
