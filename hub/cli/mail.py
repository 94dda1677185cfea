"""`yuqiao mail`: whether mails get through."""

from __future__ import annotations

from pathlib import Path

import click

from hub.cli.owner import at_the_desk
from hub.cli.shell import run
from hub.desk import Desk, Operator


@click.group("mail")
def mail_group() -> None:
    """Mails to members."""


@mail_group.command("test")
@click.option("--to", required=True, help="Address that the mail goes to.")
@click.pass_obj
def mail_test(config: Path | None, to: str) -> None:
    """Send a test mail now and say what became of it; exit 1 if it was not taken."""

    async def test(desk: Desk, operator: Operator) -> str:
        return await desk.mail.test(operator, to)

    click.echo(run(at_the_desk(config, test)))
