"""What operators type on a phone is understood, and nothing else is."""

from __future__ import annotations

import pytest

from hub.commands import (
    COMMANDS,
    HELP_GROUPS,
    Action,
    Call,
    DraftWord,
    UnknownCommand,
    closing_ticket,
    confirmation,
    draft_word,
    find_command,
    leading_ticket,
    may,
    need_of_notice,
    parse_command,
)
from hub.model import Role


def call(text: str) -> tuple[Action, str]:
    found = parse_command(text)
    assert isinstance(found, Call)
    return found.command.action, found.argument


def test_every_name_and_alias_calls_its_command() -> None:
    for one in COMMANDS:
        for name in (one.name, *one.aliases):
            assert call(f"/{name}") == (one.action, "")
            assert call(f"／{name.upper()}") == (one.action, "")
            assert find_command(f"/{name}") is find_command(name) is one


def test_no_two_commands_share_a_name() -> None:
    names = [name for c in COMMANDS for name in (c.name, *c.aliases)]

    assert len(names) == len(set(names))


def test_the_list_of_commands_has_each_one_once() -> None:
    listed = [action for _, actions in HELP_GROUPS for action in actions]
    assert sorted(listed) == sorted(one.action for one in COMMANDS)


def test_no_group_of_the_help_is_called_like_a_command() -> None:
    assert [name for name, _ in HELP_GROUPS if find_command(name)] == []


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("好", (DraftWord.SEND, "")),
        ("发吧。", (DraftWord.SEND, "")),
        ("OK", (DraftWord.SEND, "")),
        ("改 在的", (DraftWord.CHANGE, "在的")),
        ("改成：在的\n今天发", (DraftWord.CHANGE, "在的\n今天发")),
        ("换一份", (DraftWord.ANOTHER, "")),
        ("别发", (DraftWord.DROP, "")),
    ],
)
def test_a_word_about_a_draft_is_understood(said: str, meant: tuple[DraftWord, str]) -> None:
    assert draft_word(said) == meant


@pytest.mark.parametrize("said", ["改", " 改 ", "改成", "改：", "改成："])
def test_to_change_a_draft_without_saying_how_is_never_meant_for_the_buyer(said: str) -> None:
    assert draft_word(said) == (DraftWord.CHANGE, "")


@pytest.mark.parametrize("said", ["改天发", "好的亲，马上发", "不要急", "可以的", "换货要寄回来"])
def test_a_sentence_that_begins_like_such_a_word_is_for_the_buyer(said: str) -> None:
    assert draft_word(said) is None


def test_every_command_explains_itself() -> None:
    for command in COMMANDS:
        assert command.usage.startswith(f"/{command.name}")
        assert command.summary


@pytest.mark.parametrize(
    ("text", "argument"),
    [
        ("/暂停 30分", "30分"),
        ("/暂停30分", "30分"),
        ("  / 暂停  30分 ", "30分"),
        ("/暂停#a7", "#a7"),
        ("/暂停＃a7 30分", "＃a7 30分"),
        ("/暂停 #a7\n30分", "#a7\n30分"),
        ("/暂停30 分", "30 分"),
        ("/PAUSE 30m", "30m"),
    ],
)
def test_an_argument_may_be_glued_or_apart(text: str, argument: str) -> None:
    assert call(text) == (Action.PAUSE, argument)


@pytest.mark.parametrize("text", ["/?", "/？", "/帮助?", "/h"])
def test_help_is_easily_called(text: str) -> None:
    assert call(text)[0] is Action.HELP


@pytest.mark.parametrize("text", ["在的", "", "a/b", "#a7 /暂停", "1/2", "/", "/#a7"])
def test_what_is_no_command_is_none(text: str) -> None:
    assert parse_command(text) is None


