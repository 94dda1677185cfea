"""`yuqiao stock`: pools of cards, without the admin."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from hub.cli.owner import at_the_desk
from hub.cli.shell import SHOWN_FROM, run
from hub.desk import Desk, Operator
from hub.errors import NotFound
from hub.text import pool_line, restocked


@click.group("stock")
def stock_group() -> None:
    """Pools of cards."""


@stock_group.command("add")
@click.argument("pool")
@click.argument("file", type=click.File("rb"))
@click.option("--label", default="", help="Name of the batch; default the file's name.")
@click.pass_obj
def stock_add(config: Path | None, pool: str, file: Any, label: str) -> None:
    """Add the codes in FILE (one a line, - for standard input) to the pool named POOL."""
    codes = file.read()
    name = label or Path(file.name).name

    def progress(done: int, of: int) -> None:
        if of > SHOWN_FROM:
            click.echo(f"\r{done}/{of}", nl=done == of, err=True)

    async def add(desk: Desk, operator: Operator) -> str:
        lines = await desk.stock.overview(operator)
        found = next((line.pool for line in lines if line.pool.name == pool), None)
        if found is None:
            names = "、".join(line.pool.name for line in lines)
            raise NotFound(f"没有叫「{pool}」的卡池，现有：{names or '还没有卡池'}")
        done = await desk.restock.add(operator, found.id, codes, label=name, progress=progress)
        return restocked(
            done.pool.name,
            added=done.new,
            available=done.pool.counts.available,
            known=done.known,
            repeated=done.read.repeated,
            too_long=done.read.too_long,
            unreadable=done.read.unreadable,
        )

    click.echo(run(at_the_desk(config, add)))


@stock_group.command("list")
@click.pass_obj
def stock_list(config: Path | None) -> None:
    """List the pools with what is left."""

    async def lines(desk: Desk, operator: Operator) -> str:
        return "\n".join(
            pool_line(line.pool, line.level, line.left, line.given, line.days)
            for line in await desk.stock.overview(operator)
        )

    click.echo(run(at_the_desk(config, lines)))
