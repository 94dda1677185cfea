"""`yuqiao bench rules`: how long the engine takes to decide about one message of a buyer.

The decision alone, without sockets and disk: what it costs to have many rules is paid here. And
what a change of them costs once: reading them all, and sorting them out; and a large spreadsheet.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from random import Random
from statistics import median, quantiles
from typing import Any

from hub.app import utc_now
from hub.desk import Desk, Door, Operator
from hub.model import (
    AccountId,
    Match,
    Member,
    MemberId,
    Role,
    Rule,
    RuleId,
    RuleKind,
    ShopId,
    Text,
)
from hub.policy import (
    RULE_COLUMNS,
    RULE_SHEET,
    Answer,
    Asked,
    Clock,
    Rulebook,
    decide_reply,
    rule_lines,
)
from hub.settings import Settings
from hub.sheets import write_xlsx
from hub.store import Store, Tx, open_store

SIGNS = (
    "的一是在不了有和人这中大为上个国我以要他时来用们生到作地于出就分对成会可主发年动同工也能下过子说产种面而方后多"
    "定行学法所民得经十三之进着等部度家电力里如水化高自二理起小物现实加量都两体制机当使点从业本去把性好应开它合还因由"
    "其些然前外天政四日那社义事平形相全表间样与关各重新线内数正心反你明看原又么利比或但质气第向道命此变条只没结解问意"
)
"""Common characters, so that words share beginnings as they do in a shop."""
ITEMS = 200
PATTERNS = (
    r"(能|可以|可否).{0,4}(便宜|少|降)",
    r"\d+(\.\d+)?\s*(元|块)",
    r"^(在|在吗|在不在)[?？]?$",
    r"(什么时候|多久|几天).{0,6}(发货|到)",
)
LENGTHS = (2, 60)
"""Characters of a message."""
EXPIRE = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class RulesResult:
    rules: int
    patterns: int
    messages: int
    answered: int
    p50: float
    p95: float
    p99: float
    worst: float
    """Milliseconds for one decision."""
    cpu: float
    """Milliseconds of processor time for one, whatever else the machine does."""
    read: float
    sorted_out: float
    """Milliseconds once after a change: from the database, and into order."""
    lines: int
    """Of the spreadsheet."""
    looked: float
    brought: float
    """Seconds to look at an Excel file with so many new rules, and to look and bring them in."""

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


async def run_rules(
    rules: int = 5000,
    patterns: int = 20,
    messages: int = 20_000,
    lines: int = 10_000,
    seed: int = 1,
) -> RulesResult:
    """`patterns` of the rules are regular expressions, a tenth match exactly, and half are for
    items."""
    random = Random(seed)  # noqa: S311 - nothing here is a secret
    with tempfile.TemporaryDirectory(prefix="yuqiao-bench-") as folder:
        async with open_store(Path(folder) / "hub.db") as store:
            kept, read = await _kept(store, _made(random, rules, patterns))
            looked, brought = await _bring(store, _made(random, lines, 0))
    began = time.perf_counter()
    book = Rulebook(kept)
    sorted_out = (time.perf_counter() - began) * 1000
    asked = [_asked(random, kept) for _ in range(messages)]
    used = time.process_time()
    took, answered = _decide(book, asked)
    cpu = (time.process_time() - used) * 1000 / messages
    cuts = quantiles(took, n=100)
    return RulesResult(
        len(kept),
        patterns,
        messages,
        answered,
        median(took),
        cuts[94],
        cuts[98],
        max(took),
        cpu,
        read,
        sorted_out,
        lines,
        looked,
        brought,
    )


def report_rules(result: RulesResult) -> str:
    return "\n".join(
        (
            f"{result.rules} rules, {result.patterns} of them patterns",
            f"{result.messages} messages, {result.answered} answered: p50 {result.p50:.3f} ms,"
            f" p95 {result.p95:.3f} ms, p99 {result.p99:.3f} ms, worst {result.worst:.2f} ms;"
            f" {result.cpu:.3f} ms of processor time each",
            f"after a change, once: read {result.read:.0f} ms, sorted out"
            f" {result.sorted_out:.0f} ms",
            f"Excel file of {result.lines} lines: looked at in {result.looked:.2f} s, brought in"
            f" in {result.brought:.2f} s",
        )
    )


async def _kept(store: Store, rules: Sequence[Rule]) -> tuple[Sequence[Rule], float]:
    """As an account gets them, and how long reading them takes."""
    shop = await store.read(lambda tx: tx.shops.default())

    def unit(tx: Tx) -> None:
        tx.rules.put(shop, rules, [], utc_now())

    await store.write(unit)
    began = time.perf_counter()
    kept = await store.read(lambda tx: tx.rules.enabled(shop, AccountId(1)))
    return kept, (time.perf_counter() - began) * 1000


async def _bring(store: Store, rules: Sequence[Rule]) -> tuple[float, float]:
    desk = Desk(store, Settings(), utc_now)
    shop = await store.read(lambda tx: tx.shops.default())
    owner = Operator(Member(MemberId(0), shop, "bench", Role.OWNER), Door.CLI)
    columns = [(name, 12.0) for name in RULE_COLUMNS]
    data = write_xlsx(RULE_SHEET, columns, rule_lines(rules, {}))
    began = time.perf_counter()
    await desk.rule_sheets.preview(owner, data)
    looked = time.perf_counter() - began
    began = time.perf_counter()
    await desk.rule_sheets.import_(owner, data)
    return looked, time.perf_counter() - began


def _made(random: Random, number: int, patterns: int) -> list[Rule]:
    made = []
    for count in range(number):
        match = Match.EXACT if count % 10 == 0 else Match.CONTAINS
        words: tuple[str, ...] = tuple(_words(random, 3, 8) for _ in range(random.randint(1, 3)))
        if count < patterns:
            match, words = Match.PATTERN, (f"{PATTERNS[count % len(PATTERNS)]}|{words[0]}",)
        made.append(
            Rule(
                RuleId(0),
                ShopId(1),
                None,
                RuleKind.KEYWORD,
                keywords=words,
                reply="在的，直接拍就可以",
                match=match,
                items=() if count < patterns or count % 2 else (_item(random),),
                priority=random.choice((0, 0, 0, 5)),
            )
        )
    return made


def _asked(random: Random, rules: Sequence[Rule]) -> Asked:
    """Most say what no rule knows, which costs most; some say a keyword."""
    said = _words(random, *LENGTHS)
    if random.random() < 0.3:
        said += random.choice(rules).keywords[0]
    return Asked(Text(said), utc_now(), _item(random))


def _decide(book: Rulebook, asked: Sequence[Asked]) -> tuple[list[float], int]:
    now = utc_now()
    at, took, answered = Clock(now, now), [], 0
    for one in asked:
        began = time.perf_counter()
        decided = decide_reply(one, book, None, enabled=True, at=at, expire=EXPIRE, no_ai="off")
        took.append((time.perf_counter() - began) * 1000)
        answered += isinstance(decided, Answer)
    return took, answered


def _words(random: Random, shortest: int, longest: int) -> str:
    return "".join(random.choices(SIGNS, k=random.randint(shortest, longest)))


def _item(random: Random) -> str:
    return f"9001002{random.randrange(ITEMS):05d}"
