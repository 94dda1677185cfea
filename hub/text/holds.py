"""What is said about the automation being stopped and going on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from hub.model import Hold, HoldKind, Place
from hub.text.content import shorten
from hub.text.times import clock, span

LONGEST_TITLE = 24


def place_name(place: Place) -> str:
    """`「小林」`, `商品「键盘」`, `账号「小店」`, `整个店铺`."""
    scope = place.scope
    if scope.conversation is not None:
        return f"「{place.name or '买家'}」"
    if scope.item is not None:
        return f"商品「{shorten(place.name, LONGEST_TITLE) or scope.item}」"
    return "整个店铺" if scope.account is None else f"账号「{place.name or scope.account}」"


def how_to_resume(place: Place) -> str:
    scope = place.scope
    if place.halted:
        return f"/开 {place.name}".rstrip()
    if scope.conversation is not None:
        return f"/恢复 #{place.ticket}"
    if scope.item is not None:
        return f"/恢复 {scope.item}"
    return "/恢复 全店" if scope.account is None else f"/恢复 {place.name}"


def held_until(hold: Hold, zone: ZoneInfo, now: datetime) -> str:
    if hold.kind is HoldKind.EMERGENCY:
        return "直到 /开"
    return f"到 {clock(hold.until, zone, now)}" if hold.until else "直到 /恢复"


def held_line(hold: Hold, place: Place, zone: ZoneInfo, now: datetime) -> str:
    if hold.scope.conversation is not None:
        what = f"#{place.ticket} {place.name}".rstrip()
    else:
        what = place_name(place)
    return f"⏸ {what}：{hold.reason}，{held_until(hold, zone, now)}"


def paused(hold: Hold, place: Place, zone: ZoneInfo, now: datetime) -> str:
    what = "的自动回复" if hold.scope.item is None else "在所有会话里的自动回复"
    return f"⏸ 已暂停{place_name(place)}{what}，{_end(hold, place, zone, now)}{_closing(place)}"


def taken_over(hold: Hold, place: Place, zone: ZoneInfo, now: datetime) -> str:
    end = _end(hold, place, zone, now)
    return f"⏸ 你接管了{place_name(place)}，自动回复先停着，{end}{_closing(place)}"


def _end(hold: Hold, place: Place, zone: ZoneInfo, now: datetime) -> str:
    if hold.until is None:
        short = place.scope.conversation is not None
        return f"发 {'/恢复' if short else how_to_resume(place)} 继续"
    return f"到 {clock(hold.until, zone, now)}（{span(hold.until - now)}后）自动恢复"


def resumed(place: Place, ended: int, above: Sequence[Place], apart: Sequence[Place]) -> str:
    """`above`: what still stops it as well, being wider or an emergency stop. `apart`: what has a
    pause of its own."""
    what = place_name(place)
    if not ended:
        said = f"{what}的自动回复本来就没有单独暂停" if above else f"{what}的自动回复本来就没有暂停"
    elif above:
        said = f"{what}已恢复"
    else:
        said = f"▶ 已恢复{what}的自动回复"
    if above:
        said += f"，但{still_paused(above)}，{what}现在仍然不会自动回复"
        said += f"。解除：{'、'.join(how_to_resume(one) for one in above)}"
    if apart:
        said += f"。另有 {counted(apart)}单独暂停着，发 /状态 可以看到"
    closing = _closing(place)
    return said + (closing.replace(" ", "\n") if above else closing)


def counted(places: Sequence[Place]) -> str:
    """`2 个会话、1 个商品`."""
    kinds = [
        ("个会话", sum(one.scope.conversation is not None for one in places)),
        ("个商品", sum(one.scope.item is not None for one in places)),
        ("个账号", sum(one.scope.account is not None for one in places)),
    ]
    return "、".join(f"{count} {kind}" for kind, count in kinds if count)


def still_paused(places: Sequence[Place]) -> str:
    halted, paused = ([one for one in places if one.halted is on] for on in (True, False))
    said = [f"{'、'.join(map(place_name, halted))}全停着"] if halted else []
    said += [f"{'、'.join(map(place_name, paused))}还在暂停中"] if paused else []
    return "，".join(said)


def _closing(place: Place) -> str:
    """What is about one conversation ends with its ticket, so that quoting it answers the buyer."""
    return f" #{place.ticket}" if place.ticket else ""
