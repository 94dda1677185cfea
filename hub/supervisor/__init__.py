"""The lines to the platform: one per enabled account, kept alive, missing nothing."""

from hub.supervisor.accounts import Supervisor, last_sign_of_life
from hub.supervisor.gate import Gate
from hub.supervisor.line import AccountLine, Live, TakeIn

__all__ = ["AccountLine", "Gate", "Live", "Supervisor", "TakeIn", "last_sign_of_life"]