@pytest.mark.parametrize(
    ("text", "name", "suggested"),
    [
        ("/暂挺", "暂挺", Action.PAUSE),
        ("/发或", "发或", Action.DELIVER),
        ("/pausee", "pausee", Action.PAUSE),
        ("/helpme", "helpme", Action.HELP),
        ("/Statsu", "Statsu", Action.STATUS),
        ("/xyz", "xyz", None),
        ("/天气 1", "天气", None),
    ],
)
def test_a_misspelt_command_is_never_run_but_the_nearest_is_suggested(
    text: str, name: str, suggested: Action | None
) -> None:
    found = parse_command(text)
    assert isinstance(found, UnknownCommand)
    assert found.name == name
    assert (found.suggestion and found.suggestion.action) == suggested


def test_an_unknown_name_has_no_help() -> None:
    assert find_command("没有这个") is None


@pytest.mark.parametrize(
    ("text", "ticket"),
    [
        ("【小店】小林\n在吗\n#a7", "a7"),
        ("✓ 已送达 小林 #A12", "a12"),
        ("在吗\n＃a7 \n", "a7"),
        ("看 #b3\n#a7", "a7"),
        ("#a7 在的", None),
        ("⏸ #a7 小林 手动暂停，直到 /恢复", None),
        ("看 #b3 的", None),
        ("#a7x", None),
        ("#77", None),
        ("", None),
    ],
)
def test_only_the_ticket_at_the_very_end_counts(text: str, ticket: str | None) -> None:
    assert closing_ticket(text) == ticket


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("#a7 在的", ("a7", "在的")),
        ("＃A7在的", ("a7", "在的")),
        (" # a7\n在的\n包邮 ", ("a7", "在的\n包邮")),
        ("#a7", ("a7", "")),
        ("在的 #a7", None),
        ("#a7b 在的", None),
        ("a7 在的", None),
        ("#1 在的", None),
    ],
)
def test_a_ticket_in_front_is_taken_off(text: str, found: tuple[str, str] | None) -> None:
    assert leading_ticket(text) == found


def test_a_role_may_do_what_lesser_roles_may() -> None:
    roles = (Role.VIEWER, Role.AGENT, Role.OWNER)

    allowed = [[may(role, least) for least in roles] for role in roles]

    assert allowed == [[True, False, False], [True, True, False], [True, True, True]]


@pytest.mark.parametrize(
    ("text", "action", "argument"),
    [
        ("/单 小林", Action.ORDER, "小林"),
        ("/单6778", Action.ORDER, "6778"),
        ("/发货 #a7 月卡 2份", Action.DELIVER, "#a7 月卡 2份"),
        ("/发货#a7", Action.DELIVER, "#a7"),
        ("/发货完成 6778", Action.OUTSIDE, "6778"),
        ("/发货规则", Action.DELIVERY_RULES, ""),
        ("/处理37 1", Action.SETTLE, "37 1"),
        ("/待处理", Action.NEEDS, ""),
        ("/停发小店", Action.STOP, "小店"),
        ("/恢复发货", Action.GO_ON, ""),
        ("/恢复", Action.RESUME, ""),
    ],
)
def test_commands_that_begin_alike_are_told_apart(text: str, action: Action, argument: str) -> None:
    assert call(text) == (action, argument)


@pytest.mark.parametrize(
    ("quoted", "number"),
    [
        ("🔔 待处理 37｜库存不足\n1 发货", 37),
        ("🔔 还没处理：待处理 4｜库存不足", 4),
        ("待处理 5｜没有发货规则：x", 5),
        ("【小店】小林\n🔔 待处理 37｜库存不足", None),
        ("我要 待处理 37｜", None),
        ("", None),
    ],
)
def test_the_need_that_a_notice_tells_of_stands_at_its_beginning(
    quoted: str, number: int | None
) -> None:
    assert need_of_notice(quoted) == number


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("确认 4821", "4821"),
        (" 确认4821 ", "4821"),
        ("确认 48211", None),
        ("确认 4821 吗", None),
        ("确认", None),
        ("4821", None),
    ],
)
def test_a_second_word_is_nothing_but_the_word_and_four_digits(text: str, code: str | None) -> None:
    assert confirmation(text) == code
