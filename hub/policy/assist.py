"""Whether AI is asked, and what becomes of what it proposes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from hub.errors import Verdict
from hub.model import (
    AccountId,
    AiAnswer,
    AiLimits,
    AiMode,
    AiProfile,
    AiSettings,
    AiTrouble,
    AiUse,
    Hours,
    Intent,
)

DEFAULT_MODE = AiMode.DRAFT
"""Of a shop that said nothing: nothing goes out that no person has read."""

SENSITIVE: Mapping[Intent, str] = {
    Intent.REFUND: "买家在说退款",
    Intent.COMPLAINT: "买家在投诉",
    Intent.CONTACT_OUTSIDE: "买家想到平台外面联系或付款",
    Intent.OTHER: "AI 说不清买家想要什么",
}
"""What no machine answers by itself, whatever the settings say."""

VERDICTS: Mapping[AiTrouble, Verdict] = {
    AiTrouble.UNREACHABLE: Verdict.RETRY,
    AiTrouble.TIMEOUT: Verdict.RETRY,
    AiTrouble.CUT: Verdict.RETRY,
    AiTrouble.BROKEN: Verdict.RETRY,
    AiTrouble.OUT_OF_TIME: Verdict.RETRY,
    AiTrouble.THROTTLED: Verdict.LATER,
    AiTrouble.KEY: Verdict.PAUSE,
    AiTrouble.NO_MONEY: Verdict.PAUSE,
    AiTrouble.FORBIDDEN_ADDRESS: Verdict.FAIL,
    AiTrouble.REJECTED: Verdict.FAIL,
    AiTrouble.REFUSED: Verdict.FAIL,
    AiTrouble.EMPTY: Verdict.FAIL,
    AiTrouble.NO_PROFILE: Verdict.FAIL,
    AiTrouble.UNREADABLE: Verdict.QUARANTINE,
    AiTrouble.TOO_LARGE: Verdict.QUARANTINE,
}
"""Asking again costs money and changes nothing, so it is always safe; whether it is wanted is up to
whoever asked."""


def mode_for(settings: AiSettings, intent: Intent | None = None) -> AiMode:
    """How far AI may go; `intent` None: before anybody knows what the buyer wants.

    The item's word counts before the account's, the account's before the shop's. Off is off for
    every intent; otherwise the narrowest scope that says something about this intent decides.
    """
    general = next((s.mode for s in settings.scopes if s.mode is not None), DEFAULT_MODE)
    if general is AiMode.OFF or intent is None:
        return general
    for scope in settings.scopes:
        for named, mode in scope.intents:
            if named is intent:
                return mode
    return general


def hours_for(settings: AiSettings) -> tuple[Hours, ...]:
    return next((s.hours for s in settings.scopes if s.hours is not None), ())


def within_hours(hours: Iterable[Hours], now: datetime, zone: ZoneInfo) -> bool:
    """Whether it is one of these times of the day; none at all means always."""
    spans, local = tuple(hours), now.astimezone(zone)
    return not spans or any(one.has(local) for one in spans)


def day_began(now: datetime, zone: ZoneInfo) -> datetime:
    """The last midnight in the shop's zone, which is when budgets begin anew."""
    return datetime.combine(now.astimezone(zone).date(), time(), zone)


def why_not_ask(
    settings: AiSettings,
    *,
    enabled: bool,
    now: datetime,
    zone: ZoneInfo,
    today: AiUse,
    conversation: AiUse,
    wanted: bool = False,
) -> str | None:
    """None: ask. Else why not, for the operator.

    `enabled`: the switch of the installation. `today` and `conversation`: what the shop and this
    conversation have spent since midnight. `wanted`: a person asks for it, at whatever hour; the
    budget holds all the same.
    """
    if not enabled:
        return "AI 已在设置文件里关闭（ai.enabled）"
    if not wanted and mode_for(settings) is AiMode.OFF:
        return _who_is_off(settings)
    if not wanted and not within_hours(hours_for(settings), now, zone):
        return "现在不在 AI 的工作时间"
    return _why_no_budget(settings.limits, today, conversation)


