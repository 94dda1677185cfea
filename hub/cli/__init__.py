"""The command line `yuqiao`: a file for each group of commands, loaded when it is asked for."""

from hub.cli.program import COMMANDS, cli, main

__all__ = ["COMMANDS", "cli", "main"]
