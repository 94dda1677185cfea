"""Milky: Lagrange V2, LLBot, Yogurt and whoever else speaks it."""

from bots.milky.port import Milky

__all__ = ["Milky"]
