"""What is said when everything automatic stops at once, and goes on again."""

from __future__ import annotations

from collections.abc import Sequence

from hub.model import WHOLE_SHOP, Account, Place, Scope, Stop
from hub.text.delivery import stop_line
from hub.text.holds import how_to_resume, place_name


def halted(account: Account | None, *, news: bool) -> str:
    where, back = _where(account), _command("/开", account)
    if not news:
        return f"{where}本来就全停着。恢复：{back}"
    return (
        f"⛔ {where}已全部停下：不再自动回复，也不再自动发货。已经发出的收不回。"
        f"买家的消息照样通知你，你照样能回复。恢复：{back}"
    )


def going(
    account: Account | None,
    *,
    news: bool,
    orders: int,
    stops: Sequence[tuple[Stop, Account | None]],
    paused: Sequence[Place],
) -> str:
    """`stops` and `paused`: what is still stopped, there or elsewhere."""
    where, here = _where(account), Scope(account=account.id) if account is not None else WHOLE_SHOP
    held = any(one.scope in (here, WHOLE_SHOP) for one in paused)
    said = f"▶ {where}的自动回复和发货都恢复了" if news else f"{where}没有单独停着"
    if news and held:
        said = f"▶ {where}的急停解除了，自动回复还按之前的暂停停着"
    if not (news or stops or paused):
        said += "，自动回复和发货都正常"
    if orders:
        said += f"，{orders} 笔订单接着发"
    lines = [said]
    lines += [f"{stop_line(stop, of)}，恢复发 {_command('/开', of)}" for stop, of in stops]
    if paused:
        named = "、".join(f"{place_name(one)}（{how_to_resume(one)}）" for one in paused[:3])
        more = f" 等 {len(paused)} 处" if len(paused) > 3 else ""
        lines.append(f"还单独暂停着：{named}{more}")
    return "\n".join(lines)


def has_no_end(unknown: str, said: str) -> str:
    """`said`: what is no account, and seems to be a length."""
    return (
        f"{unknown}。「{said}」像是时长：/停 不写时长，一直停到 /开；"
        "只想把自动回复停一会儿用 /暂停，例如 /暂停 30分"
    )


def stands(account: Account | None, reason: str, *, answers: bool) -> str:
    """A line about a stop that is on. `answers`: the automatic answers of that place are stopped
    as well."""
    what, name = ("自动回复和发货都", "/开") if answers else ("发货", "/开发")
    return f"⛔ {_where(account)}{what}停着：{reason}，恢复发 {_command(name, account)}"


def _where(account: Account | None) -> str:
    return f"【{account.name}】" if account is not None else "全店"


def _command(name: str, account: Account | None) -> str:
    return f"{name} {account.name}" if account is not None else name
