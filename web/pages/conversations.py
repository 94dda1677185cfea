"""Conversations: the list, one thread with its reply box."""

from __future__ import annotations

import asyncio
import hashlib
import re
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from urllib.parse import urlencode

from aiohttp import web

from hub.commands import may
from hub.desk import ConversationView, KnownBuyer, Operator, split_tags
from hub.errors import Invalid
from hub.model import AccountId, CannedAnswer, ConversationId, MessageId, MessageState, Role
from hub.text import plain
from web.auth import operator
from web.forms import Form
from web.render import render, see_other
from web.site import SITE, Site

ON_A_PAGE = 30
IN_A_THREAD = 60
LARGEST_ANSWER = 24 * 1024 * 1024
"""Several photos of a phone at once, in bytes."""
KEEP = {
    "Cache-Control": "private, max-age=86400",
    "Content-Disposition": "inline",
    "Vary": "Cookie",
}
"""Pictures never change. Only the browser of whoever asked may keep them, and only for as long as
that login lasts: the next one at the same computer asks anew."""
_NONCE = re.compile(r"[\w-]{8,40}", re.ASCII)


async def listing(request: web.Request) -> web.Response:
    site, who = request.app[SITE], operator(request)
    account = _number(request.query.get("account", ""))
    before = _moment(request.query.get("before", ""))
    drafted = request.query.get("drafts") == "1"
    lines = await site.desk.inbox.conversations(
        who,
        account=AccountId(account) if account else None,
        before=before,
        drafted=drafted,
        limit=ON_A_PAGE + 1,
    )
    shown = lines[:ON_A_PAGE]
    last = shown[-1].conversation.last_message_at if len(lines) > ON_A_PAGE else None
    accounts = await site.desk.accounts.all(who)
    return render(
        request,
        "conversations_part.html" if "part" in request.query else "conversations.html",
        lines=shown,
        accounts=accounts,
        account_names={a.id: a.name for a in accounts},
        account=account,
        drafted=drafted,
        narrowed=_narrowed(account, drafted=drafted),
        paged=before is not None,
        older=last.isoformat() if last is not None else "",
    )


def _narrowed(account: int | None, *, drafted: bool) -> str:
    """The part of an address that says what the list is narrowed down to, with its `&`."""
    fields = {"account": str(account or ""), "drafts": "1" if drafted else ""}
    told = urlencode({name: value for name, value in fields.items() if value})
    return f"&{told}" if told else ""


async def thread(request: web.Request) -> web.Response:
    return await _thread(request, Form())


async def _thread(
    request: web.Request, form: Form, status: int = 200, *, buyer_form: Form | None = None
) -> web.Response:
    site, who = request.app[SITE], operator(request)
    before = _number(request.query.get("before", ""))
    if before is None:
        await site.desk.inbox.opened(who, _conversation(request))
    view = await site.desk.inbox.conversation(
        who,
        _conversation(request),
        before=MessageId(before) if before else None,
        limit=IN_A_THREAD,
    )
    buyer = await site.desk.buyers.of_conversation(who, _conversation(request))
    return render(
        request,
        "thread_part.html" if "part" in request.query else "thread.html",
        status=status,
        form=form,
        view=view,
        buyer=buyer,
        buyer_form=buyer_form or _as_kept(buyer),
        names=await _names(site, who),
        canned=await _canned(site, who, view),
        before=before,
        older=view.messages[0].id if len(view.messages) == IN_A_THREAD else None,
        nonce=secrets.token_urlsafe(12),
        largest_answer=LARGEST_ANSWER,
    )


async def answer(request: web.Request) -> web.Response:
    form, pictures = await Form.sent(request), await _pictures(request)
    target = _conversation(request)
    try:
        await request.app[SITE].desk.inbox.answer(
            operator(request),
            target,
            [form["text"], *pictures],
            key=_key(form, target, pictures),
        )
    except Invalid as refusal:
        return await _thread(request, form.refused(refusal, at="text"), status=400)
    raise see_other(f"/conversations/{target}", "answer-queued")


async def change_buyer(request: web.Request) -> web.Response:
    """The card of the buyer: note, tags, and whether anything serves them by itself."""
    form, target = await Form.sent(request), _conversation(request)
    try:
        await request.app[SITE].desk.buyers.change(
            operator(request),
            target,
            note=form["note"],
            tags=split_tags(form["tags"]),
            blocked=bool(form["blocked"]),
        )
    except Invalid as refusal:
        refused = form.refused(refusal)
        return await _thread(request, Form(), status=400, buyer_form=refused)
    raise see_other(f"/conversations/{target}", "buyer-saved")


def _as_kept(buyer: KnownBuyer | None) -> Form:
    if buyer is None:
        return Form()
    card = buyer.card
    blocked = "1" if card.blocked else ""
    return Form({"note": card.note, "tags": " ".join(card.tags), "blocked": blocked})


