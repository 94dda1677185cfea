"""`yuqiao demo` and `yuqiao sandbox`: everything without any account."""

from __future__ import annotations

from pathlib import Path

import click

from hub.cli.shell import run
from hub.demo import run_demo
from hub.ops import set_up_logs
from hub.sandbox import SandboxOptions, run_sandbox

DEFAULT_PORT = 8080


@click.command("demo")
@click.option("--port", default=DEFAULT_PORT, show_default=True, help="Port of the admin.")
def demo_command(port: int) -> None:
    """Hub and sandbox with a furnished shop: try everything without any account."""
    set_up_logs("WARNING")
    run(run_demo(port=port))


@click.command("sandbox")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=0, show_default=True, help="One port for everything; 0: any.")
@click.option("--onebot-url", help="The hub's OneBot address, for the sandbox's QQ to dial.")
@click.option("--onebot-token", default="", help="The hub's OneBot access token.")
@click.option("--empty", is_flag=True, help="Without the demo shop.")
@click.option(
    "--certificate",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="PEM file with certificate and key; everything is then served over TLS.",
)
def sandbox_command(
    host: str,
    port: int,
    onebot_url: str | None,
    onebot_token: str,
    empty: bool,
    certificate: Path | None,
) -> None:
    """A local Xianyu and QQ; prints one JSON line with its addresses when ready."""
    set_up_logs("WARNING")
    options = SandboxOptions(
        host=host,
        port=port,
        onebot_url=onebot_url,
        onebot_token=onebot_token,
        furnished=not empty,
        certificate=certificate,
    )
    run(run_sandbox(options))
