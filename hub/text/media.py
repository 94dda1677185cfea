"""What we say to people about pictures."""

from __future__ import annotations

NO_PICTURE = "这个文件不是能发送的图片，请换成 JPG 或 PNG 图片。"
PICTURE_TOO_LARGE = "图片的像素太多，请缩小后再发。"
