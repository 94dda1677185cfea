"""The mtop gateway as a stranger with a plain HTTP client meets it."""

from __future__ import annotations

import json

import pytest

from .client import IM_APP_KEY, SELLER, Rig

LOGIN_USER = "mtop.taobao.idlemessage.pc.loginuser.get"
LOGIN_TOKEN = "mtop.taobao.idlemessage.pc.login.token"


async def test_a_call_without_token_gets_a_pair_in_two_cookie_headers(rig: Rig) -> None:
    rig.browser.cookies.pop("_m_h5_tk")
    answer, cookies = await rig.browser.once(LOGIN_USER)
    assert answer["ret"] == ["FAIL_SYS_TOKEN_EMPTY::令牌为空"]
    assert [line.partition("=")[0] for line in cookies] == ["_m_h5_tk", "_m_h5_tk_enc"]
    assert all("Domain=.goofish.com" in line and "Path=/" in line for line in cookies)
    answer, _ = await rig.browser.once(LOGIN_USER)
    assert answer["data"]["userId"] == SELLER


async def test_pasted_cookies_hold_a_stale_token_and_heal(rig: Rig) -> None:
    answer, cookies = await rig.browser.once(LOGIN_USER)
    assert answer["ret"] == ["FAIL_SYS_TOKEN_EXOIRED::令牌过期"]
    assert len(cookies) == 2
    assert (await rig.browser.call(LOGIN_USER))["ret"] == ["SUCCESS::调用成功"]


async def test_a_token_with_a_foreign_companion_is_stale(rig: Rig) -> None:
    await rig.browser.call(LOGIN_USER)
    rig.browser.cookies["_m_h5_tk_enc"] = "0" * 32
    answer, _ = await rig.browser.once(LOGIN_USER)
    assert answer["ret"][0].startswith("FAIL_SYS_TOKEN_EXOIRED")


async def test_the_token_rotates_before_it_runs_out(rig: Rig) -> None:
    await rig.browser.call(LOGIN_USER)
    first = rig.browser.cookies["_m_h5_tk"]
    await rig.manners(mtop_token_seconds=6_000)
    answer, cookies = await rig.browser.once(LOGIN_USER)
    assert answer["ret"] == ["SUCCESS::调用成功"]
    assert len(cookies) == 2
    assert rig.browser.cookies["_m_h5_tk"] != first


async def test_a_wrong_signature_is_refused(rig: Rig) -> None:
    await rig.browser.call(LOGIN_USER)
    answer, _ = await rig.browser.once(LOGIN_USER, sign="0" * 32)
    assert "FAIL_SYS_ILLEGAL_REQUEST" in answer["ret"][0]


async def test_the_signature_covers_the_raw_text_with_blanks_and_chinese(rig: Rig) -> None:
    data = '{"itemId": "880011223344",  "备注":"a+b&c=d%20"}'
    answer = await rig.browser.call("mtop.taobao.idle.pc.detail", data)
    assert answer["data"]["itemDO"]["title"] == "视频会员月卡 自动发货"
    assert answer["data"]["sellerDO"]["sellerId"] == SELLER


@pytest.mark.parametrize("name", ["cookie2", "unb"])
async def test_without_login_cookies_the_session_has_expired(rig: Rig, name: str) -> None:
    del rig.browser.cookies[name]
    answer = await rig.browser.call(LOGIN_USER)
    assert answer["ret"] == ["FAIL_SYS_SESSION_EXPIRED::Session过期"]


async def test_a_login_can_be_ended_and_given_back(rig: Rig) -> None:
    await rig.admin("POST", f"/sellers/{SELLER}/login", {"logged_in": False})
    assert "SESSION_EXPIRED" in (await rig.browser.call(LOGIN_USER))["ret"][0]
    await rig.admin("POST", f"/sellers/{SELLER}/login", {"logged_in": True})
    assert (await rig.browser.call(LOGIN_USER))["ret"] == ["SUCCESS::调用成功"]


async def test_an_unknown_api_is_not_found(rig: Rig) -> None:
    answer = await rig.browser.call("mtop.taobao.nobody.knows")
    assert answer["ret"][0].startswith("FAIL_SYS_API_NOT_FOUNDED")


async def test_the_im_token_is_percent_encoded_unless_told_otherwise(rig: Rig) -> None:
    data = json.dumps({"appKey": IM_APP_KEY, "deviceId": "D"})
    first = (await rig.browser.call(LOGIN_TOKEN, data))["data"]
    assert first["accessToken"].endswith("%3D%3D")
    assert first["accessTokenExpiredTime"] == "86400000"
    await rig.manners(encoded_token=False)
    second = (await rig.browser.call(LOGIN_TOKEN, data))["data"]
    assert second["accessToken"].endswith("==")


async def test_risk_control_is_a_success_of_http_with_a_punish_address(rig: Rig) -> None:
    await rig.browser.call(LOGIN_USER)
    await rig.fault("mtop_risk", subject=LOGIN_TOKEN)
    assert (await rig.browser.call(LOGIN_USER))["ret"] == ["SUCCESS::调用成功"]
    answer, _ = await rig.browser.once(LOGIN_TOKEN, "{}")
    assert answer["ret"][0] == "FAIL_SYS_USER_VALIDATE"
    assert answer["ret"][1].startswith("RGV587_ERROR::SM::")
    assert "punish?x5secdata=" in answer["data"]["url"]


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("mtop_throttle", "FAIL_SYS_TRAFFIC_LIMIT"),
        ("mtop_session_expired", "FAIL_SYS_SESSION_EXPIRED"),
        ("mtop_token_expired", "FAIL_SYS_TOKEN_EXOIRED"),
    ],
)
async def test_a_fault_bites_as_often_as_told(rig: Rig, kind: str, code: str) -> None:
    await rig.browser.call(LOGIN_USER)
    await rig.fault(kind, times=2)
    rets = [(await rig.browser.once(LOGIN_USER))[0]["ret"][0] for _ in range(3)]
    assert [code in ret for ret in rets] == [True, True, False]


async def test_garbage_and_http_500_can_be_switched_on(rig: Rig) -> None:
    await rig.fault("mtop_garbage")
    with pytest.raises(json.JSONDecodeError):
        await rig.browser.once(LOGIN_USER)
    await rig.fault("mtop_http500")
    with pytest.raises(json.JSONDecodeError):
        await rig.browser.once(LOGIN_USER)


async def test_calls_are_on_record(rig: Rig) -> None:
    await rig.browser.call(LOGIN_USER)
    calls = await rig.admin("GET", f"/calls?user={SELLER}")
    assert [(one["api"], one["ret"].partition("::")[0]) for one in calls] == [
        (LOGIN_USER, "FAIL_SYS_TOKEN_EXOIRED"),
        (LOGIN_USER, "SUCCESS"),
    ]


async def test_has_login_renews_side_cookies_of_a_good_login_only(rig: Rig) -> None:
    url = rig.sandbox.urls["passport_url"] + "/newlogin/hasLogin.do"
    cookies = rig.sandbox.cookies(SELLER)
    async with rig.http.post(url, headers={"Cookie": cookies}) as response:
        assert (await response.json())["content"]["success"] is True
        assert response.headers["Set-Cookie"].startswith("sgcookie=")
    async with rig.http.post(url, headers={"Cookie": f"unb={SELLER}"}) as response:
        assert (await response.json())["content"]["success"] is False
        assert "Set-Cookie" not in response.headers
