"""Knows how values lie in columns: times as microseconds, content and work as JSON text."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from json.encoder import encode_basestring
from typing import Any, cast

from hub.errors import StoreError
from hub.model import (
    AnswerByAi,
    AskedBy,
    Card,
    ChangePrice,
    ChatPeer,
    Content,
    DailyDigest,
    EndDraft,
    FreeShipping,
    Image,
    Location,
    MailPart,
    Mark,
    MarkRead,
    OrderStatus,
    Picture,
    Ping,
    ReadItem,
    ReadOrder,
    RecallMessage,
    Remind,
    SendMail,
    SendMessage,
    SendNotice,
    SendReceipt,
    ShipOrder,
    Spec,
    StartDelivery,
    StoredPicture,
    Summarize,
    Supply,
    TaskKind,
    Text,
    Unsupported,
    Urgent,
    Variant,
    Video,
    Voice,
    Work,
)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

# Encoders are made once: json.dumps() with options builds a new one on each call.
_dump = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode

_KINDS: dict[type[Content], str] = {
    Text: "text",
    Image: "image",
    Voice: "voice",
    Video: "video",
    Location: "location",
    Card: "card",
    Unsupported: "unsupported",
}
_TYPES: dict[str, type[Content]] = {kind: type_ for type_, kind in _KINDS.items()}


def micros(at: datetime) -> int:
    """Microseconds since 1970. A naive datetime raises TypeError."""
    return (at - _EPOCH) // _MICROSECOND


def micros_or_none(at: datetime | None) -> int | None:
    return None if at is None else (at - _EPOCH) // _MICROSECOND


def moment(value: int) -> datetime:
    return _EPOCH + timedelta(microseconds=value)


def moment_or_none(value: int | None) -> datetime | None:
    return None if value is None else _EPOCH + timedelta(microseconds=value)


def content_to_text(content: Content) -> str:
    """Equal contents have equal texts, so that the database can compare them."""
    if isinstance(content, Text):
        # By hand, because nearly all are texts and an encoder costs several µs to set up.
        return f'{{"kind":"text","text":{encode_basestring(content.text)}}}'
    return _dump({"kind": _KINDS[type(content)], **asdict(content)})


def content_from_text(text: str) -> Content:
    fields = json.loads(text)
    type_ = _TYPES.get(fields.pop("kind", ""))
    if type_ is None:
        raise StoreError("a stored message has a content kind that this program does not know")
    if type_ is Image:
        return Image(tuple(Picture(**picture) for picture in fields["pictures"]))
    # Which of the other six types it is does not matter here: each takes its own fields.
    return cast("type[Any]", type_)(**fields)  # type: ignore[no-any-return]


def kind_of(work: Work) -> TaskKind:
    match work:
        case SendMessage():
            return TaskKind.SEND
        case AnswerByAi():
            return TaskKind.ANSWER
        case EndDraft():
            return TaskKind.DRAFT
        case RecallMessage():
            return TaskKind.RECALL
        case ReadItem():
            return TaskKind.ITEM
        case MarkRead():
            return TaskKind.READ
        case SendNotice():
            return TaskKind.NOTICE
        case SendReceipt():
            return TaskKind.RECEIPT
        case ReadOrder():
            return TaskKind.READ_ORDER
        case StartDelivery():
            return TaskKind.DELIVER
        case Supply():
            return TaskKind.SUPPLY
        case ShipOrder():
            return TaskKind.SHIP
        case FreeShipping():
            return TaskKind.FREE_SHIPPING
        case ChangePrice():
            return TaskKind.PRICE
        case Remind():
            return TaskKind.REMIND
        case SendMail():
            return TaskKind.MAIL
        case Ping():
            return TaskKind.PING
        case Summarize():
            return TaskKind.SUMMARY
        case DailyDigest():
            return TaskKind.DIGEST


def work_to_text(work: Work) -> str:
    # Field by field: dataclasses.asdict() copies deeply and costs five times as much.
    match work:
        case SendMessage(account, conversation, message, asked_by, more, pictures, may_change):
            return _dump(
                {
                    "account": account,
                    "conversation": conversation,
                    "message": message,
                    "asked_by": None if asked_by is None else _asked_by_fields(asked_by),
                    "more": more,
                    "pictures": pictures,
                    "may_change": may_change,
                }
            )
        case RecallMessage(account, conversation, message, asked_by):
            return _dump(
                {
                    "account": account,
                    "conversation": conversation,
                    "message": message,
                    "asked_by": None if asked_by is None else _asked_by_fields(asked_by),
                }
            )
        case ReadItem(account, item):
            return _dump({"account": account, "item": item})
        case MarkRead(account, conversation):
            return _dump({"account": account, "conversation": conversation})
        case SendNotice(peer, text, conversation, message, pictures, urgent, unless, joined):
            return _dump(
                {
                    "peer": _peer_fields(peer),
                    "text": text,
                    "conversation": conversation,
                    "message": message,
                    "pictures": pictures,
                    "urgent": urgent,
                    "unless": unless,
                    "joined": joined,
                }
            )
        case SendReceipt(asked_by, text, conversation, message, mark):
            return _dump(
                {
                    "asked_by": _asked_by_fields(asked_by),
                    "text": text,
                    "conversation": conversation,
                    "message": message,
                    "mark": mark,
                }
            )
        case ChangePrice(account, order, amount, asked_by):
            return _dump(
                {
                    "account": account,
                    "order": order,
                    "amount": decimal_to_text(amount),
                    "asked_by": None if asked_by is None else _asked_by_fields(asked_by),
                }
            )
        case SendMail(to, parts, unless):
            return _dump(
                {
                    "to": to,
                    "parts": [[part.kind, part.text, micros(part.at)] for part in parts],
                    "unless": unless,
                }
            )
        case Ping(conversation, message, step, member, due_at):
            return _dump(
                {
                    "conversation": conversation,
                    "message": message,
                    "step": step,
                    "member": member,
                    "due_at": due_at and due_at.isoformat(),
                }
            )
        case Summarize(member, since):
            return _dump({"member": member, "since": since.isoformat()})
        case (
            AnswerByAi()
            | EndDraft()
            | ReadOrder()
            | StartDelivery()
            | Supply()
            | ShipOrder()
            | FreeShipping()
            | Remind()
            | DailyDigest()
        ):
            return _dump(asdict(work))


def _peer_fields(peer: ChatPeer) -> dict[str, str]:
    return {"bot": peer.bot, "scene": peer.scene, "peer": peer.peer}


def _asked_by_fields(asked_by: AskedBy) -> dict[str, object]:
    return {"peer": _peer_fields(asked_by.peer), "message_id": asked_by.message_id}


def work_from_text(kind: TaskKind, text: str) -> Work:
    fields = json.loads(text)
    match kind:
        case TaskKind.SEND:
            asked_by = fields["asked_by"]
            return SendMessage(
                fields["account"],
                fields["conversation"],
                fields["message"],
                asked_by and _asked_by(asked_by),
                fields["more"],
                fields["pictures"],
                fields["may_change"],
            )
        case TaskKind.ANSWER:
            return AnswerByAi(**fields)
        case TaskKind.DRAFT:
            return EndDraft(**fields)
        case TaskKind.RECALL:
            asked_by = fields["asked_by"]
            return RecallMessage(
                fields["account"],
                fields["conversation"],
                fields["message"],
                asked_by and _asked_by(asked_by),
            )
        case TaskKind.ITEM:
            return ReadItem(fields["account"], fields["item"])
        case TaskKind.READ:
            return MarkRead(fields["account"], fields["conversation"])
        case TaskKind.NOTICE:
            return SendNotice(
                ChatPeer(**fields["peer"]),
                fields["text"],
                fields["conversation"],
                fields["message"],
                fields["pictures"],
                fields["urgent"],
                tuple(fields["unless"]),
                tuple(fields["joined"]),
            )
        case TaskKind.RECEIPT:
            return SendReceipt(
                _asked_by(fields["asked_by"]),
                fields["text"],
                fields["conversation"],
                fields["message"],
                Mark(fields["mark"]) if fields["mark"] else None,
            )
        case TaskKind.READ_ORDER:
            return ReadOrder(**{**fields, "status": OrderStatus(fields["status"])})
        case TaskKind.DELIVER:
            return StartDelivery(**fields)
        case TaskKind.SUPPLY:
            return Supply(**fields)
        case TaskKind.SHIP:
            return ShipOrder(**fields)
        case TaskKind.FREE_SHIPPING:
            return FreeShipping(**fields)
        case TaskKind.PRICE:
            asked_by = fields["asked_by"]
            return ChangePrice(
                fields["account"],
                fields["order"],
                Decimal(fields["amount"]),
                asked_by and _asked_by(asked_by),
            )
        case TaskKind.REMIND:
            return Remind(**fields)
        case TaskKind.MAIL:
            parts = tuple(MailPart(Urgent(k), said, moment(at)) for k, said, at in fields["parts"])
            return SendMail(fields["to"], parts, fields["unless"])
        case TaskKind.PING:
            due_at = fields["due_at"]
            return Ping(**{**fields, "due_at": due_at and datetime.fromisoformat(due_at)})
        case TaskKind.SUMMARY:
            return Summarize(fields["member"], datetime.fromisoformat(fields["since"]))
        case TaskKind.DIGEST:
            return DailyDigest(**fields)


def _asked_by(fields: dict[str, Any]) -> AskedBy:
    return AskedBy(ChatPeer(**fields["peer"]), fields["message_id"])


def decimal_to_text(amount: Decimal | None) -> str | None:
    return None if amount is None else format(amount, "f")


def decimal_or_none(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def variants_to_text(variants: tuple[Variant, ...]) -> str:
    return _dump([[one.id, one.spec, decimal_to_text(one.price), one.quantity] for one in variants])


def variants_from_text(text: str) -> tuple[Variant, ...]:
    return tuple(
        Variant(id_, tuple((name, value) for name, value in spec), decimal_or_none(price), quantity)
        for id_, spec, price, quantity in json.loads(text)
    )


def words_to_text(words: tuple[str, ...]) -> str:
    return _dump(list(words))


def words_from_text(text: str) -> tuple[str, ...]:
    return tuple(json.loads(text))


def spec_to_text(spec: Spec) -> str:
    return _dump([list(pair) for pair in spec])


def spec_from_text(text: str) -> Spec:
    return tuple((name, value) for name, value in json.loads(text))


def stored_pictures_to_text(pictures: tuple[StoredPicture, ...]) -> str:
    return _dump([asdict(picture) for picture in pictures]) if pictures else "[]"


def stored_pictures_from_text(text: str) -> tuple[StoredPicture, ...]:
    return tuple(StoredPicture(**fields) for fields in json.loads(text))
