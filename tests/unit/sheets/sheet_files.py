"""Files as people's programs make them."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence

from openpyxl import Workbook

KNOWN = ("关键词", "商品ID", "关键词内容")


def xlsx(
    rows: Iterable[Sequence[object]],
    columns: Sequence[str] = KNOWN,
    *,
    title: str = "关键词数据",
    merge: Iterable[str] = (),
) -> bytes:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = title
    sheet.append(list(columns))
    for row in rows:
        sheet.append(list(row))
    for block in merge:
        sheet.merge_cells(block)
    packed = io.BytesIO()
    book.save(packed)
    return packed.getvalue()
