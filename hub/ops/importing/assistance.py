"""AI of the original: a model for each account, and answers that wait for a person."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hub.assist import check_profile
from hub.errors import Invalid
from hub.model import AiMode, AiProfile, AiProfileId, AiScope, Floor, FloorKind
from hub.ops.importing import cells
from hub.ops.importing.plan import Draft, NewAi, OldAccount, line_of
from hub.ops.importing.report import Outcome, Part
from hub.ops.importing.stock import is_dearer
from hub.store import OriginalRow
from hub.text import imports as words

AI = "ai"
PART = Part.AI
LONGEST_NAME = 40
LONGEST_PROMPT = 2000
FIRST_MODEL = "qwen-plus"
FIRST_ADDRESS = "https://dashscope.aliyuncs.com/compatible-mode/v1"
_OTHER_INTERFACE = frozenset({"custom", "自定义", "dashscope", "qwen-custom"})
_PROMPTS = ("default", "price", "tech")


def plan_ai(draft: Draft) -> None:
    draft.names["profile"] = set(draft.known.profiles)
    draft.each(PART, "ai_reply_settings", lambda row: _plan(draft, row))
    if any(step.kind == AI for step in draft.steps):
        draft.report.ask(words.AI_IS_DRAFT)


def _plan(draft: Draft, row: OriginalRow) -> None:
    key = cells.word(row, "cookie_id")
    account = draft.account_for(PART, key, key)
    if account is None:
        return
    if (AI, account.key) in draft.known.ledger:
        draft.leave(PART, key, outcome=Outcome.KNOWN)
        return
    on = cells.flag(row, "ai_enabled", False)
    api_key, prompt = cells.word(row, "api_key"), _prompt(cells.fields(row, "custom_prompts"))
    if not (on or api_key or prompt):
        draft.leave(PART, key, words.AI_NEVER_USED)
        return
    if account.running:
        draft.leave(PART, key, words.AI_OF_RUNNING)
        return
    notes = [words.AI_DRAFT if on else words.AI_OFF]
    profile = _profile(draft, row, account, api_key, notes)
    if len(prompt) > LONGEST_PROMPT:
        notes.append(words.PROMPT_CUT)
    scope = AiScope(mode=AiMode.DRAFT if on else AiMode.OFF, prompt=prompt[:LONGEST_PROMPT])
    floor, item_floors = _floors(draft, row, account, notes) if on else (None, ())
    draft.put(
        line_of(PART, key, notes),
        AI,
        account.key,
        NewAi(account.key, profile, scope, floor, item_floors),
    )


def _prompt(written: dict[str, Any]) -> str:
    """How to answer, in the owner's words; telling intents apart is ours to do."""
    parts = [(name, written.get(name)) for name in _PROMPTS]
    said = [(name, text.strip()) for name, text in parts if isinstance(text, str) and text.strip()]
    if len(said) == 1:
        return said[0][1]
    return "\n\n".join(f"{words.PROMPTS[name]}：{text}" for name, text in said)


def _profile(
    draft: Draft, row: OriginalRow, account: OldAccount, api_key: str, notes: list[str]
) -> AiProfile | None:
    """None: there is no key, or nothing that we could ask."""
    model = cells.word(row, "model_name") or FIRST_MODEL
    address = cells.word(row, "base_url") or FIRST_ADDRESS
    if not api_key:
        notes.append(words.NO_KEY)
        return None
    if model in _OTHER_INTERFACE or "/apps/" in address:
        notes.append(words.OTHER_INTERFACE)
        return None
    profile = AiProfile(
        id=AiProfileId(0),
        shop=draft.known.shop,
        name=draft.free_name("profile", f"{account.name} · {model}", LONGEST_NAME),
        base_url=address.rstrip("/"),
        model=model,
        api_key=api_key,
    )
    try:
        check_profile(profile)
    except Invalid as error:
        notes.append(words.bad_profile(next(iter(error.fields.values()), error.text)))
        return None
    draft.report.secrets[words.SECRET_AI] += 1
    return profile


def _floors(
    draft: Draft, row: OriginalRow, account: OldAccount, notes: list[str]
) -> tuple[Floor | None, tuple[tuple[str, Floor], ...]]:
    """Both limits held at once, and only in a prompt (L42). A share of the price for the account,
    and the amount for items that are dear enough for it to be the tighter one. Zero is zero."""
    percent = cells.number(row, "max_discount_percent")
    amount = cells.number(row, "max_discount_amount")
    rounds = cells.number(row, "max_bargain_rounds")
    if rounds is not None and rounds != 3:
        notes.append(words.rounds(int(rounds)))
    if percent is None and amount is None:
        return None, ()
    if (percent is not None and percent <= 0) or (amount is not None and amount <= 0):
        notes.append(words.NO_DISCOUNT)
        return Floor(FloorKind.PERCENT, Decimal(0)), ()
    if percent is None or amount is None or percent >= 100:
        if amount is None:
            notes.append(words.UNLIMITED_DISCOUNT)
            return None, ()
        notes.append(words.floor_amount(amount))
        return Floor(FloorKind.AMOUNT, amount), ()
    notes.append(words.floor_percent(percent))
    dear = [
        item
        for item in draft.items
        if item.account == account.key and is_dearer(item, amount * 100 / percent)
    ]
    if dear:
        notes.append(words.floor_dear(len(dear), amount))
    return (
        Floor(FloorKind.PERCENT, percent),
        tuple((item.id, Floor(FloorKind.AMOUNT, amount)) for item in dear),
    )
