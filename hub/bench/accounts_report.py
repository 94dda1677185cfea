"""The figures of many accounts as tables for people."""

from __future__ import annotations

from collections.abc import Sequence

from hub.bench.accounts import AccountsResult, Quiet
from hub.bench.crowd import Arrival

BARS = " ▁▂▃▄▅▆▇█"
WIDTH = 72


def accounts_report(result: AccountsResult) -> str:
    return "\n\n".join(
        (
            f"{result.accounts} accounts{' over TLS' if result.tls else ''}; at most "
            f"{result.connects_per_second:g} connect within a second; "
            f"load average {result.load_average:.1f}",
            _arrivals(result),
            _costs(result),
            _messages(result),
        )
    )


def _arrivals(result: AccountsResult) -> str:
    lines = [
        f"{'seconds until online':<24}{'50 %':>8}{'95 %':>8}{'all':>8}{'dials':>8}{'most/s':>8}"
        f"{'tokens':>8}{'of one':>8}{'CPU s':>8}"
    ]
    lines += [
        f"{one.name:<24}{one.half:>8.1f}{one.most:>8.1f}{one.all:>8.1f}{one.dials:>8}"
        f"{one.busiest_second:>8}{one.token_requests:>8}{one.most_tokens:>8}{one.cpu_seconds:>8.1f}"
        for one in result.arrivals
    ]
    if result.closest_tokens is None:
        lines.append("no account asked for a token twice")
    else:
        lines.append(
            f"two token requests of one account lie at least {result.closest_tokens:.1f} s apart "
            f"(spacing {result.token_spacing_seconds:g} s)"
        )
    lines += [picture for one in result.arrivals for picture in ("", *_curve(one))]
    return "\n".join(lines)


def _curve(one: Arrival) -> tuple[str, str]:
    seconds = max(len(one.dials_by_second), len(one.online_by_second))
    each = -(-seconds // WIDTH)
    padded = [*one.online_by_second, *[one.accounts] * (seconds - len(one.online_by_second))]
    head = f"{one.name}, {each} s a column"
    return (
        f"dials   {_bars([sum(part) for part in _parts(one.dials_by_second, each)])}  {head}",
        f"online  {_bars([part[-1] for part in _parts(padded, each)])}",
    )


def _parts(values: Sequence[int], size: int) -> list[Sequence[int]]:
    return [values[start : start + size] for start in range(0, len(values), size)]


def _bars(values: Sequence[int]) -> str:
    """Each value as a bar; only nothing is nothing."""
    top = max(values, default=0) or 1
    return "".join(BARS[-(-value * (len(BARS) - 1) // top)] for value in values)


def _costs(result: AccountsResult) -> str:
    memory, accounts = result.memory, result.accounts
    grown = (memory.online - memory.empty) * 1024 / accounts
    return "\n".join(
        (
            f"{'processor':<24}{'minutes':>8}{'CPU s/min':>11}{'of one':>8}{'ms/account/min':>16}"
            f"{'MB':>8}",
            _quiet("nothing happens", result.idle, accounts),
            _quiet("buyers write", result.busy, accounts),
            "",
            f"memory: {memory.empty:.0f} MB empty, {memory.online:.0f} MB with all online "
            f"({grown:.0f} KB an account), at most {memory.largest:.0f} MB",
        )
    )


def _quiet(name: str, quiet: Quiet, accounts: int) -> str:
    per_minute = quiet.cpu_seconds / max(quiet.minutes, 1e-9)
    return (
        f"{name:<24}{quiet.minutes:>8.1f}{per_minute:>11.2f}{per_minute / 60:>8.1%}"
        f"{1000 * per_minute / accounts:>16.1f}{quiet.memory_mb:>8.0f}"
    )


def _messages(result: AccountsResult) -> str:
    lines = [
        f"{'messages':<30}{'number':>8}{'p50 ms':>9}{'p95 ms':>9}{'p99 ms':>9}{'missing':>9}"
        f"{'twice':>7}"
    ]
    lines += [
        f"{f.name:<30}{f.messages:>8}{f.p50:>9.2f}{f.p95:>9.2f}{f.p99:>9.2f}{f.missing:>9}"
        f"{f.duplicates:>7}"
        for f in result.loads
    ]
    lost = result.surprised - result.surprised_answered
    lines.append(
        f"{'written while it was down':<30}{result.surprised:>8}{'':>27}{lost:>9}"
        f"{result.surprised_twice:>7}"
    )
    return "\n".join(lines)
