"""Settings: every documented name is read, wrong ones are named, the sample is the truth."""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel

from hub.errors import SettingsError
from hub.settings import GUIDE_NAMES, Settings, load_settings
from hub.store import Database

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "config" / "hub.example.yml"
OTHER_VALUES: dict[str, tuple[str, Any]] = {
    "WEB_HOST": ("127.0.0.9", "127.0.0.9"),
    "WEB_PORT": ("9001", 9001),
    "DB_PATH": ("elsewhere/shop.db", Path("elsewhere/shop.db")),
    "LOG_LEVEL": ("debug", "DEBUG"),
    "AUTO_REPLY_ENABLED": ("false", False),
    "AI_REPLY_ENABLED": ("false", False),
    "TZ": ("Asia/Tokyo", "Asia/Tokyo"),
}


@pytest.fixture(autouse=True)
def _no_file_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def value_of(settings: Settings, section: str, key: str) -> Any:
    return getattr(getattr(settings, section), key)


@pytest.mark.parametrize("name", GUIDE_NAMES)
def test_every_variable_of_the_operations_guide_is_read(name: str) -> None:
    section, key = GUIDE_NAMES[name]
    text, value = OTHER_VALUES[name]
    assert value_of(load_settings(env={}), section, key) != value
    assert value_of(load_settings(env={name: text}), section, key) == value
    own = {name: text, f"YUQIAO_{section}__{key}".upper(): text}
    assert value_of(load_settings(env=own), section, key) == value


def test_our_own_name_wins_over_the_guides_and_both_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "hub.yml"
    file.write_text("web:\n  port: 1001\n  session_days: 3\n", "utf-8")
    assert load_settings(file, {}).web.port == 1001
    assert load_settings(file, {"WEB_PORT": "1002"}).web.port == 1002
    both = load_settings(file, {"WEB_PORT": "1002", "YUQIAO_WEB__PORT": "1003"})
    assert (both.web.port, both.web.session_days) == (1003, 3)


def test_every_setting_can_come_from_the_environment() -> None:
    lists = {
        "qq.onebot_ws_urls": ("ws://a:1/, ws://b:2/", ("ws://a:1/", "ws://b:2/")),
        "qq.milky_urls": ("http://a:1, https://b/x", ("http://a:1", "https://b/x")),
        "replies.toggle_words": ("。, 停", ("。", "停")),
        "web.trusted_proxies": (
            "10.0.0.5, 172.16.0.0/12",
            (ip_network("10.0.0.5"), ip_network("172.16.0.0/12")),
        ),
    }
    for path, default in leaves(Settings):
        text, value = lists.get(".".join(path), (str(default), default))
        if path[-1] == "url":
            text, value = "sqlite:///x.db", "sqlite:///x.db"
        found: Any = load_settings(env={f"YUQIAO_{'__'.join(path)}".upper(): text})
        for name in path:
            found = getattr(found, name)
        assert found == value, path


