"""Pictures up and down: what they become on the way, and where nothing is fetched from."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from fake_http import COOKIES, FakeHttp, client_at, cut, fake_http, redirect
from PIL import Image

from hub.errors import (
    AuthExpired,
    Invalid,
    Malformed,
    PeerError,
    Rejected,
    Unreachable,
    VerificationNeeded,
)
from hub.model import Picture
from hub.xianyu import (
    FOREIGN,
    NO_PICTURE,
    TOO_LARGE,
    Client,
    Endpoints,
    fit_picture,
    pictures,
)
from hub.xianyu.media import may_fetch

UPLOAD = "/api/upload.api"
URL = "https://img.alicdn.com/imgextra/i1/0000/O1CN01INVENTED.jpg"
GOOD = {"object": {"url": URL, "pix": "1080x1440", "size": "182733"}}
GPS, ORIENTATION = 0x8825, 0x0112


def picture(
    width: int, height: int, kind: str = "JPEG", mode: str = "RGB", **options: object
) -> bytes:
    target = io.BytesIO()
    Image.new(mode, (width, height), "red" if mode != "P" else 1).save(target, kind, **options)
    return target.getvalue()


def noise(side: int) -> bytes:
    target = io.BytesIO()
    bands = [Image.effect_noise((side, side), 200) for _ in "RGB"]
    Image.merge("RGB", bands).save(target, "PNG", compress_level=1)
    return target.getvalue()


def claims_to_be(width: int, height: int) -> bytes:
    """A few bytes that say they are a huge picture."""
    head = b"IHDR" + struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    honest = picture(1, 1, "PNG", "1")
    return honest[:12] + head + struct.pack(">I", zlib.crc32(head)) + honest[33:]


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


# --- Fitting ------------------------------------------------------------------------------------


def test_a_large_picture_is_scaled_down_in_proportion() -> None:
    fitted = fit_picture(picture(4000, 3000))
    assert (fitted.width, fitted.height) == (1920, 1440)
    assert opened(fitted.data).size == (1920, 1440)
    assert (fitted.media_type, opened(fitted.data).format) == ("image/jpeg", "JPEG")


def test_a_small_picture_keeps_its_size() -> None:
    fitted = fit_picture(picture(640, 480))
    assert (fitted.width, fitted.height) == (640, 480)


def test_a_png_stays_one() -> None:
    fitted = fit_picture(picture(2000, 1000, "PNG", "RGBA"))
    assert (fitted.media_type, fitted.suffix) == ("image/png", ".png")
    assert opened(fitted.data).size == (1920, 960)


def test_a_png_that_is_too_heavy_becomes_a_jpeg(monkeypatch: pytest.MonkeyPatch) -> None:
    heavy = noise(300)
    assert fit_picture(heavy).media_type == "image/png"
    monkeypatch.setattr(pictures, "MOST_BYTES", len(heavy) // 2)
    fitted = fit_picture(heavy)
    assert fitted.media_type == "image/jpeg"
    assert len(fitted.data) <= len(heavy) // 2


@pytest.mark.parametrize(("kind", "mode"), [("GIF", "P"), ("WEBP", "RGBA"), ("BMP", "RGB")])
def test_other_kinds_become_jpeg(kind: str, mode: str) -> None:
    fitted = fit_picture(picture(50, 40, kind, mode))
    assert opened(fitted.data).format == "JPEG"


@pytest.mark.parametrize("mode", ["CMYK", "L"])
def test_print_colours_and_grey_can_be_shown(mode: str) -> None:
    assert opened(fit_picture(picture(50, 40, "JPEG", mode)).data).mode == "RGB"


def test_what_was_transparent_becomes_white() -> None:
    target = io.BytesIO()
    Image.new("RGBA", (10, 10), (0, 0, 0, 0)).save(target, "WEBP", lossless=True)
    shown = opened(fit_picture(target.getvalue()).data)
    assert min(shown.getpixel((5, 5))) > 250


def test_a_transparent_palette_stays_transparent() -> None:
    target = io.BytesIO()
    Image.new("P", (10, 10), 0).save(target, "PNG", transparency=0)
    assert opened(fit_picture(target.getvalue()).data).convert("RGBA").getpixel((5, 5))[3] == 0


def test_a_picture_taken_sideways_stands_upright_and_tells_no_place() -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    exif.get_ifd(GPS)[1] = "N"
    fitted = fit_picture(picture(400, 300, exif=exif, comment=b"taken at home"))
    assert (fitted.width, fitted.height) == (300, 400)
    assert not opened(fitted.data).getexif()
    assert b"home" not in fitted.data


@pytest.mark.parametrize("data", [b"", b"hello", picture(300, 300)[:200], b"GIF89a"])
def test_what_is_no_picture_is_refused_in_one_sentence(data: bytes) -> None:
    with pytest.raises(Invalid, match="图片"):
        fit_picture(data)


@pytest.mark.parametrize("size", [(7_000, 6_000), (12_000, 9_000), (60_000, 60_000)])
def test_a_picture_made_to_fill_the_memory_is_refused(size: tuple[int, int]) -> None:
    with pytest.raises(Invalid, match="像素"):
        fit_picture(claims_to_be(*size))


def test_a_photo_of_a_large_camera_is_made_smaller_while_it_is_unpacked() -> None:
    fitted = fit_picture(picture(9_000, 6_000, mode="L"))
    assert (fitted.width, fitted.height) == (1920, 1280)


@pytest.mark.parametrize("kind", ["EPS", "PPM", "TIFF"])
def test_only_the_kinds_that_people_send_are_opened(kind: str) -> None:
    """Some of the others start programs (Ghostscript), or are read by code that few people use."""
    with pytest.raises(Invalid, match="图片"):
        fit_picture(picture(50, 40, kind))


def test_a_photo_that_cannot_be_scaled_while_it_is_unpacked_is_held_to_the_lower_limit() -> None:
    with pytest.raises(Invalid, match="像素"):
        fit_picture(picture(9_000, 6_000, mode="L", progressive=True))


# --- Upload -------------------------------------------------------------------------------------


async def test_an_upload_goes_out_like_the_pages_own(platform: FakeHttp, client: Client) -> None:
    platform.on(UPLOAD, GOOD)
    assert await client.upload(picture(2500, 2500)) == Picture(URL, 1080, 1440)
    (asked,) = platform.seen
    assert asked.method == "POST"
    assert asked.query == {"floderId": "0", "appkey": "xy_chat", "_input_charset": "utf-8"}
    assert asked.headers["cookie"] == COOKIES
    name, media_type, data = asked.form["file"]
    assert (name, media_type) == ("image.jpg", "image/jpeg")
    assert opened(data).size == (1920, 1920)


@pytest.mark.parametrize(
    "answer",
    [
        {"object": {"url": URL}},
        {"data": {"url": URL}},
        {"url": URL},
        {"result": {"url": URL}},
        {"data": {"fileUrl": URL.removeprefix("https:")}},
        {"object": {"url": URL.replace("https", "http"), "pix": "x"}},
    ],
)
async def test_an_address_is_found_wherever_it_stands(
    platform: FakeHttp, client: Client, answer: object
) -> None:
    platform.on(UPLOAD, answer)
    assert await client.upload(picture(64, 48)) == Picture(URL, 64, 48)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ("<!DOCTYPE html><html>登录</html>", AuthExpired),
        (redirect("https://passport.goofish.com/mini_login.htm"), AuthExpired),
        ('<html><script src="/_____tmd_____/punish"></html>', VerificationNeeded),
        (cut, Unreachable),
        (lambda _: web.Response(status=500), Unreachable),
        ({"ret": ["FAIL_SYS_USER_VALIDATE"]}, VerificationNeeded),
        ({"ret": ["FAIL_SYS_SESSION_EXPIRED::Session过期"]}, AuthExpired),
        ({"success": False, "message": "文件不合法"}, Rejected),
        ({"object": {}}, Malformed),
        ("gone", Malformed),
    ],
)
async def test_an_upload_that_fails_says_why(
    platform: FakeHttp, client: Client, answer: object, error: type[PeerError]
) -> None:
    platform.on(UPLOAD, answer)
    with pytest.raises(error):
        await client.upload(picture(10, 10))


async def test_what_is_no_picture_is_not_uploaded(platform: FakeHttp, client: Client) -> None:
    with pytest.raises(Rejected) as caught:
        await client.upload(b"no picture")
    assert caught.value.code == NO_PICTURE
    assert not platform.seen


# --- Download -----------------------------------------------------------------------------------


@asynccontextmanager
async def client_with_uploads(platform: FakeHttp) -> AsyncIterator[Client]:
    """Uploads lie at a place of their own."""
    elsewhere = "http://127.0.0.1:1"
    async with client_at(Endpoints(elsewhere, elsewhere, elsewhere, platform.url)) as client:
        yield client


async def test_a_download_carries_no_cookies(platform: FakeHttp) -> None:
    """L14"""
    platform.on("/a.jpg", lambda _: web.Response(body=b"\xff\xd8"))
    async with client_with_uploads(platform) as client:
        assert await client.download(f"{platform.url}/a.jpg") == b"\xff\xd8"
    assert "cookie" not in platform.seen[0].headers


async def test_whoever_comes_after_the_end_of_the_line_is_told_that_nothing_left(
    platform: FakeHttp,
) -> None:
    """A turn may be waited for until after the end."""
    async with client_with_uploads(platform) as client:
        pass
    with pytest.raises(Unreachable):
        await client.download(f"{platform.url}/a.jpg")
    with pytest.raises(Unreachable):
        await client.upload(picture(10, 10))
    with pytest.raises(Unreachable):
        await client.ship("2026000000000000001")
    assert not platform.seen


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/a.jpg",
        "https://alicdn.com.example.com/a.jpg",
        "https://evilalicdn.com/a.jpg",
        "https://img.alicdn.com@example.com/a.jpg",
        "https://img.alicdn.com:8443/a.jpg",
        "file:///etc/passwd",
        "http://127.0.0.1:9/a.jpg",
        "ftp://img.alicdn.com/a.jpg",
        "",
        "http://[",
    ],
)
async def test_nothing_is_fetched_from_foreign_addresses(client: Client, url: str) -> None:
    with pytest.raises(Rejected) as caught:
        await client.download(url)
    assert caught.value.code == FOREIGN


@pytest.mark.parametrize(
    "url",
    ["https://img.alicdn.com/a.jpg", "https://alicdn.com/a", "https://x.y.goofish.com:443/a"],
)
def test_the_platforms_own_addresses_may_be_fetched(url: str) -> None:
    assert may_fetch(url)


async def test_a_redirect_to_a_foreign_address_is_not_followed(platform: FakeHttp) -> None:
    async with fake_http() as stranger, client_with_uploads(platform) as client:
        platform.on("/a.jpg", redirect(f"{stranger.url}/a.jpg"))
        with pytest.raises(Rejected) as caught:
            await client.download(f"{platform.url}/a.jpg")
        assert caught.value.code == FOREIGN
        assert not stranger.seen


async def test_a_redirect_at_home_is_followed_and_a_circle_ends(platform: FakeHttp) -> None:
    platform.on("/a.jpg", redirect("/b.jpg"))
    platform.on("/b.jpg", lambda _: web.Response(body=b"b"))
    platform.on("/c.jpg", redirect("/c.jpg"))
    async with client_with_uploads(platform) as client:
        assert await client.download(f"{platform.url}/a.jpg") == b"b"
        with pytest.raises(Rejected):
            await client.download(f"{platform.url}/c.jpg")


async def test_a_download_stops_at_its_limit(platform: FakeHttp) -> None:
    platform.on("/a.jpg", lambda _: web.Response(body=b"x" * 1001))
    async with client_with_uploads(platform) as client:
        assert len(await client.download(f"{platform.url}/a.jpg", most_bytes=1001)) == 1001
        with pytest.raises(Rejected) as caught:
            await client.download(f"{platform.url}/a.jpg", most_bytes=1000)
    assert caught.value.code == TOO_LARGE


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (lambda _: web.Response(status=404), Rejected),
        (lambda _: web.Response(status=503), Unreachable),
        (cut, Unreachable),
    ],
)
async def test_a_download_that_fails_says_whether_to_try_again(
    platform: FakeHttp, answer: object, error: type[PeerError]
) -> None:
    platform.on("/a.jpg", answer)
    async with client_with_uploads(platform) as client:
        with pytest.raises(error):
            await client.download(f"{platform.url}/a.jpg")
