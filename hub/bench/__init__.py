"""`yuqiao bench`: the hub measured from the other side of the wire, where a sandbox stands."""

from hub.bench.accounts import AccountsOptions, AccountsResult, run_accounts
from hub.bench.accounts_report import accounts_report
from hub.bench.answers import BenchOptions, Figures, Result, report, run_bench
from hub.bench.notices import NoticesOptions, NoticesResult, report_notices, run_notices
from hub.bench.rules import RulesResult, report_rules, run_rules
from hub.bench.stock import StockResult, report_stock, run_stock

__all__ = [
    "AccountsOptions",
    "AccountsResult",
    "BenchOptions",
    "Figures",
    "NoticesOptions",
    "NoticesResult",
    "Result",
    "RulesResult",
    "StockResult",
    "accounts_report",
    "report",
    "report_notices",
    "report_rules",
    "report_stock",
    "run_accounts",
    "run_bench",
    "run_notices",
    "run_rules",
    "run_stock",
]
