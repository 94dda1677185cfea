"""OneBot v11: NapCat, Lagrange v1, LLOneBot and whoever else speaks it."""

from bots.onebot.port import OneBot

__all__ = ["OneBot"]
