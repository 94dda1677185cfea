"""`python -m hub` is the same as `yuqiao`."""

from hub.cli import main

main()
