"""Finds every statement that the store keeps ready."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator, Mapping

import hub.store
from hub.store.sql import Statement


def statements() -> Iterator[tuple[str, Statement]]:
    for info in pkgutil.iter_modules(hub.store.__path__):
        if info.name == "migrations":
            continue
        module = importlib.import_module(f"hub.store.{info.name}")
        for name, value in vars(module).items():
            for found in _within(value):
                yield f"{info.name}.{name}", found


def _within(value: object) -> Iterator[Statement]:
    if isinstance(value, Statement):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _within(inner)
    elif isinstance(value, tuple | list):
        for inner in value:
            yield from _within(inner)
