"""`yuqiao serve`: the hub."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

import click

from hub.app import serve
from hub.cli.shell import run
from hub.ops import log_files, set_up_logs
from hub.settings import load_settings, settings_file


@click.command("serve")
@click.pass_obj
def serve_command(config: Path | None) -> None:
    """Run the hub."""
    settings = load_settings(config)
    as_json = settings.log.format == "json"
    zone = ZoneInfo(settings.text.timezone)
    files = log_files(settings)
    set_up_logs(settings.log.level, as_json=as_json, files=files, zone=zone)
    trouble = (lambda: files.trouble) if files is not None else str
    run(serve(settings, settings_file(config), trouble))