def _who_is_off(settings: AiSettings) -> str:
    for name, scope in zip(("这个商品", "这个账号", "全店"), settings.scopes, strict=True):
        if scope.mode is not None:
            return f"{name}的 AI 是关的"
    return "AI 是关的"


def _why_no_budget(limits: AiLimits, today: AiUse, conversation: AiUse) -> str | None:
    if 0 < limits.calls_per_day <= today.calls:
        return f"全店今天问 AI 的次数用完了（{limits.calls_per_day} 次）"
    if 0 < limits.tokens_per_day <= today.tokens:
        return f"全店今天的 AI 用量用完了（{limits.tokens_per_day} token）"
    if 0 < limits.calls_per_conversation <= conversation.calls:
        return f"这个会话今天问 AI 的次数用完了（{limits.calls_per_conversation} 次）"
    if 0 < limits.tokens_per_conversation <= conversation.tokens:
        return f"这个会话今天的 AI 用量用完了（{limits.tokens_per_conversation} token）"
    return None


@dataclass(frozen=True, slots=True)
class SuggestionVerdict:
    """What becomes of a suggestion. `mode` OFF: nothing at all."""

    mode: AiMode
    reason: str
    tell: bool = False
    """The operator should hear of it even if nobody is waiting for drafts."""


def judge_suggestion(settings: AiSettings, answer: AiAnswer) -> SuggestionVerdict:
    """Whether a suggestion may go out by itself. What guards texts has its say afterwards."""
    mode = mode_for(settings, answer.intent)
    percent = round(answer.confidence * 100)
    if sensitive := SENSITIVE.get(answer.intent):
        if mode is AiMode.OFF:
            return SuggestionVerdict(AiMode.OFF, f"{sensitive}，这类问题不让 AI 答", tell=True)
        return SuggestionVerdict(AiMode.DRAFT, f"{sensitive}，要人看过才发", tell=True)
    if answer.intent is Intent.NONE or not answer.text:
        return SuggestionVerdict(AiMode.OFF, "AI 认为这句话不用回答")
    if mode is AiMode.OFF:
        return SuggestionVerdict(AiMode.OFF, "这类问题不让 AI 答")
    if mode is AiMode.DRAFT:
        return SuggestionVerdict(AiMode.DRAFT, "设置里选的是草稿")
    if percent < settings.limits.confidence:
        unsure = f"AI 只有 {percent}% 的把握，低于 {settings.limits.confidence}%"
        return SuggestionVerdict(AiMode.DRAFT, unsure, tell=True)
    return SuggestionVerdict(AiMode.AUTOMATIC, f"AI 有 {percent}% 的把握")


def profiles_for(profiles: Iterable[AiProfile], account: AccountId | None) -> list[AiProfile]:
    """Whom to ask, in order: the account's own before the shop's, each by position. Disabled ones
    and those of other accounts are left out; the one from the settings file is the shop's first.
    """
    ours = [p for p in profiles if p.enabled and p.account in (None, account)]
    return sorted(ours, key=lambda p: (p.account is None, p.id != 0, p.position, p.id))


def longest_wait(profiles: Iterable[AiProfile], most: timedelta) -> timedelta:
    """After which an answer has come or will not."""
    return min(most, timedelta(seconds=sum(p.timeout_seconds for p in profiles)))


def masked_texts(text: str, secrets: Iterable[str], instead: str) -> str:
    """The text without any of the secrets, whatever their case; the longest go first."""
    for secret in sorted(set(secrets), key=len, reverse=True):
        if secret.strip():
            text = _without(text, secret.strip(), instead)
    return text


def _without(text: str, secret: str, instead: str) -> str:
    folded, wanted = text.casefold(), secret.casefold()
    if len(folded) != len(text):  # signs that fold into several: positions would not fit
        return text.replace(secret, instead)
    parts, at = [], 0
    while (found := folded.find(wanted, at)) >= 0:
        parts.append(text[at:found])
        at = found + len(wanted)
    return instead.join([*parts, text[at:]]) if parts else text
