"""Text as it can be stored, and as it compares."""


def whole(text: str) -> str:
    """Without half characters, which nobody can store or say."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def plain(text: str) -> str:
    """Text as it compares: QQ trims messages and has its own line ends."""
    return text.replace("\r\n", "\n").replace("\r", "\n").strip()
