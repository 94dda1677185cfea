"""Running the hub: health, metrics, logs."""

from hub.ops.health import attach_ops
from hub.ops.logs import redact, set_up_logs
from hub.ops.metrics import Metrics

__all__ = ["Metrics", "attach_ops", "redact", "set_up_logs"]