def leaves(section: type[BaseModel]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every setting with its default, by the sections that lead to it."""
    for name, field in section.model_fields.items():
        if isinstance(field.default, BaseModel):
            for path, default in leaves(type(field.default)):
                yield (name, *path), default
        else:
            yield (name,), field.default


def test_the_sample_says_the_defaults() -> None:
    given = yaml.safe_load(SAMPLE.read_text("utf-8"))
    assert load_settings(SAMPLE, {}) == load_settings(env={})
    assert given, "a sample that says nothing shows nothing"


def test_every_variable_named_in_the_documents_is_read() -> None:
    documents = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), SAMPLE]
    named = {
        name
        for document in documents
        for name in re.findall(r"YUQIAO_[A-Z_]*[A-Z]", document.read_text("utf-8"))
    }
    assert named
    for name in named - {"YUQIAO_CONFIG", "YUQIAO_CHROMIUM", "YUQIAO_"}:
        path = tuple(name.removeprefix("YUQIAO_").lower().split("__"))
        assert path in {one for one, _ in leaves(Settings)}, name


def test_the_file_named_by_the_environment_is_read(tmp_path: Path) -> None:
    file = tmp_path / "mine.yml"
    file.write_text("qq:\n  enabled: false\n", "utf-8")
    assert not load_settings(env={"YUQIAO_CONFIG": str(file)}).qq.enabled
    with pytest.raises(SettingsError, match=r"none\.yml"):
        load_settings(env={"YUQIAO_CONFIG": str(tmp_path / "none.yml")})


def test_a_section_whose_lines_are_commented_out_is_no_mistake(tmp_path: Path) -> None:
    file = tmp_path / "hub.yml"
    file.write_text("qq:\n  # enabled: false\nweb:\n", "utf-8")
    assert load_settings(file, {}) == load_settings(env={})
    assert load_settings(file, {"WEB_PORT": "1002"}).web.port == 1002


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("web:\n  prot: 1\n", "'web.prot'; did you mean 'port'"),
        ("wbe:\n  port: 1\n", "'wbe'; did you mean 'web'"),
        ("web:\n  port: 70000\n", "'web.port'"),
        ("web:\n  port: eighty\n", "'web.port'"),
        ("text:\n  timezone: Mars/Olympus\n", "'Mars/Olympus' is no time zone"),
        ("database:\n  url: postgresql://x\n", "sqlite:///"),
        ("database:\n  url: 'postgresql://u:p@h:port/n'\n", "postgresql://user:password@host"),
        ("database:\n  url: mysql://h/n\n", "postgresql://user:password@host"),
        ("log:\n  level: LOUD\n", "'log.level'"),
        ("xianyu:\n  ws_url: https://x\n", "'xianyu.ws_url': must be an address such as wss://"),
        ("xianyu:\n  mtop_url: x.example\n", "'xianyu.mtop_url': must be an address such as https"),
        ("xianyu:\n  upload_url: 'http://['\n", "'xianyu.upload_url'"),
        ("web:\n  public_url: shop.example\n", "'web.public_url': must be an address"),
        ("qq:\n  onebot_ws_urls: [localhost]\n", "'qq.onebot_ws_urls.0'"),
        ("qq:\n  milky_urls: ['ws://127.0.0.1:3000']\n", "'qq.milky_urls.0'"),
        ("qq:\n  official: {app_id: '102001'}\n", "app_id and secret go together"),
        ("qq:\n  official: {app_id: abc, secret: x}\n", "'qq.official.app_id'"),
        ("qq:\n  official: {apid: '1'}\n", "'qq.official.apid'; did you mean 'app_id'"),
        ("qq:\n  official: {api_url: bot.qq.com}\n", "'qq.official.api_url': must be an address"),
        ("just words", "must hold sections"),
        ("web: 8080\n", "'web' is a section"),
        ("web:\n  trusted_proxies: [nginx]\n", "'web.trusted_proxies.0"),
        ("ai:\n  base_url: api.example.com\n", "'ai.base_url': must be an address"),
        ("ai:\n  base_url: https://api.example.com/v1\n", "ai.model must name the model"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, part: str) -> None:
    file = tmp_path / "hub.yml"
    file.write_text(text, "utf-8")
    with pytest.raises(SettingsError) as raised:
        load_settings(file, {})
    assert part in str(raised.value)


def test_each_wrong_key_has_a_line_of_its_own(tmp_path: Path) -> None:
    file = tmp_path / "hub.yml"
    file.write_text("web:\n  prot: 1\nqq:\n  tokn: x\n", "utf-8")
    with pytest.raises(SettingsError) as raised:
        load_settings(file, {})
    assert len(str(raised.value).splitlines()) == 2


def test_a_secret_is_not_shown_by_an_error(tmp_path: Path) -> None:
    file = tmp_path / "hub.yml"
    file.write_text(
        "database:\n  key: [hush-hush]\n"
        "qq:\n  access_token: [psst]\n  onebot_ws_urls: ['http://x/?access_token=psst']\n",
        "utf-8",
    )
    with pytest.raises(SettingsError) as raised:
        load_settings(file, {})
    assert "hush" not in str(raised.value)
    assert "psst" not in str(raised.value)


def test_a_variable_that_names_no_setting_is_an_error() -> None:
    with pytest.raises(SettingsError, match="YUQIAO_PORT"):
        load_settings(env={"YUQIAO_PORT": "1"})


def test_words_that_toggle_may_be_several_or_none_but_not_empty(tmp_path: Path) -> None:
    file = tmp_path / "hub.yml"
    for written, words in (('["。", " 停 "]', ("。", "停")), ("[]", ())):
        file.write_text(f"replies:\n  toggle_words: {written}\n", encoding="utf-8")
        assert load_settings(file, {}).replies.toggle_words == words
    assert load_settings(env={"YUQIAO_REPLIES__TOGGLE_WORDS": ""}).replies.toggle_words == ()
    for bad in ('[" "]', f'["{"长" * 21}"]'):
        file.write_text(f"replies:\n  toggle_words: {bad}\n", encoding="utf-8")
        with pytest.raises(SettingsError, match=r"toggle_words.* 1 to 20 characters"):
            load_settings(file, {})


def mail(**values: str) -> Settings:
    return load_settings(env={f"YUQIAO_MAIL__{key.upper()}": text for key, text in values.items()})


@pytest.mark.parametrize(("security", "port"), [("starttls", 587), ("tls", 465), ("none", 25)])
def test_each_security_of_mail_has_its_usual_port(security: str, port: int) -> None:
    found = mail(host="smtp.example.com", user="a@example.com", security=security).mail
    assert (found.dialled_port, found.sender_address) == (port, "a@example.com")
    assert mail(host="h", user="a@b.c", security=security, port="2525").mail.dialled_port == 2525


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"host": "smtp.example.com:587", "user": "a@b.c"}, "mail.port"),
        ({"host": "smtp://example.com", "user": "a@b.c"}, "host name alone"),
        ({"host": "smtp.example.com", "user": "me"}, "mail.sender must be an address"),
        ({"host": "smtp.example.com"}, "mail.sender must be an address"),
        ({"sender": "nobody"}, "mail.sender must be an address"),
        ({"sender": "a@b.c\nBcc: d@e.f"}, "one line"),
        ({"password": "s3cret"}, "mail.user must name"),
        ({"security": "ssl"}, "mail.security"),
        ({"port": "70000"}, "mail.port"),
        ({"timeout_seconds": "0"}, "mail.timeout_seconds"),
    ],
)
def test_a_wrong_setting_of_mail_is_named(values: dict[str, str], said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        mail(**values)
    assert said in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_the_password_of_mail_is_not_shown() -> None:
    found = mail(host="h", user="a@b.c", password="s3cret", sender="鱼桥 <x@b.c>")
    assert "s3cret" not in repr(found)
    assert found.mail.sender_address == "x@b.c"


@pytest.mark.parametrize(
    "value", ["s3cretV4lue: [", '"s3cretV4lue', "*s3cretV4lue", "!s3cretV4lue x"]
)
def test_a_file_that_cannot_be_read_is_named_with_its_line_and_without_what_stands_there(
    tmp_path: Path, value: str
) -> None:
    file = tmp_path / "hub.yml"
    file.write_text(f"mail:\n  password: {value}\n", "utf-8")
    with pytest.raises(SettingsError) as refused:
        load_settings(file, {})
    assert "line" in str(refused.value)
    assert "s3cretV4lue" not in str(refused.value)


def test_the_address_of_a_database_is_taken_and_its_password_never_shown(tmp_path: Path) -> None:
    url = "postgresql://hub:very-secret@db.example:5433/shop"
    found = load_settings(env={"YUQIAO_DATABASE__URL": url, "DB_PATH": str(tmp_path / "x.db")})
    assert found.database.server == url
    assert found.database.path == tmp_path / "x.db", "its folder holds the key and the pictures"
    assert "very-secret" not in repr(found)
    assert load_settings(env={"YUQIAO_DATABASE__URL": "sqlite:///x.db"}).database.server == ""
    several = load_settings(env={"YUQIAO_DATABASE__URL": "postgresql://u:p@a:5432,b:5432/shop"})
    assert str(Database.chosen(several.database)) == "postgresql://a:5432,b:5432/shop"
    with pytest.raises(SettingsError) as caught:
        load_settings(env={"YUQIAO_DATABASE__URL": "postgresql://hub:very-secret@:5433/"})
    assert "very-secret" not in str(caught.value)
