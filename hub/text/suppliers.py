"""What went wrong at a supplier, for people."""

from __future__ import annotations

NOT_REACHED = "连不上供货方"
NAME_UNKNOWN = "供货方的域名解析不了"
PRIVATE = "地址在内网或本机，没有允许就不会访问"
NO_ANSWER = "供货方收到了请求，但没有在限定时间内答完"
CUT_OFF = "供货方收到了请求，但连接断了"
BUSY = "供货方说请求太频繁"
BROKEN = "供货方的服务器出错（HTTP {status}）"
REFUSED = "供货方拒绝了请求（HTTP {status}）"
REDIRECT = "供货方让转到别的地址，不会跟过去，请直接填最终的地址"
SAID_NO = "供货方说没有成功"
TOO_LARGE = "供货方的回答太大，没有读完"
NOT_JSON = "供货方的回答不是 JSON"
NO_CARD = "回答里 {path} 的位置没有卡密"
NOT_TEXT = "回答里 {path} 的位置不是文字，不会当成卡密发出"
ADDRESS_ODD = "供货方的地址写得不对"
