"""A local Xianyu that speaks the real wire, with a QQ beside it; for `yuqiao demo` and tests."""

from hub.sandbox.pictures import blank
from hub.sandbox.run import announcement, run_sandbox
from hub.sandbox.server import Sandbox, SandboxOptions, start_sandbox

__all__ = ["Sandbox", "SandboxOptions", "announcement", "blank", "run_sandbox", "start_sandbox"]
