"""What we say to people about logging an account in."""

from __future__ import annotations

COOKIES_EMPTY = "Cookie 是空的，请把浏览器里闲鱼网页版的完整 Cookie 粘贴进来。"
COOKIES_UNREADABLE = (
    "这段文字不像 Cookie，正确的样子是“名称=值; 名称=值; …”，请重新复制完整的一行。"
)
COOKIES_WITHOUT_USER = (
    "Cookie 里没有 unb，看不出是哪个账号：请先在浏览器里登录闲鱼网页版，再复制完整的 Cookie。"
)
COOKIES_WITH_ODD_USER = "Cookie 里的 unb 不是一串数字，请重新复制完整的 Cookie。"
COOKIES_WITHOUT_LOGIN = (
    "Cookie 里缺少登录凭证 cookie2：用控制台 document.cookie 复制会漏掉它，"
    "请从开发者工具“网络”里某个请求的请求头复制完整的 Cookie。"
)
PROXY_UNREADABLE = (
    "代理地址看不懂，正确的样子是 http://主机:端口 或 socks5://用户名:密码@主机:端口"
    "（http、https、socks5、socks4；密码里的 @ : / # % 要写成 %40 %3A %2F %23 %25），请检查后重填。"
)
