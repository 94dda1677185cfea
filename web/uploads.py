"""Files too large for the memory: read part by part while they arrive."""

from __future__ import annotations

from collections.abc import AsyncIterator

from aiohttp import BodyPartReader, web

from hub.errors import Invalid
from hub.model import SentFile
from web.auth import check_form_token

_BROKEN = "没有收完整，请再上传一次"
_CHUNK = 256 * 1024
_LONGEST_TOKEN = 200
_TOKEN = "csrf"  # noqa: S105 - the name of a field


async def sent_files(request: web.Request) -> AsyncIterator[SentFile]:
    """The files of a form, in its order; each has to be read before the next one.

    The form's token comes before them: without it nothing is read. Raises Forbidden, Invalid.
    """
    token = ""
    try:
        reader = await request.multipart() if _is_multipart(request) else None
        while reader is not None and (part := await reader.next()) is not None:
            if not isinstance(part, BodyPartReader):
                continue
            if part.name == _TOKEN:
                token = (await part.read_chunk(_LONGEST_TOKEN)).decode("utf-8", "replace")
            elif part.filename is not None:
                check_form_token(request, {_TOKEN: token})
                yield SentFile(part.name or "", part.filename, _chunks(part))
    except (ValueError, LookupError, RuntimeError, web.HTTPBadRequest):
        raise Invalid(_BROKEN) from None
    check_form_token(request, {_TOKEN: token})


def _is_multipart(request: web.Request) -> bool:
    return request.content_type == "multipart/form-data"


async def _chunks(part: BodyPartReader) -> AsyncIterator[bytes]:
    try:
        while chunk := await part.read_chunk(_CHUNK):
            yield chunk
    except (ValueError, RuntimeError, ConnectionError, web.RequestPayloadError):
        raise Invalid(_BROKEN) from None
