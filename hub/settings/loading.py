"""Where settings come from: `config/hub.yml`, then the environment on top.

Each value can be given as `YUQIAO_<SECTION>__<KEY>`. Names that users of the operations guide know
(`WEB_PORT`, `DB_PATH`, `LOG_LEVEL`, ...) work as well. An unknown key is an error that names it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from hub.errors import SettingsError
from hub.settings.sections import Settings

PREFIX = "YUQIAO_"
DEFAULT_FILE = Path("config/hub.yml")

LISTS = {
    ("qq", "onebot_ws_urls"),
    ("qq", "milky_urls"),
    ("replies", "toggle_words"),
    ("web", "trusted_proxies"),
}

GUIDE_NAMES: dict[str, tuple[str, str]] = {
    "WEB_HOST": ("web", "host"),
    "WEB_PORT": ("web", "port"),
    "DB_PATH": ("database", "path"),
    "LOG_LEVEL": ("log", "level"),
    "AUTO_REPLY_ENABLED": ("replies", "enabled"),
    "AI_REPLY_ENABLED": ("ai", "enabled"),
    "TZ": ("text", "timezone"),
}
"""Variables of the operations guide and where their value goes."""


def settings_file(file: Path | None = None, env: Mapping[str, str] | None = None) -> Path:
    """Where the settings are read from, or would be if the file were there."""
    env = os.environ if env is None else env
    named = file or (Path(env["YUQIAO_CONFIG"]) if env.get("YUQIAO_CONFIG") else None)
    return named or DEFAULT_FILE


def load_settings(file: Path | None = None, env: Mapping[str, str] | None = None) -> Settings:
    """Read the file and the environment.

    `file` None: `YUQIAO_CONFIG`, else `config/hub.yml` if it exists, else defaults only.
    Raises SettingsError with one line per wrong key.
    """
    env = os.environ if env is None else env
    path = settings_file(file, env)
    if (file or env.get("YUQIAO_CONFIG")) and not path.is_file():
        raise SettingsError(f"settings file {path} does not exist")
    values = _read_file(path) if path.is_file() else {}
    _overlay_environment(values, env)
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        raise SettingsError("\n".join(_explain(error))) from None


def _read_file(path: Path) -> dict[str, Any]:
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise SettingsError(f"{path} is not readable YAML: {_where(error)}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"cannot read {path}: {error}") from None
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise SettingsError(f"{path} must hold sections such as 'web:' or 'qq:'")
    # A section whose lines are all commented out is there and empty.
    return {name: {} if part is None else part for name, part in values.items()}


def _where(error: yaml.YAMLError) -> str:
    """Without the line itself, which may be that of a password, and without words taken from it."""
    if not isinstance(error, yaml.MarkedYAMLError) or error.problem_mark is None:
        return "it is no text"
    mark = error.problem_mark
    what = re.sub(r"'[^']{2,}'", "'...'", error.problem or "")
    return f"line {mark.line + 1}, column {mark.column + 1}: {what}"


def _overlay_environment(values: dict[str, Any], env: Mapping[str, str]) -> None:
    for name, (section, key) in GUIDE_NAMES.items():
        if env.get(name):
            _put(values, section, key, env[name])
    for name, text in env.items():
        if not name.startswith(PREFIX) or name == "YUQIAO_CONFIG":
            continue
        section, separator, key = name.removeprefix(PREFIX).lower().partition("__")
        if not separator:
            raise SettingsError(
                f"environment variable {name} names no setting; the form is "
                f"{PREFIX}<SECTION>__<KEY>"
            )
        _put(values, section, key, _split_list(section, key, text))


def _split_list(section: str, key: str, text: str) -> Any:
    """Lists come from the environment as comma-separated text."""
    if (section, key) in LISTS:
        return [part.strip() for part in text.split(",") if part.strip()]
    return text


def _put(values: dict[str, Any], section: str, key: str, value: Any) -> None:
    part = values.setdefault(section, {})
    if not isinstance(part, dict):
        return
    inner, deeper, rest = key.partition("__")
    if deeper:
        _put(part, inner, rest, value)
    else:
        part[key] = value


def _explain(error: ValidationError) -> list[str]:
    lines = []
    for problem in error.errors():
        key = ".".join(str(part) for part in problem["loc"])
        if problem["type"] == "extra_forbidden":
            lines.append(f"unknown setting {key!r}{_suggestion(problem['loc'])}")
        elif problem["type"] == "model_type":
            lines.append(f"setting {key!r} is a section: its keys stand below it, indented")
        else:
            lines.append(f"setting {key!r}: {problem['msg'].removeprefix('Value error, ')}")
    return lines


def _suggestion(loc: tuple[int | str, ...]) -> str:
    section: type[BaseModel] = Settings
    for name in loc[:-1]:
        field = section.model_fields.get(str(name))
        inner = field.annotation if field is not None else None
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            section = inner
    close = get_close_matches(str(loc[-1]), list(section.model_fields), n=1)
    return f"; did you mean {close[0]!r}?" if close else ""
