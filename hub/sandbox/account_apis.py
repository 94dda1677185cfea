"""Gateway APIs about the account itself: login, IM token, profile, people, conversations."""

from __future__ import annotations

import secrets
from typing import Any
from urllib.parse import quote

from hub.sandbox.encode import APP_KEY, compact
from hub.sandbox.lines import Lines
from hub.sandbox.manners import Manners
from hub.sandbox.mtop import Api, Call, Failed
from hub.sandbox.payloads import session_extension
from hub.sandbox.world import Conversation, World

MOST_SESSIONS = 50


class AccountApis:
    def __init__(self, world: World, lines: Lines, manners: Manners) -> None:
        self._world = world
        self._lines = lines
        self._manners = manners

    def table(self) -> dict[str, Api]:
        return {
            "mtop.taobao.idlemessage.pc.login.token": self._login_token,
            "mtop.taobao.idlemessage.pc.loginuser.get": self._login_user,
            "mtop.idle.web.user.page.nav": self._page_nav,
            "mtop.taobao.idlemessage.pc.user.query": self._user_query,
            "mtop.taobao.idlemessage.pc.session.sync": self._session_sync,
        }

    def anonymous(self) -> dict[str, Api]:
        """What a browser calls before anybody has logged in, to get its tokens."""
        return {
            "mtop.gaia.nodejs.gaia.idle.data.gw.v2.index.get": self._home,
            "mtop.taobao.idlehome.home.webpc.feed": self._home,
        }

    async def _home(self, _call: Call) -> dict[str, Any]:
        return {"cardList": []}

    async def _login_token(self, call: Call) -> dict[str, Any]:
        did = str(call.data.get("deviceId", ""))
        if call.data.get("appKey") != APP_KEY or not did:
            raise Failed("FAIL_BIZ_PARAM_ERROR::参数错误")
        seconds = self._manners.im_token_seconds
        token = self._world.issue_token(call.user, did, seconds)
        self._lines.age(call.user, did, token.number)
        value = quote(token.value, safe=":") if self._manners.encoded_token else token.value
        announced = self._manners.announced_token_seconds or seconds
        return {
            "accessToken": value,
            "accessTokenExpiredTime": str(int(announced * 1000)),
            "refreshToken": f"oauth_k1:{secrets.token_urlsafe(24)}",
        }

    async def _login_user(self, call: Call) -> dict[str, Any]:
        return {"userId": call.user, "mainUserId": call.user}

    async def _page_nav(self, call: Call) -> dict[str, Any]:
        base = {
            "displayName": self._world.sellers[call.user].name,
            "avatar": "https://img.alicdn.com/sns_logo/sandbox.png",
            "soldCount": 12,
            "purchaseCount": 3,
            "followers": "8",
            "following": "2",
            "collectionCount": 5,
        }
        return {"module": {"base": base}}

    async def _user_query(self, call: Call) -> dict[str, Any]:
        conversation = self._world.conversations.get(str(call.data.get("sessionId", "")))
        if conversation is None or conversation.thread.seller != call.user:
            raise Failed("FAIL_BIZ_PARAM_ERROR::会话不存在")
        thread = conversation.thread
        name = thread.seller_name if call.data.get("isOwner") else thread.buyer_name
        return {"userInfo": {"nick": name, "fishNick": name, "logo": "", "type": 1, "ext": {}}}

    async def _session_sync(self, call: Call) -> dict[str, Any]:
        if not self._manners.session_sync:
            raise Failed("FAIL_SYS_API_NOT_FOUNDED::请求API不存在")
        wanted = min(int(call.data.get("fetchNum", MOST_SESSIONS)), MOST_SESSIONS)
        spoken = [one for one in self._world.conversations_of(call.user) if one.messages]
        return {
            "hasMore": len(spoken) > wanted,
            "sessions": [_session(one) for one in spoken[:wanted]],
        }


def _session(conversation: Conversation) -> dict[str, Any]:
    thread, last = conversation.thread, conversation.messages[-1]
    people = {
        "ownerInfo": {"userId": thread.seller, "nick": thread.seller_name, "logo": ""},
        "userInfo": {"userId": thread.buyer, "nick": thread.buyer_name, "logo": "", "type": 1},
    }
    unread = sum(not one.read and one.sender == thread.buyer for one in conversation.messages)
    return {
        "memberFlags": 0,
        "message": {
            "summary": {
                "sortIndex": last.stamp.at,
                "summary": last.summary,
                "ts": last.stamp.at,
                "unread": unread,
                "version": last.stamp.at,
            }
        },
        "session": {
            "sessionId": int(thread.conversation),
            "sessionType": 1,
            "targetId": thread.item,
            "extensions": compact(session_extension(thread)),
            **people,
        },
    }
