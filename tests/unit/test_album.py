"""Pictures on the disk: packed anew, bounded, fetched once, kept until they were sent."""

from __future__ import annotations

import asyncio
import io
import os
import threading
import time
from pathlib import Path
from typing import cast

import PIL.Image
import pytest

from hub.album import HALF_SECONDS, KEPT_SECONDS, Album
from hub.errors import Invalid, NotFound, Rejected, Unreachable
from hub.model import AccountId, Picture
from hub.xianyu import Client

ACCOUNT = AccountId(1)
URL = "https://img.alicdn.com/a.jpg"


def jpeg(size: tuple[int, int] = (40, 30)) -> bytes:
    packed = io.BytesIO()
    exif = PIL.Image.Exif()
    exif[0x010E] = "where it was taken"
    PIL.Image.effect_noise(size, 90).save(packed, "JPEG", exif=exif)
    return packed.getvalue()


class Platform:
    def __init__(self) -> None:
        self.pictures: dict[str, bytes] = {URL: jpeg()}
        self.asked = 0

    async def download(self, url: str, *, most_bytes: int) -> bytes:
        self.asked += 1
        await asyncio.sleep(0)
        if url not in self.pictures:
            raise Rejected("xianyu", "download", "HTTP 404")
        return self.pictures[url]


@pytest.fixture
def platform() -> Platform:
    return Platform()


@pytest.fixture
def album(tmp_path: Path, platform: Platform) -> Album:
    return Album(tmp_path, lambda _: cast(Client, platform), most_bytes=50_000)


async def test_many_who_look_at_once_cause_one_download(album: Album, platform: Platform) -> None:
    shown = await asyncio.gather(*(album.show(ACCOUNT, Picture(URL)) for _ in range(5)))
    assert platform.asked == 1
    assert len({one.data for one in shown}) == 1


async def test_what_is_shown_was_packed_anew_without_what_the_camera_wrote(
    album: Album, platform: Platform
) -> None:
    shown = await album.show(ACCOUNT, Picture(URL))
    assert b"where it was taken" in platform.pictures[URL]
    assert b"where it was taken" not in shown.data


async def test_the_disk_holds_no_more_than_it_may_and_the_oldest_go_first(
    album: Album, platform: Platform, tmp_path: Path
) -> None:
    urls = [f"https://img.alicdn.com/{n}.jpg" for n in range(6)]
    for number, url in enumerate(urls):
        platform.pictures[url] = jpeg((150, 150))
        await album.show(ACCOUNT, Picture(url))
        for file in (tmp_path / "seen").iterdir():  # mtimes far apart, whatever the disk's clock
            stat = file.stat()
            os.utime(file, (stat.st_mtime - 10, stat.st_mtime - 10))
        assert sum(f.stat().st_size for f in (tmp_path / "seen").iterdir()) <= 50_000
        assert platform.asked == number + 1
    await album.show(ACCOUNT, Picture(urls[-1]))
    assert platform.asked == len(urls)
    await album.show(ACCOUNT, Picture(urls[0]))
    assert platform.asked == len(urls) + 1


async def test_what_cannot_be_had_is_not_asked_for_again_at_once(
    album: Album, platform: Platform
) -> None:
    gone = Picture("https://img.alicdn.com/gone.jpg")
    with pytest.raises(Rejected):
        await album.show(ACCOUNT, gone)
    with pytest.raises(Unreachable):
        await album.show(ACCOUNT, gone)
    assert platform.asked == 1


async def test_a_kept_picture_is_there_after_a_restart(album: Album, tmp_path: Path) -> None:
    kept = await album.keep(jpeg())
    again = Album(tmp_path, lambda _: None, most_bytes=50_000)
    shown = await again.show_kept(kept)
    assert (kept.width, kept.height) == PIL.Image.open(io.BytesIO(shown.data)).size


async def test_kept_pictures_go_when_nothing_can_be_sent_any_more(
    album: Album, tmp_path: Path
) -> None:
    old = await album.keep(jpeg())
    (file,) = (tmp_path / "kept").iterdir()
    long_ago = time.time() - KEPT_SECONDS - 1
    os.utime(file, (long_ago, long_ago))
    await album.keep(jpeg((9, 9)))
    with pytest.raises(NotFound):
        await album.show_kept(old)


async def test_an_uploaded_picture_is_shown_without_asking_the_platform(
    album: Album, platform: Platform
) -> None:
    kept = await album.keep(jpeg())
    sent = Picture("https://img.alicdn.com/sent.jpg", kept.width, kept.height)
    await album.adopt(kept, sent)
    await album.show(ACCOUNT, sent)
    assert platform.asked == 0


@pytest.mark.parametrize("name", ["../../hub.db", "/etc/passwd.jpg", "..", "", "a/b.jpg"])
async def test_the_name_of_a_kept_picture_leads_nowhere_else(album: Album, name: str) -> None:
    with pytest.raises(NotFound):
        await album.show(ACCOUNT, Picture(f"kept:{name}"))


async def test_what_is_no_picture_is_not_kept(album: Album, tmp_path: Path) -> None:
    with pytest.raises(Invalid):
        await album.keep(b"GIF89a broken")
    assert not (tmp_path / "kept").exists()


async def test_an_account_without_a_line_fetches_nothing(tmp_path: Path) -> None:
    album = Album(tmp_path, lambda _: None, most_bytes=50_000)
    with pytest.raises(Unreachable):
        await album.show(ACCOUNT, Picture(URL))


async def test_the_same_picture_kept_twice_at_once_is_kept(
    album: Album, monkeypatch: pytest.MonkeyPatch
) -> None:
    both, data = threading.Barrier(2), jpeg()
    monkeypatch.setattr(os, "fsync", lambda _: both.wait(timeout=30))
    first, second = await asyncio.gather(album.keep(data), album.keep(data))
    assert first == second
    assert (await album.show_kept(first)).media_type == "image/jpeg"


async def test_files_that_go_while_others_are_written_disturb_nobody(
    album: Album, tmp_path: Path
) -> None:
    for name in ("seen", "kept"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "gone.jpg").symlink_to(tmp_path / "nowhere")
    kept = await album.keep(jpeg())
    await album.show(ACCOUNT, Picture(URL))
    assert (await album.show_kept(kept)).data


async def test_a_folder_that_cannot_be_used_costs_the_cache_and_no_picture(
    album: Album, tmp_path: Path
) -> None:
    (tmp_path / "seen").write_text("in the way")
    assert (await album.show(ACCOUNT, Picture(URL))).data
    kept = await album.keep(jpeg())
    await album.adopt(kept, Picture(URL))


async def test_a_picture_that_cannot_be_stored_is_refused_in_words(
    album: Album, tmp_path: Path
) -> None:
    (tmp_path / "kept").write_text("in the way")
    with pytest.raises(Invalid, match="磁盘"):
        await album.keep(jpeg())


async def test_what_a_crash_left_half_written_goes(album: Album, tmp_path: Path) -> None:
    await album.keep(jpeg())
    half = tmp_path / "kept" / "abc.jpg.0badcafe.half"
    half.write_bytes(b"half")
    os.utime(half, (time.time() - HALF_SECONDS - 1,) * 2)
    await album.keep(jpeg((9, 9)))
    assert not half.exists()
