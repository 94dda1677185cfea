"""The admin on a real server with a real database, and somebody with a browser in front of it."""

from __future__ import annotations

import asyncio
import html
import io
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import cast
from zoneinfo import ZoneInfo

import aiohttp
import PIL.Image
from aiohttp import web
from yarl import URL

from hub.album import Album
from hub.app import LARGEST_REQUEST
from hub.desk import Desk, Door, Operator
from hub.errors import Rejected
from hub.model import (
    Account,
    Conversation,
    Image,
    ListedItem,
    Member,
    MessageId,
    Origin,
    Picture,
    PlatformConversation,
    PlatformMessage,
    PlatformUser,
    Role,
    Text,
)
from hub.ops import BackupClock, Backups, ImportInto, UploadedOriginals
from hub.settings import DatabaseSettings, Settings, WebSettings
from hub.store import Store, Tx, open_store
from hub.xianyu import Client
from web import Site, attach

PASSWORD = "correct horse"
TOKEN = "onebot-token-of-the-test"
LINK_TOKEN = "token-of-plugins-of-the-test"
BUYER = PlatformUser("3100444455556")


def utc_now() -> datetime:
    return datetime.now(UTC)


def cookies_of(user: str = "2200111122223") -> str:
    return f"unb={user}; cookie2=0123456789abcdef; sgcookie=E100secret; _m_h5_tk=aa_1"


@dataclass
class Platform:
    """Where every account finds its pictures, by address; anything else is not there."""

    pictures: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    async def download(self, url: str, *, most_bytes: int) -> bytes:
        self.asked.append(url)
        if url not in self.pictures:
            raise Rejected("xianyu", "download", "HTTP 404")
        return self.pictures[url]


@dataclass
class Stage:
    store: Store
    desk: Desk
    runner: web.AppRunner
    url: str
    platform: Platform
    bots: list[str] = field(default_factory=list)
    refusals: list[tuple[datetime, str]] = field(default_factory=list)

    async def found(self) -> Operator:
        """The owner of a fresh shop."""
        new = await self.desk.members.found_shop(name="店主", password=PASSWORD)
        return Operator(new.login.operator.member, Door.CLI)

    async def member(self, owner: Operator, name: str, role: Role) -> Member:
        return await self.desk.members.add(owner, name=name, role=role, password=PASSWORD)

    async def account(self, owner: Operator, name: str = "数码小店") -> Account:
        return await self.desk.accounts.add(owner, name, cookies_of())

    async def conversation(self, account: Account, *, buyer: str = "小林") -> Conversation:
        number = len(buyer) * 1000 + sum(map(ord, buyer))
        return await self.store.write(
            lambda tx: tx.conversations.upsert(
                account.shop,
                account.id,
                PlatformConversation(f"5{number:010d}"),
                buyer=BUYER,
                buyer_name=buyer,
                item_id="900000000001",
                item_title="二手机械键盘 87 键",
                at=utc_now(),
            )
        )

    async def account_items(self, account: Account, items: Sequence[ListedItem]) -> None:
        """These are what the account has for sale, as just read."""

        def unit(tx: Tx) -> None:
            tx.items.save_list(account.shop, account.id, items, utc_now())

        await self.store.write(unit)

    async def says(
        self, conversation: Conversation, content: str | Image, number: int = 1
    ) -> MessageId:
        """The buyer writes something."""
        now = utc_now()
        message = await self.store.write(
            lambda tx: tx.messages.add_in(
                conversation.shop,
                conversation.account,
                conversation.id,
                platform_id=PlatformMessage(f"{conversation.id}{number:012d}.PNM"),
                origin=Origin.BUYER,
                content=Text(content) if isinstance(content, str) else content,
                sent_at=now,
                now=now,
            )
        )
        assert message is not None
        return message


def jpeg(size: tuple[int, int] = (40, 30)) -> bytes:
    packed = io.BytesIO()
    PIL.Image.new("RGB", size, "teal").save(packed, "JPEG")
    return packed.getvalue()


def picture(url: str) -> Image:
    return Image((Picture(url, 200, 100),))


