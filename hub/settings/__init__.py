"""Typed settings; see `hub.settings.loading` for where they come from."""

from hub.settings.loading import GUIDE_NAMES, PREFIX, load_settings, settings_file
from hub.settings.sections import (
    AssistSettings,
    BackupSettings,
    BargainSettings,
    DatabaseSettings,
    LimitSettings,
    LogSettings,
    MailSettings,
    OfficialSettings,
    QQSettings,
    ReplySettings,
    Settings,
    WebSettings,
    XianyuSettings,
)

__all__ = [
    "GUIDE_NAMES",
    "PREFIX",
    "AssistSettings",
    "BackupSettings",
    "BargainSettings",
    "DatabaseSettings",
    "LimitSettings",
    "LogSettings",
    "MailSettings",
    "OfficialSettings",
    "QQSettings",
    "ReplySettings",
    "Settings",
    "WebSettings",
    "XianyuSettings",
    "load_settings",
    "settings_file",
]
