"""What is said about how far AI may go."""

from __future__ import annotations

from collections.abc import Sequence

from hub.model import AiMode, Place
from hub.text.holds import place_name

MODES: dict[AiMode, str] = {
    AiMode.OFF: "关（不答）",
    AiMode.DRAFT: "草稿（先给你看）",
    AiMode.AUTOMATIC: "自动（有把握就直接发）",
}
EXAMPLES = "例如：/ai 关、/ai 草稿 小店、引用通知写 /ai 自动"
_SHOWN = 5


def changed(
    place: Place, own: AiMode | None, mode: AiMode, apart: Sequence[tuple[Place, AiMode]]
) -> str:
    where = place_name(place)
    said = f"{where}的 AI 改为{MODES[mode]}"
    if own is None:
        said = f"{where}的 AI 跟着上一级，现在是{MODES[mode]}"
    others = [one for one in apart if one[1] is not mode]
    return "\n".join([said, *_apart(others, "没有跟着变")])


def page(place: Place, mode: AiMode, apart: Sequence[tuple[Place, AiMode]], trouble: str) -> str:
    """`trouble`: why none of it counts now; may be empty."""
    lines = [f"{place_name(place)}的 AI：{MODES[mode]}", *_apart(apart, "另外设置")]
    if trouble:
        lines.append(trouble)
    return "\n".join([*lines, f"要改：{EXAMPLES.removeprefix('例如：')}"])


def _apart(apart: Sequence[tuple[Place, AiMode]], how: str) -> list[str]:
    lines = [f"{place_name(place)}{how}：{MODES[mode]}" for place, mode in apart[:_SHOWN]]
    if len(apart) > _SHOWN:
        lines.append(f"还有 {len(apart) - _SHOWN} 处，在后台的「AI」里看")
    return lines


def not_enabled() -> str:
    return "AI 在设置文件里关着（ai.enabled），现在不会生效"


def no_profile() -> str:
    return "还没有添加 AI，请店主在后台的「AI」里添加"
