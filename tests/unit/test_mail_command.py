"""`yuqiao mail test` on the command line."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.post_office import PASSWORD, USER, PostOffice, open_post_office
from tests.programs import Done, run


async def yuqiao(folder: Path, office: PostOffice, *words: str, **env: str) -> Done:
    return await asyncio.to_thread(
        run,
        *words,
        env={
            "DB_PATH": str(folder / "hub.db"),
            "YUQIAO_MAIL__HOST": "127.0.0.1",
            "YUQIAO_MAIL__PORT": str(office.port),
            "YUQIAO_MAIL__SECURITY": "none",
            "YUQIAO_MAIL__USER": USER,
            "YUQIAO_MAIL__PASSWORD": PASSWORD,
            **env,
        },
    )


async def test_a_test_mail_is_sent_and_its_fate_told(tmp_path: Path) -> None:
    async with open_post_office() as office:
        code, told, _ = await yuqiao(tmp_path, office, "mail", "test", "--to", "a@example.org")
        assert (code, len(office.taken)) == (0, 1)
        assert "测试邮件已经交给邮件服务器" in told

        code, _, told = await yuqiao(
            tmp_path,
            office,
            *("mail", "test", "--to", "a@example.org"),
            YUQIAO_MAIL__PASSWORD="wrong-one",
        )
        assert code == 1
        assert "测试邮件没有寄出" in told
        assert "授权码" in told
        assert "wrong-one" not in told

        code, _, told = await yuqiao(tmp_path, office, "mail", "test", "--to", "nobody")
        assert (code, told.count("\n")) == (1, 1)


async def test_a_member_is_not_added_with_what_is_no_address(tmp_path: Path) -> None:
    add = ("member", "add", "--name", "老板", "--role", "owner", "--email")
    code, _, told = await yuqiao(tmp_path, PostOffice(port=1), *add, "nobody")
    assert (code, "这个邮箱地址不对" in told) == (1, True)
    assert (await yuqiao(tmp_path, PostOffice(port=1), *add, "a@example.org"))[0] == 0
