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
from hub.ops.logs import redact, set_up_logs
from hub.ops.metrics import Metrics

__all__ = [
    "Expiry",
    "Finding",
    "Metrics",
    "attach_ops",
    "check_platform",
    "check_proxies",
    "check_store",
    "closed_store",
    "in_order",
    "redact",
    "set_up_logs",
]
