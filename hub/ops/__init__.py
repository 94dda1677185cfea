"""Running the hub: backups, health, metrics, logs, the check-up."""

from hub.ops.after_rewind import mind_rewind
from hub.ops.archive import Manifest
from hub.ops.backup import Backups, verify
from hub.ops.backup_clock import BackupClock
from hub.ops.check import (
    Finding,
    check_platform,
    check_proxies,
    check_running,
    check_store,
    closed_store,
    in_order,
)
from hub.ops.expiry import Expiry
from hub.ops.health import attach_ops
from hub.ops.importing import (
    ImportFrom,
    ImportInto,
    Report,
    UploadedOriginals,
    beside,
    bring_over,
    bring_over_set_aside,
    fetch_from,
    in_words,
)
from hub.ops.log_files import LogFiles
from hub.ops.logs import log_files, redact, set_up_logs
from hub.ops.metrics import Metrics, Surroundings
from hub.ops.restore import Restored, Wish, checked_parts, restore
from hub.ops.tokens import probe_token, stored_token
from hub.ops.undo import undo

__all__ = [
    "BackupClock",
    "Backups",
    "Expiry",
    "Finding",
    "ImportFrom",
    "ImportInto",
    "LogFiles",
    "Manifest",
    "Metrics",
    "Report",
    "Restored",
    "Surroundings",
    "UploadedOriginals",
    "Wish",
    "attach_ops",
    "beside",
    "bring_over",
    "bring_over_set_aside",
    "check_platform",
    "check_proxies",
    "check_running",
    "check_store",
    "checked_parts",
    "closed_store",
    "fetch_from",
    "in_order",
    "in_words",
    "log_files",
    "mind_rewind",
    "probe_token",
    "redact",
    "restore",
    "set_up_logs",
    "stored_token",
    "undo",
    "verify",
]
