"""`yuqiao member`: who may work here, without the admin."""

from __future__ import annotations

from pathlib import Path

import click

from hub.cli.owner import at_the_desk
from hub.cli.shell import run
from hub.desk import ROLES, Desk, Operator
from hub.errors import NotFound
from hub.model import Role


@click.group("member")
def member_group() -> None:
    """Members of the shop."""


@member_group.command("add")
@click.option("--name", required=True)
@click.option("--role", required=True, type=click.Choice([role.value for role in Role]))
@click.option("--qq", multiple=True, help="QQ id; may be given several times.")
@click.option("--email")
@click.pass_obj
def member_add(
    config: Path | None, name: str, role: str, qq: tuple[str, ...], email: str | None
) -> None:
    """Add a member who can work from QQ at once; a web password is set in the admin."""

    async def add(desk: Desk, operator: Operator) -> str:
        member = await desk.members.add(operator, name=name, role=Role(role), qq=qq, email=email)
        ids = ", ".join(member.qq) or "no QQ id"
        return f"member {member.name} added as {member.role} ({ids})"

    click.echo(run(at_the_desk(config, add)))


@member_group.command("password")
@click.option("--name", required=True)
@click.password_option(help="Asked for if not given.")
@click.pass_obj
def member_password(config: Path | None, name: str, password: str) -> None:
    """Set a member's web password: the way back in for an owner who forgot theirs."""

    async def change(desk: Desk, operator: Operator) -> str:
        found = next((m for m in await desk.members.all(operator) if m.name == name), None)
        if found is None:
            raise NotFound(f"没有叫「{name}」的成员")
        await desk.members.change(operator, found.id, password=password)
        return f"password of {found.name} set; older logins have ended"

    click.echo(run(at_the_desk(config, change)))


@member_group.command("list")
@click.pass_obj
def member_list(config: Path | None) -> None:
    """List the members."""

    async def lines(desk: Desk, operator: Operator) -> str:
        members = await desk.members.all(operator)
        return "\n".join(f"{m.id}\t{m.name}\t{ROLES[m.role]}\t{','.join(m.qq)}" for m in members)

    click.echo(run(at_the_desk(config, lines)))
