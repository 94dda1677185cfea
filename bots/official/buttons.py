"""Buttons below notices: what they do can always be typed as well."""

from __future__ import annotations

from typing import Any

from hub.commands import closing_ticket, need_of_notice

FILL_IN, CALL_BACK = 2, 1
"""What a press does: put text into the input line, or tell the bot."""
EVERYBODY = 2


def keyboard_for(text: str) -> dict[str, Any] | None:
    """For what tells of a conversation or of something to decide; None for all else."""
    ticket, need = closing_ticket(text), need_of_notice(text)
    row = []
    if need is not None:
        row.append(_button("做法", f"/处理 {need}", CALL_BACK))
    if ticket is not None:
        row.append(_button("回复", f"#{ticket} ", FILL_IN))
        row.append(_button("历史", f"/历史 #{ticket}", CALL_BACK))
        row.append(_button("接管", f"/接管 #{ticket}", CALL_BACK))
    return {"content": {"rows": [{"buttons": row}]}} if row else None


def _button(label: str, words: str, kind: int) -> dict[str, Any]:
    return {
        "id": words.strip(),
        "render_data": {"label": label, "visited_label": label, "style": 1},
        "action": {
            "type": kind,
            "permission": {"type": EVERYBODY},
            "data": words,
            "unsupport_tips": f"请直接发：{words.strip()}",
        },
    }