async def _pictures(request: web.Request) -> list[bytes]:
    """The files of the form, in order. Browsers send an empty one when none was chosen."""
    fields = (await request.post()).getall("pictures", [])
    files = [await asyncio.to_thread(f.file.read) for f in fields if isinstance(f, web.FileField)]
    return [data for data in files if data]


def _key(form: Form, conversation: ConversationId, pictures: Sequence[bytes]) -> str:
    """The same form sent twice gives the same key. What was written is part of it, because somebody
    may go back in the browser to a form that was sent and write something else into it."""
    nonce = _nonce(form)
    said = hashlib.sha256(form["text"].encode("utf-8", "surrogatepass"))
    for data in pictures:
        said.update(hashlib.sha256(data).digest())
    return f"web:{conversation}:{nonce}:{said.hexdigest()[:16]}"


def _nonce(form: Form) -> str:
    if not _NONCE.fullmatch(form["nonce"]):
        raise Invalid("没有发送：这个页面已经过期，请刷新后再发")
    return form["nonce"]


async def picture(request: web.Request) -> web.Response:
    """A picture of a message, from our own disk: the platform is asked by the hub alone."""
    message, number = (int(request.match_info[name]) for name in ("message", "number"))
    shown = await request.app[SITE].desk.pictures.of_message(
        operator(request), MessageId(message), number
    )
    return web.Response(body=shown.data, content_type=shown.media_type, headers=KEEP)


async def recall(request: web.Request) -> web.Response:
    form, target = await Form.sent(request), _conversation(request)
    message = MessageId(int(request.match_info["message"]))
    try:
        recalled = await request.app[SITE].desk.inbox.recall(
            operator(request), target, [message], key=f"web:{_nonce(form)}"
        )
    except Invalid as refusal:
        return await _thread(request, Form().refused(refusal, at="text"), status=400)
    done = "recall-cancelled" if recalled.cancelled else "recalling"
    raise see_other(f"/conversations/{target}", done)


async def decide_draft(request: web.Request) -> web.Response:
    """What is to become of an answer that AI proposes."""
    form = await Form.sent(request)
    drafts, who = request.app[SITE].desk.drafts, operator(request)
    draft = MessageId(int(request.match_info["message"]))
    try:
        match form["act"]:
            case "another":
                decided, done = await drafts.another(who, draft), "draft-again"
            case "drop":
                decided, done = await drafts.drop(who, draft), "draft-dropped"
            case "send":
                decided, done = await drafts.approve(who, draft, form["text"]), "draft-queued"
            case _:
                raise Invalid("没有执行：这个页面已经过期，请刷新后再点一次")
    except Invalid as refusal:
        return await _thread(request, await _rescued(request, form, refusal), status=400)
    raise see_other(f"/conversations/{decided.conversation.id}", done)


async def _rescued(request: web.Request, form: Form, refusal: Invalid) -> Form:
    """What somebody wrote into a draft that is none any more goes on in the reply box."""
    view = await request.app[SITE].desk.inbox.conversation(
        operator(request), _conversation(request), limit=IN_A_THREAD
    )
    draft = MessageId(int(request.match_info["message"]))
    written = form["text"].replace("\r\n", "\n").strip()
    proposed = {plain(one.content) for one in view.messages if one.id == draft}
    waiting = any(one.id == draft and one.state is MessageState.DRAFT for one in view.messages)
    if not written or written in proposed or waiting:
        return Form().refused(refusal, at="text")
    kept = Invalid(f"{refusal.text}。你写的话在下面，要发就点发送")
    return Form({"text": written}).refused(kept, at="text")


async def _canned(site: Site, who: Operator, view: ConversationView) -> list[CannedAnswer]:
    """With their placeholders filled for this conversation."""
    if not may(who.member.role, Role.AGENT) or not view.conversation.buyer:
        return []
    return list(await site.desk.canned.for_conversation(who, view.conversation.id))


async def _names(site: Site, who: Operator) -> dict[int, str]:
    return {member.id: member.name for member in await site.desk.members.all(who)}


def _conversation(request: web.Request) -> ConversationId:
    return ConversationId(int(request.match_info["id"]))


def _number(written: str) -> int | None:
    return int(written) if re.fullmatch(r"[0-9]{1,15}", written) else None


def _moment(written: str) -> datetime | None:
    """What the link to older conversations carries; anything else means the first page."""
    try:
        moment = datetime.fromisoformat(written)
        return moment.astimezone(UTC) if moment.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None


ROUTES = (
    web.get("/conversations", listing),
    web.get(r"/conversations/{id:\d{1,15}}", thread),
    web.post(r"/conversations/{id:\d{1,15}}/answer", answer),
    web.get(r"/pictures/{message:\d{1,15}}/{number:\d{1,3}}", picture),
    web.post(r"/conversations/{id:\d{1,15}}/recall/{message:\d{1,15}}", recall),
    web.post(r"/conversations/{id:\d{1,15}}/buyer", change_buyer),
    web.post(r"/conversations/{id:\d{1,15}}/draft/{message:\d{1,15}}", decide_draft),
)
