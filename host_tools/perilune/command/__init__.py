"""Subcommands of `perilune`, one file each.

A file `name.py` here is the subcommand `perilune name` (underscores become hyphens). It has

    SUMMARY: str                                              one line for `perilune --help`
    def add_arguments(parser: argparse.ArgumentParser) -> None
    def run(arguments: argparse.Namespace) -> int             the exit status

and imports what it works with inside `run`, so that `perilune --help` stays fast.
"""