@dataclass(frozen=True)
class Page:
    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def leads_to(self) -> str:
        return self.headers.get("Location", "")

    @property
    def csrf(self) -> str:
        match = re.search(r'name="csrf" value="([^"]*)"', self.text)
        assert match is not None, "the page holds no form"
        return html.unescape(match[1])

    def value(self, name: str) -> str:
        match = re.search(rf'name="{name}"[^>]*value="([^"]*)"', self.text)
        assert match is not None, f"the page holds no field {name}"
        return html.unescape(match[1])


class Visitor:
    """Keeps cookies, follows no redirect by itself, sends forms with the token of their page."""

    def __init__(self, http: aiohttp.ClientSession, url: str) -> None:
        self.http = http
        self.url = url

    async def get(self, path: str) -> Page:
        return await self._page("GET", path)

    async def submit(self, path: str, *, on: str = "", **fields: str) -> Page:
        """Fill in the form that the page `on` shows (the same address if not given)."""
        form = await self.get(on or path)
        return await self.post(path, csrf=form.csrf, **fields)

    async def post(self, path: str, **fields: str) -> Page:
        return await self._page("POST", path, fields)

    async def post_files(self, path: str, files: Sequence[bytes], **fields: str) -> Page:
        """What a browser sends for a form with chosen pictures."""
        form = aiohttp.FormData(fields)
        for number, data in enumerate(files):
            form.add_field(
                "pictures", io.BytesIO(data), filename=f"{number}.jpg", content_type="image/jpeg"
            )
        return await self._page("POST", path, form)

    async def log_in(self, name: str, password: str = PASSWORD) -> None:
        page = await self.submit("/login", name=name, password=password)
        assert page.status == 303, page.text

    def cookie(self, name: str) -> str:
        return self.http.cookie_jar.filter_cookies(URL(self.url))[name].value

    async def _page(
        self, method: str, path: str, fields: Mapping[str, str] | aiohttp.FormData | None = None
    ) -> Page:
        async with self.http.request(
            method, self.url + path, data=fields, allow_redirects=False
        ) as response:
            text = (await response.read()).decode("utf-8", "replace")
            return Page(response.status, response.headers.copy(), text)


@asynccontextmanager
async def open_stage(
    folder: Path, *, settings: Settings | None = None, app: web.Application | None = None
) -> AsyncIterator[Stage]:
    settings = settings or Settings(web=WebSettings())
    app = app or web.Application(client_max_size=LARGEST_REQUEST)
    bots: list[str] = []
    refusals: list[tuple[datetime, str]] = []
    async with open_store(folder / "shop.db") as store:
        platform = Platform()
        album = Album(
            folder / "pictures", lambda _: cast("Client", platform), most_bytes=10_000_000
        )
        here = settings.model_copy(update={"database": DatabaseSettings(path=folder / "shop.db")})
        backups = BackupClock(
            store,
            Backups(here, folder / "hub.yml"),
            settings.backup,
            ZoneInfo(settings.text.timezone),
            now=utc_now,
        )
        into = ImportInto(store, Door.WEB, utc_now, lambda hashed: hashed)
        originals = UploadedOriginals(folder, into, utc_now)
        desk = Desk(store, settings, utc_now, album, backups=backups, originals=originals)
        attach(
            app,
            Site(
                desk=desk,
                settings=settings,
                version="0.0.test",
                qq=lambda: tuple(bots),
                qq_token=TOKEN,
                link_token=LINK_TOKEN,
                qq_refusals=lambda: tuple(refusals),
            ),
        )
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await runner.setup()
        try:
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            port = runner.addresses[0][1]
            async with asyncio.TaskGroup() as tasks:
                importing = tasks.create_task(originals.run())
                yield Stage(
                    store, desk, runner, f"http://127.0.0.1:{port}", platform, bots, refusals
                )
                importing.cancel()
        finally:
            await runner.cleanup()


@asynccontextmanager
async def visiting(stage: Stage) -> AsyncIterator[Visitor]:
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(cookie_jar=jar) as http:
        yield Visitor(http, stage.url)
