"""Bringing over the original through the admin: looked at first, done once, and no file stays."""

from __future__ import annotations

import asyncio
import io
import zipfile
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from errno import ENOSPC
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from web_stage import Page, Stage, Visitor, utc_now, visiting

from hub.desk import Door, Operator
from hub.errors import NotFound
from hub.model import PoolKind, Role, SentFile
from hub.ops import ImportInto, Report, UploadedOriginals
from hub.ops.importing import uploaded
from tests import originals
from web.pages import imports

NOBODYS = "/imports/0123456789abcdef"
DEADLINE = 60.0


@pytest.fixture
def database(tmp_path: Path) -> bytes:
    return originals.write_original(tmp_path / "elsewhere.db").read_bytes()


def archive(pictures: Mapping[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        for name, content in pictures.items():
            file.writestr(name, content)
    return packed.getvalue()


async def upload(visitor: Visitor, csrf: str, *files: tuple[str, str, bytes]) -> Page:
    """What a browser sends: the token first, then the files, in the order of the page."""
    form = aiohttp.FormData({"csrf": csrf}, quote_fields=False)  # as browsers do
    for field, name, content in files:
        form.add_field(field, io.BytesIO(content), filename=name)
    return await visitor._page("POST", "/imports", form)


async def rested(visitor: Visitor, address: str) -> Page:
    """The page of an import that waits for nobody but a person."""
    async with asyncio.timeout(DEADLINE):
        while True:
            page = await visitor.get(address)
            assert page.status == 200
            if 'http-equiv="refresh"' not in page.text:
                return page


async def ticks() -> AsyncIterator[None]:
    """Whenever the others had their turn."""
    while True:
        await asyncio.to_thread(int)
        yield


def left_behind(folder: Path) -> list[str]:
    return sorted(file.name for file in (folder / uploaded.ROOM).rglob("*") if file.is_file())


async def test_what_is_uploaded_is_looked_at_then_brought_over_once_and_removed(
    stage: Stage, owner: Operator, boss: Visitor, tmp_path: Path, database: bytes
) -> None:
    csrf = (await boss.get("/imports")).csrf
    pictures = {"a/../../qr.png": originals.picture("red"), "../evil.sh": b"#!", "b/": b""}
    sent = await upload(
        boss,
        csrf,
        ("database", "data/我的.db", database),
        ("settings", "global_config.yml", b"MESSAGE_EXPIRE_TIME: 600000\n"),
        ("pictures", "images.zip", archive(pictures)),
    )
    assert sent.status == 303, sent.text
    here = sent.leads_to

    looked = await rested(boss, here)
    assert "现在什么都没有写" in looked.text
    assert "我的.db" in looked.text
    assert "expire_minutes: 10" in looked.text
    assert [one for one in originals.SECRETS if one in looked.text] == []
    assert await stage.desk.accounts.all(owner) == []
    assert left_behind(tmp_path) == ["global_config.yml", "qr.png", "xianyu_data.db"]

    for _ in range(2):  # the button may be pressed twice
        assert (await boss.post(f"{here}/start", csrf=csrf)).status in (303, 409)
    done = await rested(boss, here)
    assert "导入完成" in done.text
    assert [one.enabled for one in await stage.desk.accounts.all(owner)] == [False, False]
    pools = [line.pool for line in await stage.desk.stock.overview(owner)]
    assert [one.name for one in pools if one.kind is PoolKind.IMAGE] == ["二维码"]
    assert left_behind(tmp_path) == []
    report = await boss.get(f"{here}/report")
    assert report.text.startswith("导入完成\n")
    acts = await stage.desk.system.audit(owner)
    mine = [one for one in acts if one.action.startswith("import")]
    assert sorted(one.action for one in mine) == ["import", "import.start", "import.upload"]
    assert {one.member for one in mine} == {owner.member.id}
    audit = (await boss.get("/audit")).text
    assert "开始从原系统导入" in audit
    assert "import." not in audit
    assert (await boss.post(f"{here}/start", csrf=csrf)).status == 409

    again = await upload(boss, csrf, ("database", "xianyu_data.db", database))
    assert "没有新的东西" in (await rested(boss, again.leads_to)).text
    assert (await boss.get(here)).status == 404
    assert (await boss.post(f"{again.leads_to}/drop", csrf=csrf)).leads_to.startswith("/imports?")
    assert left_behind(tmp_path) == []


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ([("database", "", b"")], "选一个数据库文件"),
        ([("settings", "a.yml", b"A: 1")], "选一个数据库文件"),
        ([("database", "a.db", b"x"), ("database", "b.db", b"y")], "数据库只要一个"),
        ([("database", "a.db", b"x"), ("pictures", "p.zip", b"no")], "打成一个 zip"),
        ([("database", "a.db", b"x"), ("settings", "a.yml", b"\xff\xfe")], "设置文件读不懂"),
        ([("database", "a.db", b"x" * 5000)], "太大了"),
    ],
)
async def test_what_cannot_be_taken_is_refused_on_the_form(
    boss: Visitor,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    files: list[tuple[str, str, bytes]],
    why: str,
) -> None:
    monkeypatch.setattr(uploaded, "LARGEST", 4000)
    page = await upload(boss, (await boss.get("/imports")).csrf, *files)
    assert page.status == 400
    assert why in page.text
    assert left_behind(tmp_path) == []


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"hello" * 100, "「x.db」不是 SQLite 数据库"),
        (b"SQLite format 3\x00" + b"\x00" * 100, "坏得读不出表"),
        (b"", "是空文件"),
    ],
)
async def test_what_is_no_original_is_one_sentence_and_nothing_stays(
    boss: Visitor, tmp_path: Path, content: bytes, why: str
) -> None:
    csrf = (await boss.get("/imports")).csrf
    sent = await upload(boss, csrf, ("database", "x.db", content))
    page = await rested(boss, sent.leads_to)
    assert "不能导入" in page.text
    assert why in page.text
    assert str(tmp_path) not in page.text
    assert left_behind(tmp_path) == []
    assert (await boss.post(f"{sent.leads_to}/start", csrf=csrf)).status == 409


