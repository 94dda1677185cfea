"""Pictures: uploading them as the chat page does, and handing them out again to anybody."""

from __future__ import annotations

import asyncio
import secrets
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import web

from hub.sandbox.doors import answer, cookies_in, cut, html
from hub.sandbox.faults import Faults
from hub.sandbox.logins import Logins

LARGEST_UPLOAD = 5 * 1024 * 1024
KEPT_PICTURES = 500
FOLDER = "/imgextra/i1/0000/"
_PNG = b"\x89PNG\r\n\x1a\n"
_ALICDN = ("https://img.alicdn.com/", "http://img.alicdn.com/")
_JPEG_SIZES = (*range(0xC0, 0xC4), *range(0xC5, 0xC8), *range(0xC9, 0xCC), *range(0xCD, 0xD0))


@dataclass(frozen=True, slots=True)
class Picture:
    name: str
    kind: str
    width: int
    height: int
    bytes: bytes
    by: str = ""
    """Who uploaded it; empty: made by the admin."""


class Pictures:
    """`/api/upload.api` and the addresses that it gives out."""

    def __init__(self, logins: Logins, faults: Faults, origin: Callable[[], str]) -> None:
        self._logins = logins
        self._faults = faults
        self._origin = origin
        self.kept: dict[str, Picture] = {}

    def attach(self, app: web.Application) -> None:
        app.router.add_post("/api/upload.api", self._upload)
        app.router.add_get(FOLDER + "{name}", self._picture)

    def url(self, picture: Picture) -> str:
        return f"{self._origin()}{FOLDER}{picture.name}"

    def is_address(self, url: str) -> bool:
        """Whether a message may show this address."""
        own = f"{self._origin()}{FOLDER}"
        return url.startswith(_ALICDN) or url.removeprefix(own) in self.kept

    def add(self, data: bytes, *, by: str = "") -> Picture:
        """Raises ValueError for what is neither PNG nor JPEG."""
        kind, (width, height) = size_of(data)
        end = "png" if kind == "image/png" else "jpg"
        name = f"O1CN01{secrets.token_hex(8)}_!!0-xy_chat.{end}"
        picture = Picture(name, kind, width, height, data, by)
        self.kept[name] = picture
        while len(self.kept) > KEPT_PICTURES:
            del self.kept[next(iter(self.kept))]
        return picture

    async def _upload(self, request: web.Request) -> web.Response:
        cookies = cookies_in(request.headers.get("Cookie", ""))
        user = cookies.get("unb", "")
        if late := self._faults.take(user, "upload_delay"):
            await asyncio.sleep(late.seconds)
        if self._logins.holds(cookies) is None or self._faults.take(user, "upload_html"):
            return html("<html><meta charset=utf-8><body>请登录</body></html>")
        data = await _file_of(request)
        if self._faults.take(user, "upload_refused") or len(data) > LARGEST_UPLOAD:
            return answer({"success": False, "message": "文件过大或暂时无法上传"})
        try:
            picture = self.add(data, by=user)
        except ValueError:
            return answer({"success": False, "message": "不支持的图片格式"})
        if self._faults.take(user, "upload_lost"):
            return cut(request)
        shown = {
            "url": self.url(picture),
            "pix": f"{picture.width}x{picture.height}",
            "size": str(len(data)),
        }
        return answer({"object": shown, "success": True})

    async def _picture(self, request: web.Request) -> web.Response:
        if moved := self._faults.take("", "picture_moved"):
            return web.Response(status=302, headers={"Location": moved.reason})
        picture = self.kept.get(request.match_info["name"])
        if picture is None or self._faults.take("", "picture_missing"):
            return web.Response(status=404)
        return web.Response(body=picture.bytes, content_type=picture.kind)


async def _file_of(request: web.Request) -> bytes:
    """The multipart field `file`; empty when there is none."""
    if not request.content_type.startswith("multipart/"):
        return b""
    form = await request.post()
    field = form.get("file")
    return field.file.read() if isinstance(field, web.FileField) else b""


def size_of(data: bytes) -> tuple[str, tuple[int, int]]:
    """Media type, width and height. Raises ValueError for what is neither PNG nor JPEG."""
    if data.startswith(_PNG) and len(data) >= 24:
        width, height = struct.unpack(">II", data[16:24])
        return "image/png", (width, height)
    if data.startswith(b"\xff\xd8"):
        return "image/jpeg", _jpeg_size(data)
    raise ValueError("neither PNG nor JPEG")


def _jpeg_size(data: bytes) -> tuple[int, int]:
    place = 2
    while place + 9 <= len(data) and data[place] == 0xFF:
        length = int.from_bytes(data[place + 2 : place + 4])
        if data[place + 1] in _JPEG_SIZES:
            height, width = struct.unpack(">HH", data[place + 5 : place + 9])
            return width, height
        place += 2 + length
    raise ValueError("a JPEG without size")


def blank(
    width: int, height: int, size: int = 0, *, colour: tuple[int, int, int] = (255, 225, 77)
) -> bytes:
    """A PNG of one colour, made at least `size` bytes long by a comment."""
    rows = (b"\x00" + bytes(colour) * width) * height
    parts = [
        _PNG,
        _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)),
        _chunk(b"IDAT", zlib.compress(rows)),
        _chunk(b"IEND", b""),
    ]
    missing = size - sum(len(part) for part in parts)
    if missing > 0:
        parts.insert(2, _chunk(b"tEXt", b"Comment\x00" + b"." * missing))
    return b"".join(parts)


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
