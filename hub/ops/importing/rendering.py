"""The report as people read it."""

from __future__ import annotations

import yaml

from hub.ops.importing.report import Line, Outcome, Part, Report
from hub.text import imports as words

LINES_SHOWN = 60
"""Of one part; the JSON names more."""


def in_words(report: Report) -> str:
    lines = [words.TITLE_DRY if report.dry else words.TITLE]
    lines.append(f"{report.source} · {words.version_line(report.version)}")
    if report.damage:
        lines.append(words.damage_line(report.damage))
    if not report.changed:
        lines.append(words.nothing_new())
    for part in Part:
        if report.number(part) or report.lines.get(part):
            lines += ["", *_of_part(report, part)]
    if report.secrets:
        said = "、".join(f"{name} {number}" for name, number in report.secrets.items())
        lines += ["", f"{words.SECRETS}：{said}"]
    if report.settings:
        dumped = yaml.safe_dump(report.settings, allow_unicode=True, sort_keys=False)
        lines += ["", words.SETTINGS, *(f"  {line}" for line in dumped.splitlines())]
    if report.todo:
        lines += ["", words.TODO]
        lines += [f"  {number}. {said}" for number, said in enumerate(report.todo, 1)]
    return "\n".join(lines)


def _of_part(report: Report, part: Part) -> list[str]:
    counts = {outcome.value: report.number(part, outcome) for outcome in Outcome}
    found = [words.summary_line(words.PARTS[part], counts)]
    told = [line for line in report.lines.get(part, []) if _worth_telling(line)]
    found += [_told(line) for line in told[:LINES_SHOWN]]
    if len(told) > LINES_SHOWN:
        found.append(words.more_lines(len(told) - LINES_SHOWN))
    return found


def _worth_telling(line: Line) -> bool:
    return bool(line.notes) or line.outcome in (Outcome.LEFT, Outcome.ADAPTED, Outcome.SUGGESTED)


def _told(line: Line) -> str:
    mark = {Outcome.LEFT: "✗", Outcome.ADAPTED: "△", Outcome.SUGGESTED: "→"}.get(line.outcome, "·")
    notes = "；".join(line.notes)
    return f"  {mark} {line.name}：{notes}" if notes else f"  {mark} {line.name}"
