"""The report as people read it."""

from __future__ import annotations

import yaml

from hub.model import ImportedPart, ImportSummary
from hub.ops.importing.report import Line, Outcome, Part, Report
from hub.text import imports as words

LINES_SHOWN = 60
"""Of one part; the JSON names more."""
_MARKS = {Outcome.LEFT: "✗", Outcome.ADAPTED: "△", Outcome.SUGGESTED: "→"}


def laid_out(report: Report) -> ImportSummary:
    about = [f"{report.source} · {words.version_line(report.version)}"]
    if report.damage:
        about.append(words.damage_line(report.damage))
    if not report.changed:
        about.append(words.nothing_new())
    settings = ""
    if report.settings:
        settings = yaml.safe_dump(report.settings, allow_unicode=True, sort_keys=False)
    return ImportSummary(
        dry=report.dry,
        title=words.TITLE_DRY if report.dry else words.TITLE,
        about=tuple(about),
        changed=report.changed,
        parts=tuple(
            _of_part(report, part) for part in Part if report.number(part) or report.lines.get(part)
        ),
        secrets="、".join(f"{name} {number}" for name, number in report.secrets.items()),
        settings=settings,
        todo=tuple(report.todo),
    )


def in_words(report: Report) -> str:
    page = laid_out(report)
    lines = [page.title, *page.about]
    for part in page.parts:
        lines += ["", part.summary, *(f"  {mark} {said}".rstrip() for mark, said in part.lines)]
    if page.secrets:
        lines += ["", f"{words.SECRETS}：{page.secrets}"]
    if page.settings:
        lines += ["", words.SETTINGS, *(f"  {line}" for line in page.settings.splitlines())]
    if page.todo:
        lines += ["", words.TODO]
        lines += [f"  {number}. {said}" for number, said in enumerate(page.todo, 1)]
    return "\n".join(lines)


def _of_part(report: Report, part: Part) -> ImportedPart:
    counts = {outcome.value: report.number(part, outcome) for outcome in Outcome}
    told = [line for line in report.lines.get(part, []) if _worth_telling(line)]
    lines = [_told(line) for line in told[:LINES_SHOWN]]
    if len(told) > LINES_SHOWN:
        lines.append(("", words.more_lines(len(told) - LINES_SHOWN)))
    return ImportedPart(words.summary_line(words.PARTS[part], counts), tuple(lines))


def _worth_telling(line: Line) -> bool:
    return bool(line.notes) or line.outcome in (Outcome.LEFT, Outcome.ADAPTED, Outcome.SUGGESTED)


def _told(line: Line) -> tuple[str, str]:
    notes = "；".join(line.notes)
    return _MARKS.get(line.outcome, "·"), f"{line.name}：{notes}" if notes else line.name
