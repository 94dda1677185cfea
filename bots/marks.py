"""QQ's faces for marks, by the numbers that every protocol uses for them."""

from hub.model import Mark

FACES = {
    Mark.SENDING: "60",
    Mark.ACCEPTED: "124",
    Mark.READ: "289",
    Mark.REFUSED: "123",
    Mark.UNCERTAIN: "32",
}
"""咖啡, OK, 睁眼, NO, 疑问."""
