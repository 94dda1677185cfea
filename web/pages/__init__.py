"""The pages of the admin, one module each; here is the list of all their addresses."""

from collections.abc import Mapping

from aiohttp import web

from web.pages import (
    accounts,
    assist,
    audit,
    backups,
    binding,
    canned,
    cards,
    changelog,
    conversations,
    delivery_rules,
    emergency,
    first_run,
    holds,
    imports,
    items,
    live,
    login,
    mail,
    members,
    needs,
    notices,
    orders,
    overview,
    prices,
    qq,
    qr_login,
    rehearsal,
    restock,
    rule_sheets,
    rules,
    statistics,
    stock,
    suppliers,
)

ROUTES: tuple[web.RouteDef, ...] = (
    *first_run.ROUTES,
    *login.ROUTES,
    *overview.ROUTES,
    *conversations.ROUTES,
    *holds.ROUTES,
    *emergency.ROUTES,
    *prices.ROUTES,
    *orders.ROUTES,
    *needs.ROUTES,
    *delivery_rules.ROUTES,
    *accounts.ROUTES,
    *items.ROUTES,
    *qr_login.ROUTES,
    *stock.ROUTES,
    *restock.ROUTES,
    *suppliers.ROUTES,
    *cards.ROUTES,
    *rehearsal.ROUTES,
    *rules.ROUTES,
    *assist.ROUTES,
    *canned.ROUTES,
    *rule_sheets.ROUTES,
    *members.ROUTES,
    *binding.ROUTES,
    *notices.ROUTES,
    *qq.ROUTES,
    *mail.ROUTES,
    *statistics.ROUTES,
    *audit.ROUTES,
    *changelog.ROUTES,
    *backups.ROUTES,
    *imports.ROUTES,
    *live.ROUTES,
)

TAKE_FILES: Mapping[object, int] = {
    conversations.answer: conversations.LARGEST_ANSWER,
    restock.look: restock.LARGEST_PASTE,
    restock.add: restock.LARGEST_PASTE,
    rule_sheets.bring: rule_sheets.LARGEST_FORM,
    rule_sheets.look: rule_sheets.LARGEST_FORM,
    rules.add: stock.LARGEST_PICTURES,
    rules.edit: stock.LARGEST_PICTURES,
    rules.rehearse: stock.LARGEST_PICTURES,
    stock.add_pictures: stock.LARGEST_PICTURES,
}
"""How large, in bytes, a request with files may be."""

STREAMS_FILES: frozenset[object] = frozenset({imports.upload})
"""Those that read what is sent while it arrives."""
