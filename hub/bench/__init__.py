"""`yuqiao bench`: the hub measured from the other side of the wire, where a sandbox stands."""

from hub.bench.accounts import AccountsOptions, AccountsResult, run_accounts
from hub.bench.accounts_report import accounts_report
from hub.bench.answers import BenchOptions, Figures, Result, report, run_bench

__all__ = [
    "AccountsOptions",
    "AccountsResult",
    "BenchOptions",
    "Figures",
    "Result",
    "accounts_report",
    "report",
    "run_accounts",
    "run_bench",
]
