"""Running the hub: health, metrics, logs, the check-up."""

from hub.ops.check import (
    Finding,
    check_platform,
    check_proxies,
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
    beside,
    bring_over,
    bring_over_set_aside,
    fetch_from,
    in_words,
)
from hub.ops.logs import redact, set_up_logs
from hub.ops.metrics import Metrics

__all__ = [
    "Expiry",
    "Finding",
    "ImportFrom",
    "ImportInto",
    "Metrics",
    "Report",
    "attach_ops",
    "beside",
    "bring_over",
    "bring_over_set_aside",
    "check_platform",
    "check_proxies",
    "check_store",
    "closed_store",
    "fetch_from",
    "in_order",
    "in_words",
    "redact",
    "set_up_logs",
]
