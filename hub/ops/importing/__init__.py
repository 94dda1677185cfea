"""Bringing over what a shop had in xianyu-auto-reply. Nothing starts, sends or delivers by it."""

from hub.ops.importing.pictures import fetch_from
from hub.ops.importing.rendering import in_words
from hub.ops.importing.report import Line, Outcome, Part, Report
from hub.ops.importing.running import ImportFrom, ImportInto, bring_over
from hub.ops.importing.start import beside, bring_over_set_aside
from hub.ops.importing.uploaded import UploadedOriginals

__all__ = [
    "ImportFrom",
    "ImportInto",
    "Line",
    "Outcome",
    "Part",
    "Report",
    "UploadedOriginals",
    "beside",
    "bring_over",
    "bring_over_set_aside",
    "fetch_from",
    "in_words",
]
