"""What `/体检` says: short lines, each with what to do."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from hub.model import Account, AccountId, AccountState, Guards, NeedKind, Spec, Stop
from hub.text.accounts import ACCOUNT_STATES, account_mend
from hub.text.content import shorten
from hub.text.delivery import stop_line

GOOD, BAD, NOTE = "✅", "❌", "ℹ"
ALL_WELL = "没有发现问题"
NOT_STOPPED = f"{GOOD} 发货没有停"

_NO_RULE = {
    NeedKind.NO_RULE: "没有发货规则，不会自动发。到后台「发货规则」里添加",
    NeedKind.UNKNOWN_SPEC: "没有规则写着这个规格，不会自动发。到后台「发货规则」里加上",
}


def check_up_item(
    title: str,
    account: Account,
    *,
    on_sale: bool | None,
    stops: Sequence[Stop],
    halted: Collection[AccountId | None],
    specs: Sequence[tuple[Spec, NeedKind | None, str, str | None, int | None]],
    guards: Guards,
) -> str:
    """`specs`: the choice; why no rule serves it, or the pool's name, why it is short, and how
    many cards are there. `halted`: where an emergency stop is on."""
    lines = [f"体检「{shorten(title, 30)}」【{account.name}】", _account(account)]
    if on_sale is False:
        lines.append(f"{NOTE} 商品已经下架，买家拍不了")
    lines += [_stop(one, account, halted) for one in stops] or [NOT_STOPPED]
    for spec, missing, pool, short, there in specs:
        chosen = "；".join(value for _, value in spec)
        lines.append(_served(f"{chosen}：" if chosen else "", missing, pool, short, there))
    lines += _guards(guards)
    return _summed(lines)


def check_up_shop(
    accounts: Sequence[Account],
    stops: Sequence[tuple[Stop, Account | None]],
    rules: Sequence[tuple[str, str, str | None, int | None]],
    *,
    switched_off: int,
    needs: int,
    held: bool,
    halted: Collection[AccountId | None],
    guards: Guards,
) -> str:
    """`rules`: the sentence of each, its pool's name, why that is short, how many are there.
    `halted`: where an emergency stop is on."""
    lines = ["体检"]
    lines += [_account(one) for one in accounts] or [f"{BAD} 还没有账号，请在网页后台添加"]
    lines += [_stop(stop, account, halted) for stop, account in stops] or [NOT_STOPPED]
    for sentence, pool, short, there in rules:
        lines.append(_served("", None, pool, short, there))
        if short is not None:
            lines.append(f"　用在：{sentence}")
    if not rules:
        lines.append(f"{NOTE} 没有打开的发货规则，什么都不会自动发。到后台「发货规则」里添加")
    if switched_off:
        lines.append(f"{NOTE} {switched_off} 条发货规则关着")
    if needs:
        lines.append(f"{BAD} {needs} 件事等你处理，发 /待处理 看")
    if held:
        lines.append(f"{NOTE} 整个店铺的自动回复停着（发货不受影响），恢复发 /恢复")
    lines += _guards(guards)
    return _summed(lines)


def _summed(lines: list[str]) -> str:
    wrong = sum(line.startswith(BAD) for line in lines)
    return "\n".join([*lines, f"{wrong} 处要处理" if wrong else ALL_WELL])


def _account(account: Account) -> str:
    if account.state is AccountState.ONLINE and account.enabled:
        return f"{GOOD} 账号「{account.name}」在线"
    if not account.enabled:
        return f"{BAD} 账号「{account.name}」停用着，收不到订单。发 /启用 {account.name}"
    mend = account_mend(account).split("\n")[0] or f"正在自动恢复；等不及就发 /重连 {account.name}"
    return f"{BAD} 账号「{account.name}」{ACCOUNT_STATES[account.state]}，收不到订单。{mend}"


def _stop(stop: Stop, account: Account | None, halted: Collection[AccountId | None]) -> str:
    named = account if stop.account is not None else None
    again = "/开" if stop.account in halted else "/开发"
    again = f"{again} {named.name}" if named is not None else again
    return f"{BAD} {stop_line(stop, named)}。恢复发 {again}"


def _served(
    chosen: str, missing: NeedKind | None, pool: str, short: str | None, there: int | None
) -> str:
    if missing is not None:
        return f"{BAD} {chosen}{_NO_RULE[missing]}"
    if short is not None:
        return f"{BAD} {chosen}{short}。补货发 /补货 {pool}" if pool else f"{BAD} {chosen}{short}"
    left = f"，还有 {there} 张" if there is not None else ""
    return f"{GOOD} {chosen}从卡池「{pool}」发{left}"


def _guards(guards: Guards) -> list[str]:
    """What may hold one purchase though everything is in order."""
    rules = []
    if guards.blocked_buyers:
        rules.append(f"黑名单 {len(guards.blocked_buyers)} 人")
    if guards.hold_second_order:
        rules.append("有没确认收货订单的买家")
    if guards.most_amount is not None:
        rules.append(f"超过 {guards.most_amount} 元")
    if guards.most_amount_new_buyer is not None:
        rules.append(f"新买家超过 {guards.most_amount_new_buyer} 元")
    return [f"{NOTE} 这些订单会先问你：{'、'.join(rules)}"] if rules else []
