"""The command line `yuqiao`: a file for each group of commands, the rest in `program`."""

from hub.cli.program import cli, main

__all__ = ["cli", "main"]