async def test_what_did_not_end_can_be_done_again_and_nothing_comes_between(
    stage: Stage,
    owner: Operator,
    boss: Visitor,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    database: bytes,
) -> None:
    """The disk is full on the way; a second upload has to wait for the first one."""
    at_work, go_on = asyncio.Event(), asyncio.Event()

    async def no_room(*_: object, **__: object) -> Report:
        at_work.set()
        await go_on.wait()
        raise OSError(ENOSPC, "No space left on device")

    csrf = (await boss.get("/imports")).csrf
    here = (await upload(boss, csrf, ("database", "a.db", database))).leads_to
    await rested(boss, here)
    with monkeypatch.context() as patched:
        patched.setattr(uploaded, "bring_over", no_room)
        assert (await boss.post(f"{here}/start", csrf=csrf)).status == 303
        await at_work.wait()
        assert "正在导入" in (await boss.get(here)).text
        second = await upload(boss, csrf, ("database", "b.db", database))
        assert second.status == 400
        assert "另一份正在读" in second.text
        assert (await boss.post(f"{here}/drop", csrf=csrf)).status == 409
        go_on.set()
        assert "磁盘放不下" in (await rested(boss, here)).text
    assert "a.db" in (await boss.get("/imports")).text
    assert (await boss.post(f"{here}/start", csrf=csrf)).status == 303
    assert "导入完成" in (await rested(boss, here)).text
    assert len(await stage.desk.accounts.all(owner)) == 2
    assert left_behind(tmp_path) == []


async def test_files_do_not_wait_for_somebody_who_does_not_come_back(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database: bytes
) -> None:
    async def sent() -> AsyncIterator[SentFile]:
        async def chunks() -> AsyncIterator[bytes]:
            yield database

        yield SentFile("database", "a.db", chunks())

    monkeypatch.setattr(uploaded, "KEPT", timedelta(milliseconds=20))
    into = ImportInto(stage.store, Door.WEB, utc_now, lambda hashed: hashed)
    keeper = UploadedOriginals(tmp_path / "apart", into, utc_now)
    (tmp_path / "apart").mkdir()
    job = await keeper.receive(sent())
    async with asyncio.timeout(DEADLINE), asyncio.TaskGroup() as tasks:
        running = tasks.create_task(keeper.run())
        async for _ in ticks():
            if keeper.current() is None:
                break
        running.cancel()
    with pytest.raises(NotFound):
        keeper.start(job.id, None)
    assert left_behind(tmp_path / "apart") == []


async def test_a_node_that_starts_leaves_alone_what_another_one_was_sent(
    stage: Stage, tmp_path: Path, database: bytes
) -> None:
    """They share a folder. What a node left there a day ago is nobody's."""

    async def sent() -> AsyncIterator[SentFile]:
        async def chunks() -> AsyncIterator[bytes]:
            yield database

        yield SentFile("database", "a.db", chunks())

    folder = tmp_path / "apart"
    folder.mkdir()
    into = ImportInto(stage.store, Door.WEB, utc_now, lambda hashed: hashed)
    here, there = (UploadedOriginals(folder, into, utc_now, name) for name in ("a", "b"))
    await here.receive(sent())
    await there.receive(sent())

    there.clear()
    assert left_behind(folder) == ["xianyu_data.db"]
    assert [one.name for one in (folder / uploaded.ROOM).iterdir()] == ["a"]
    later = UploadedOriginals(folder, into, lambda: utc_now() + timedelta(days=2), "c")
    later.clear()
    assert left_behind(folder) == []


async def test_every_door_is_for_owners_with_the_token_of_their_session(
    stage: Stage, owner: Operator, boss: Visitor, tmp_path: Path, database: bytes
) -> None:
    csrf = (await boss.get("/imports")).csrf
    here = (await upload(boss, csrf, ("database", "a.db", database))).leads_to
    await rested(boss, here)
    kept, before = left_behind(tmp_path), await stage.desk.system.audit(owner)
    for name, role in (("阿看", Role.VIEWER), ("小客", Role.AGENT)):
        await stage.member(owner, name, role)
    before = await stage.desk.system.audit(owner)
    for name in ("阿看", "小客"):
        async with visiting(stage) as visitor:
            await visitor.log_in(name)
            own = (await visitor.get("/")).csrf
            for route in imports.ROUTES:
                assert isinstance(route, web.RouteDef)
                address = route.path.replace("/imports/{id:[0-9a-f]{16}}", here)
                if route.method == "GET":
                    page = await visitor.get(address)
                else:
                    page = await visitor.post(address, csrf=own)
                assert page.status == 403, (name, route)
            assert (await upload(visitor, own, ("database", "b.db", database))).status == 403
    assert (await upload(boss, "", ("database", "b.db", database))).status == 403
    async with visiting(stage) as stranger:
        assert (await upload(stranger, csrf, ("database", "b.db", database))).status == 303
    assert await stage.desk.system.audit(owner) == before
    assert left_behind(tmp_path) == kept
    assert (await boss.get(NOBODYS)).status == 404
