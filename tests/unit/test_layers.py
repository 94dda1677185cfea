"""Imports point down: reads every import of the program and names each violation."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]

LAYERS: list[set[str]] = [
    {"hub.model", "hub.errors", "hub.pacing", "hub.addresses"},
    {"hub.settings"},
    {"hub.policy", "hub.commands", "hub.text", "hub.listening"},
    {"hub.xianyu", "hub.store", "hub.suppliers", "hub.sheets", "hub.assist", "hub.notify"},
    {"hub.summaries"},
    {
        "hub.notices",
        "hub.buyers",
        "hub.answers",
        "hub.album",
        "hub.errands",
        "hub.suggesting",
        "hub.credits",
        "hub.cluster",
    },
    {"hub.delivery", "hub.phone", "hub.attention"},
    {"hub.bargains"},
    {"hub.desk", "hub.inbound", "hub.outbound", "hub.supervisor", "hub.ops"},
    {"web", "bots"},
    {"hub.workers"},
    {"hub.app", "hub.sandbox"},
    {"hub.demo", "hub.bench"},
    {"hub.cli"},
    {"hub.__main__"},
]
LEVEL = {room: level for level, rooms in enumerate(LAYERS) for room in rooms}

ONLY_IN: dict[str, set[str]] = {
    "nonebot": {"bots"},
    "sqlalchemy": {"hub.store"},
    "aiosqlite": {"hub.store"},
    "alembic": {"hub.store"},
    "sqlite3": {"hub.store"},
    "websockets": {"hub.xianyu", "hub.bench"},
    "ormsgpack": {"hub.xianyu", "hub.bench"},
    "msgpack": {"hub.sandbox", "hub.xianyu"},
    "jinja2": {"web", "hub.text"},
    "argon2": {"hub.desk"},
    "openai": {"hub.assist"},
    "httpx": {"hub.assist"},
    "httpcore": {"hub.assist"},
    "openpyxl": {"hub.sheets"},
    "aiosmtplib": {"hub.notify"},
}
"""Foreign packages that one room hides from the rest."""

STANDS_ALONE = {"hub.sandbox": {"hub.sandbox"}}
"""The sandbox judges the wire room, so it shares no code with it."""


def _files() -> Iterator[tuple[str, Path]]:
    for top in ("hub", "bots", "web"):
        for path in sorted((ROOT / top).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


def _room(module: str) -> str | None:
    """`hub.xianyu.session` -> `hub.xianyu`; `web.pages.login` -> `web`."""
    parts = module.split(".")
    if parts[0] in ("web", "bots"):
        return parts[0]
    return ".".join(parts[:2]) if parts[0] == "hub" and len(parts) > 1 else None


def _imports(tree: ast.AST) -> Iterator[tuple[int, str, bool]]:
    """Line, imported module, and whether it stands inside a function."""
    inside = {
        id(node)
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name, id(node) in inside
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            if node.module == "hub":
                for alias in node.names:
                    yield node.lineno, f"{node.module}.{alias.name}", id(node) in inside
            else:
                yield node.lineno, node.module, id(node) in inside


def _violation(room: str, target: str) -> str | None:
    top = target.split(".")[0]
    if top in ONLY_IN and room not in ONLY_IN[top]:
        return f"{top} belongs to {', '.join(sorted(ONLY_IN[top]))}"
    other = _room(target)
    if other is None or other == room or other not in LEVEL:
        return None
    if room in STANDS_ALONE and other not in STANDS_ALONE[room]:
        return f"{room} stands alone"
    if other == "hub.sandbox" and room not in ("hub.demo", "hub.bench", "hub.cli"):
        return "the sandbox is for the command line and the tests"
    if LEVEL[other] >= LEVEL[room]:
        return f"{other} is not below {room}"
    if target.count(".") > other.count(".") and (ROOT / Path(*other.split("."))).is_dir():
        return f"{other} is entered through its __init__"
    return None


def test_imports_point_down() -> None:
    found = []
    for module, path in _files():
        room = _room(module)
        if room is None:
            continue
        assert room in LEVEL, f"{path.relative_to(ROOT)} is in no layer: add {room} to LAYERS"
        for line, target, inside in _imports(ast.parse(path.read_text(encoding="utf-8"))):
            where = f"{path.relative_to(ROOT)}:{line} imports {target}"
            if inside:
                found.append(f"{where}: inside a function")
            if why := _violation(room, target):
                found.append(f"{where}: {why}")
    assert not found, "\n" + "\n".join(found)


def test_the_plugin_for_other_programs_knows_nothing_of_this_one() -> None:
    for path in sorted((ROOT / "plugin").rglob("*.py")):
        for line, target, _ in _imports(ast.parse(path.read_text(encoding="utf-8"))):
            foreign = target.split(".")[0] not in ("hub", "bots", "web", "tests")
            assert foreign, f"{path.relative_to(ROOT)}:{line} imports {target}"


def test_files_stay_short_enough_to_be_read() -> None:
    long = {
        str(path.relative_to(ROOT)): lines
        for _, path in _files()
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > 500
    }
    assert not long, long
