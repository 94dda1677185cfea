"""Why a bot is not connected, as the status page says it: what is wrong, and what helps."""

from __future__ import annotations

import socket
import ssl

import aiohttp
from nonebot.exception import WebSocketClosed

WRONG_TOKEN = "access token 不对：把 QQ 页上的 Token 原样复制过去，前后不要有空格"  # noqa: S105
NO_TOKEN = "没有带 access token：在 QQ 端的 Token 一栏填上 QQ 页上的 Token"  # noqa: S105
NO_ID = "没有带 X-Self-ID（机器人的 QQ 号）：来的不像是 OneBot v11 的反向 WebSocket"
NOT_UNIVERSAL = "请使用 Universal 连接：API 与 Event 分开的连接不支持"
WRONG_PATH = "地址写错了：主机和端口没错，路径应当是 /onebot/v11/ws"
POSTS = "用的是 HTTP 上报：在 QQ 端改用 WebSocket 客户端（反向 WebSocket）"
TWICE = "已经有一个连接，正向连接不再重复建立"
FOUGHT_OVER = "同一个号有两个 QQ 端在抢着连，通知时有时无：停掉其中一个"
THROWN_OUT = "机器人连着，但它的 QQ 账号掉线了：到 QQ 端重新登录，通知会先留着"


def not_reached(place: str, error: Exception) -> str:
    """Of a bridge that we dial. `place`: its host and port."""
    match error:
        case PermissionError() | aiohttp.WSServerHandshakeError(status=401 | 403):
            why = "不认可 access token：两边要填同一个"
        case aiohttp.WSServerHandshakeError(status=status):
            why = f"有回应，但不是 OneBot 的 WebSocket 服务器（HTTP {status}）：看看端口和路径"
        case aiohttp.ClientSSLError() | ssl.SSLError():
            why = "加密连接没有建立：没有用 HTTPS 的地方要写 ws://，证书要有效"
        case aiohttp.ClientConnectorDNSError() | socket.gaierror():
            why = "找不到这个主机名：用 Docker 的话写服务名，否则写 IP"
        case aiohttp.ClientConnectorError(os_error=ConnectionRefusedError()):
            why = "没有程序在听：QQ 端没有启动，或者端口不对"
        case TimeoutError():
            why = "没有回应：看看地址、防火墙，以及对面是不是 OneBot v11"
        case aiohttp.InvalidURL():
            why = "不是一个地址：应当像 ws://127.0.0.1:3001/"
        case WebSocketClosed():
            why = "连上以后马上断开了：看看 QQ 端的日志"
        case _:
            why = "连不上：看看 QQ 端有没有启动"
    return f"{place} {why}"
