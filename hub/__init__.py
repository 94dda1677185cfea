"""鱼桥 Yuqiao: a hub through which a Xianyu shop is run from chat."""

__version__ = "0.1.0"
