"""Channels beside the chat: a mail server that takes one letter at a time."""

from hub.notify.mail import MailServer

__all__ = ["MailServer"]
