"""AI: whom to ask, how far it may go where, what it knows, and a try before buyers meet it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time
from decimal import Decimal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from hub.assist import Assist, check_profile, facts_of
from hub.desk.operator import Operator
from hub.errors import Conflict, Invalid, NotFound
from hub.model import (
    AccountId,
    AiAnswer,
    AiFailure,
    AiLimits,
    AiProfile,
    AiProfileId,
    AiScope,
    AiSettings,
    AiUse,
    AiUseId,
    Hours,
    Item,
    MessageId,
    Question,
    Role,
    Said,
    Speaker,
)
from hub.policy import SuggestionVerdict, day_began, judge_suggestion
from hub.settings import AssistSettings
from hub.store import Store, Tx
from hub.suggesting import FROM_SETTINGS, known_profiles

MOST_PROFILES = 20
LONGEST_KNOWLEDGE = 8000
LONGEST_PROMPT = 2000
LONGEST_WORDS = 500
MOST_SPANS = 10
MOST_CALLS = 1_000_000
MOST_TOKENS = 1_000_000_000
MOST_HISTORY = 50
MOST_DRAFT_MINUTES = 1440
TRIED_WORDS = "在吗，这个多少钱？"
TRIED_ITEM = Item(
    id="0",
    title="试答用的商品",
    description="全新，有现货，付款后自动发货。",
    price=Decimal("9.90"),
    quantity=1,
)

_ITEM_ID = re.compile(r"[0-9]{6,24}")
_SPAN = re.compile(r"(\d{1,2})[:：](\d{2})\s*[-–~～到至]\s*(\d{1,2})[:：](\d{2})")


@dataclass(frozen=True, slots=True)
class ProfileLine:
    """A profile without its key."""

    profile: AiProfile
    has_key: bool

    @property
    def fixed(self) -> bool:
        """It comes from the settings file and is changed there."""
        return self.profile.id == FROM_SETTINGS


@dataclass(frozen=True, slots=True)
class AiPlace:
    """Where settings hold: an account, an item (by its number), or, with neither, the shop."""

    account: AccountId | None = None
    item: str | None = None


@dataclass(frozen=True, slots=True)
class AiOverview:
    enabled: bool
    """The switch of the installation."""
    profiles: tuple[ProfileLine, ...]
    shop: AiScope
    limits: AiLimits
    accounts: Mapping[AccountId, AiScope]
    """Those that say something of their own; so with items, each with its title."""
    items: Sequence[tuple[str, str, AiScope]]
    today: AiUse
    answered: int
    failed: int
    """Calls of today that brought an answer, and that brought none."""


@dataclass(frozen=True, slots=True)
class AiTrial:
    """What a model said to a question that nobody asked."""

    outcome: AiAnswer | AiFailure
    verdict: SuggestionVerdict | None
    """What would have become of it."""


class AiDesk:
    def __init__(
        self,
        store: Store,
        assist: Assist,
        settings: AssistSettings,
        now: Callable[[], datetime],
        zone: ZoneInfo,
    ) -> None:
        self._store = store
        self._assist = assist
        self._settings = settings
        self._now = now
        self._zone = zone

    # --- looking ---

    async def overview(self, operator: Operator) -> AiOverview:
        operator.require(Role.VIEWER)
        shop, since = operator.shop, day_began(self._now(), self._zone)

        def unit(tx: Tx) -> AiOverview:
            found = tx.ai_scopes.settings(shop)
            outcomes = tx.ai_uses.by_outcome(shop, since)
            return AiOverview(
                enabled=self._settings.enabled,
                profiles=tuple(map(_line, known_profiles(tx, self._settings, shop))),
                shop=found.shop,
                limits=found.limits,
                accounts=tx.ai_scopes.accounts(shop),
                items=[
                    (item, _title(tx, operator, item), scope)
                    for item, scope in tx.ai_scopes.items(shop).items()
                ],
                today=tx.ai_uses.of_shop(shop, since),
                answered=sum(use.calls for _, how, use in outcomes if how == "answered"),
                failed=sum(u.calls for _, how, u in outcomes if how not in ("answered", "asking")),
            )

        return await self._store.read(unit)

    async def profile(self, operator: Operator, id_: AiProfileId) -> ProfileLine:
        operator.require(Role.VIEWER)
        return _line(await self._store.read(lambda tx: self._find(tx, operator, id_)))

    async def scope(self, operator: Operator, place: AiPlace) -> tuple[AiScope, AiSettings, str]:
        """What is said there, what holds there, and the name of the place."""
        operator.require(Role.VIEWER)

        def unit(tx: Tx) -> tuple[AiScope, AiSettings, str]:
            name = _name(tx, operator, place)
            account = place.account
            if place.item is not None:
                known = tx.items.get(operator.shop, place.item)
                account = None if known is None else known.account
            found = tx.ai_scopes.settings(operator.shop, account, place.item)
            if place.item is not None:
                return found.item, found, name
            return (found.account if place.account is not None else found.shop), found, name

        return await self._store.read(unit)

    # --- whom to ask ---

    async def add(self, operator: Operator, profile: AiProfile) -> AiProfile:
        """`profile.id` and `shop` are given here. Raises Invalid that names the field."""
        operator.require(Role.OWNER)
        check_profile(profile)
        now = self._now()

        def unit(tx: Tx) -> AiProfile:
            if len(tx.ai_profiles.all(operator.shop)) >= MOST_PROFILES:
                raise Invalid(f"最多 {MOST_PROFILES} 个，先删掉不用的")
            _check_account(tx, operator, profile.account)
            try:
                added = tx.ai_profiles.add(replace(profile, shop=operator.shop), now)
            except Conflict:
                raise _taken() from None
            operator.record(tx, "ai.profile.add", added.name, now)
            return added

        return replace(await self._store.write(unit), api_key="")

    async def change(
        self, operator: Operator, id_: AiProfileId, profile: AiProfile, *, keep_key: bool
    ) -> None:
        """`keep_key`: the one of before. It goes to no other server than the one it was given for,
        so a new address needs a key again."""
        operator.require(Role.OWNER)
        check_profile(profile)
        now = self._now()

        def unit(tx: Tx) -> None:
            old = self._stored(tx, operator, id_)
            _check_account(tx, operator, profile.account)
            key = profile.api_key
            if keep_key and old.api_key:
                if _origin(profile.base_url) != _origin(old.base_url):
                    sentence = "换了服务器，请重新填密钥"
                    raise Invalid(sentence, {"api_key": sentence})
                key = old.api_key
            try:
                tx.ai_profiles.save(replace(profile, id=id_, shop=operator.shop, api_key=key))
            except Conflict:
                raise _taken() from None
            operator.record(tx, "ai.profile.change", profile.name, now)

        await self._store.write(unit)

    async def switch(self, operator: Operator, id_: AiProfileId, *, enabled: bool) -> None:
        operator.require(Role.OWNER)
        now = self._now()

        def unit(tx: Tx) -> None:
            old = self._stored(tx, operator, id_)
            tx.ai_profiles.save(replace(old, enabled=enabled))
            operator.record(tx, f"ai.profile.{'on' if enabled else 'off'}", old.name, now)

        await self._store.write(unit)

    async def remove(self, operator: Operator, id_: AiProfileId) -> None:
        operator.require(Role.OWNER)
        now = self._now()

        def unit(tx: Tx) -> None:
            old = self._stored(tx, operator, id_)
            tx.ai_profiles.remove(operator.shop, id_)
            operator.record(tx, "ai.profile.remove", old.name, now)

        await self._store.write(unit)

    async def test(
        self, operator: Operator, id_: AiProfileId, words: str = TRIED_WORDS, item: str = ""
    ) -> AiTrial:
        """Really ask it, about an item of the shop or an invented one. Nothing is sent to anybody;
        what it costs is counted."""
        operator.require(Role.OWNER)
        asked = words.strip() or TRIED_WORDS
        if len(asked) > LONGEST_WORDS:
            raise Invalid(f"最多 {LONGEST_WORDS} 字", {"words": f"最多 {LONGEST_WORDS} 字"})
        now, shop = self._now(), operator.shop

        def unit(tx: Tx) -> tuple[AiProfile, Question, AiSettings, AiUseId]:
            profile = self._find(tx, operator, id_)
            known = None if not item else tx.items.get(shop, item)
            if item and known is None:
                sentence = "还没有读过这个商品，先到账号的商品页读取"
                raise Invalid(sentence, {"item": sentence})
            account = profile.account if known is None else known.account
            settings = tx.ai_scopes.settings(shop, account, item or None)
            scopes = (settings.shop, settings.account, settings.item)
            question = Question(
                words=(Said(MessageId(1), Speaker.BUYER, asked),),
                item=facts_of(TRIED_ITEM if known is None else known.item),
                knowledge=tuple(scope.knowledge for scope in scopes),
                guidance=tuple(scope.prompt for scope in scopes),
            )
            operator.record(tx, "ai.profile.test", profile.name, now)
            return profile, question, settings, tx.ai_uses.begin(shop, None, None, now)

        profile, question, settings, use = await self._store.write(unit)
        outcome = await self._assist.suggest(question, [profile])
        await self._store.write(
            lambda tx: tx.ai_uses.end(shop, use, outcome.tries, account=None, conversation=None)
        )
        if isinstance(outcome, AiFailure):
            return AiTrial(outcome, None)
        return AiTrial(outcome, judge_suggestion(settings, outcome))

    # --- how far it may go, and what it knows ---

    async def set_shop(self, operator: Operator, scope: AiScope, limits: AiLimits) -> None:
        operator.require(Role.OWNER)
        check_scope(scope)
        _check_limits(limits)
        now = self._now()

        def unit(tx: Tx) -> None:
            tx.ai_scopes.set_shop(operator.shop, scope, limits, now)
            operator.record(tx, "ai.configure", "shop", now)

        await self._store.write(unit)

    async def set_scope(self, operator: Operator, place: AiPlace, scope: AiScope) -> None:
        """Of an account or an item. What it leaves open, the wider one says."""
        operator.require(Role.OWNER)
        check_scope(scope)
        now, shop = self._now(), operator.shop

        def unit(tx: Tx) -> None:
            name = _name(tx, operator, place)
            if place.item is not None:
                tx.ai_scopes.set_item(shop, place.item, scope, now)
            elif place.account is not None:
                tx.ai_scopes.set_account(shop, place.account, scope, now)
            operator.record(tx, "ai.configure", name, now)

        await self._store.write(unit)

    # --- finding ---

    def _find(self, tx: Tx, operator: Operator, id_: AiProfileId) -> AiProfile:
        for profile in known_profiles(tx, self._settings, operator.shop):
            if profile.id == id_:
                return profile
        raise NotFound("这个 AI 不存在，可能已经被删除")

    def _stored(self, tx: Tx, operator: Operator, id_: AiProfileId) -> AiProfile:
        profile = self._find(tx, operator, id_)
        if profile.id == FROM_SETTINGS:
            raise Invalid("这个 AI 写在设置文件里（ai.base_url），请在那里改")
        return profile


def parse_hours(words: str) -> tuple[Hours, ...]:
    """`9:00-12:00、13:30-22:00`; nothing means always. Raises Invalid for the field `hours`."""
    rest = _SPAN.sub("", words)
    if re.sub(r"[\s,，、;；]", "", rest):
        raise _bad_hours()
    spans = [tuple(map(int, match.groups())) for match in _SPAN.finditer(words)]
    if len(spans) > MOST_SPANS:
        raise Invalid(f"最多 {MOST_SPANS} 段时间", {"hours": f"最多 {MOST_SPANS} 段"})
    return tuple(_hours(*span) for span in spans)


def _hours(from_hour: int, from_minute: int, to_hour: int, to_minute: int) -> Hours:
    if (to_hour, to_minute) == (24, 0):
        to_hour = 0
    try:
        return Hours(time(from_hour, from_minute), time(to_hour, to_minute))
    except ValueError:
        raise _bad_hours() from None


def _bad_hours() -> Invalid:
    sentence = "时间写成 9:00-22:00 的样子，几段用逗号隔开"
    return Invalid(sentence, {"hours": sentence})


def _line(profile: AiProfile) -> ProfileLine:
    return ProfileLine(replace(profile, api_key=""), bool(profile.api_key))


def _title(tx: Tx, operator: Operator, item: str) -> str:
    known = tx.items.get(operator.shop, item)
    return "" if known is None else known.item.title


def _name(tx: Tx, operator: Operator, place: AiPlace) -> str:
    """Raises NotFound or Invalid for a place that is none."""
    if place.item is not None:
        if not _ITEM_ID.fullmatch(place.item):
            sentence = "商品编号是一串数字，在商品链接里 id= 的后面"
            raise Invalid(sentence, {"item": sentence})
        return _title(tx, operator, place.item) or f"商品 {place.item}"
    if place.account is not None:
        account = tx.accounts.get(operator.shop, place.account)
        if account is None:
            raise NotFound("这个账号不存在，可能已经被删除")
        return account.name
    return "全店"


def _check_account(tx: Tx, operator: Operator, account: AccountId | None) -> None:
    if account is not None and tx.accounts.get(operator.shop, account) is None:
        raise Invalid("选的账号不存在，请重新选择", {"account": "账号不存在"})


def _taken() -> Invalid:
    return Invalid("已经有一个 AI 叫这个名字", {"name": "换个名字"})


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc.lower()


def check_scope(scope: AiScope) -> None:
    if len(scope.knowledge) > LONGEST_KNOWLEDGE:
        sentence = f"资料最多 {LONGEST_KNOWLEDGE} 字"
        raise Invalid(sentence, {"knowledge": sentence})
    if len(scope.prompt) > LONGEST_PROMPT:
        sentence = f"怎么答最多 {LONGEST_PROMPT} 字"
        raise Invalid(sentence, {"prompt": sentence})


def _check_limits(limits: AiLimits) -> None:
    ranges = (
        ("calls_per_day", limits.calls_per_day, MOST_CALLS),
        ("calls_per_conversation", limits.calls_per_conversation, MOST_CALLS),
        ("tokens_per_day", limits.tokens_per_day, MOST_TOKENS),
        ("tokens_per_conversation", limits.tokens_per_conversation, MOST_TOKENS),
        ("confidence", limits.confidence, 100),
        ("history", limits.history, MOST_HISTORY),
        ("draft_minutes", limits.draft_minutes, MOST_DRAFT_MINUTES),
    )
    for field, value, most in ranges:
        if not 0 <= value <= most:
            raise Invalid("有一个数不对", {field: f"填 0 到 {most} 的整数"})
