"""The dashboard and the alert rules ask for what `/metrics` has; the guide's thresholds stand."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from hub.model import AccountState, DeliveryState, MessageState, Origin, StoredBackup, TaskKind
from hub.ops import Metrics, Surroundings
from hub.store import open_store

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "docs" / "operations"
_NAME = re.compile(r"\b(?:yuqiao|process|python)_[a-z_]+\b")
_LABELS = re.compile(r"(\w+)=~?\"([^\"]*)\"")
NOW = datetime(2026, 11, 26, tzinfo=UTC)


def alerts() -> dict[str, str]:
    (group,) = yaml.safe_load((FOLDER / "alerts.yml").read_text("utf-8"))["groups"]
    return {rule["alert"]: str(rule["expr"]) for rule in group["rules"]}


def dashboard() -> list[dict[str, Any]]:
    panels: list[dict[str, Any]] = json.loads(
        (FOLDER / "grafana-dashboard.json").read_text("utf-8")
    )["panels"]
    return panels


def expressions() -> Iterator[str]:
    yield from alerts().values()
    for panel in dashboard():
        yield from (target["expr"] for target in panel["targets"])


@pytest.fixture
async def page(tmp_path: Path) -> str:
    metrics = Metrics()
    archive = StoredBackup(tmp_path / "a.zip", NOW, 5000, daily=True, good=True, sealed=True)
    metrics.surroundings = Surroundings(
        tmp_path,
        latencies=lambda: {7: 0.05},  # type: ignore[dict-item]
        bots=lambda: 2,
        backup=lambda: archive,
    )
    metrics.count_sent(Origin.RULE, MessageState.ACCEPTED, 0.3)
    metrics.count_sent(Origin.AI, MessageState.REJECTED, 0.3)
    async with open_store(tmp_path / "hub.db") as store:
        await metrics.refresh(store, NOW)
    return metrics.page().decode()


def families(page: str) -> set[str]:
    """Every name that a query may use."""
    names = set()
    for name, kind in re.findall(r"^# TYPE (\S+) (\w+)$", page, re.M):
        ends = ("_bucket", "_count", "_sum") if kind == "histogram" else ("",)
        names |= {name + end for end in ends}
    return names


async def test_every_metric_that_is_asked_for_exists(page: str) -> None:
    asked = {name for expression in expressions() for name in _NAME.findall(expression)}
    assert len(asked) > 20
    assert asked - families(page) == set()


async def test_every_metric_of_ours_is_shown_or_watched(page: str) -> None:
    ours = {
        re.sub("_(bucket|count|sum)$", "", name)
        for name in families(page)
        if name.startswith("yuqiao") and not name.endswith("_created")
    }
    asked = {
        re.sub("_(bucket|count|sum)$", "", name)
        for expression in expressions()
        for name in _NAME.findall(expression)
    }
    assert ours - asked == {
        "yuqiao_ai_seconds",
        "yuqiao_backup_newest_bytes",
        "yuqiao_build_info",
        "yuqiao_supplier_seconds",
    }


def test_the_states_and_kinds_that_are_asked_for_are_known() -> None:
    known = {
        "yuqiao_accounts": {*AccountState},
        "yuqiao_deliveries": {*DeliveryState},
        "yuqiao_outbox_oldest_seconds": {*TaskKind},
        "yuqiao_answers_total": {*MessageState, *Origin},
    }
    for expression in expressions():
        for name, values in known.items():
            for inside in re.findall(rf"{name}{{([^}}]*)}}", expression):
                for _, value in _LABELS.findall(inside):
                    assert set(value.split("|")) <= {str(one) for one in values}, expression


def test_the_guides_thresholds_are_the_rules() -> None:
    rules = alerts()
    assert rules["CPU 太忙"].endswith("> 0.8")
    assert rules["内存快用完"].endswith("> 0.85")
    assert rules["磁盘快满"].endswith("< 0.2")
    assert rules["到闲鱼的网络慢"].endswith("> 0.1")


async def test_figures_of_the_surroundings_are_there(page: str) -> None:
    for line in (
        'yuqiao_answers_total{outcome="accepted",source="rule"} 1.0',
        'yuqiao_answer_seconds_count{source="rule"} 1.0',
        'yuqiao_xianyu_latency_seconds{account="7"} 0.05',
        "yuqiao_qq_bots 2.0",
        "yuqiao_backup_newest_bytes 5000.0",
        'yuqiao_outbox_oldest_seconds{kind="send"} 0.0',
    ):
        assert line in page
    assert 'yuqiao_disk_bytes{what="free"}' in page
    assert "process_resident_memory_bytes" in page
    assert re.search(r"^yuqiao_memory_limit_bytes [1-9]", page, re.M)


def test_no_two_panels_lie_on_each_other() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in dashboard():
        at = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert not cells & taken, panel["title"]
        taken |= cells
