"""`python -m hub` is the same as `yuqiao`."""

import gc

# Nothing that is imported is garbage: looking for some takes a seventh of the start.
gc.disable()

from hub.cli import main  # noqa: E402

gc.freeze()
gc.enable()

main()
