"""Official QQ bots: the gateway in, answers out."""

from bots.official.port import Official

__all__ = ["Official"]
