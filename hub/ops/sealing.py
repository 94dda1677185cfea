"""What a backup must not show: the key of the database and the secrets among the settings."""

from __future__ import annotations

import base64
import json
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

import yaml
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from hub.errors import Invalid
from hub.text import backups as words

_COST, _BLOCK = 2**15, 8
"""32 MB and a tenth of a second for each guess."""
_SECRET = re.compile(r"(?:^|_)(?:token|password|secret|passphrase|key)$")
"""How the names of secret settings end; a test compares it with all of them."""


@dataclass(frozen=True, slots=True)
class Secrets:
    key: str
    config: str | None = None
    """The settings file with all that is in it; None: there is none."""


def seal(inside: Secrets, passphrase: str) -> str:
    salt, nonce = secrets.token_bytes(16), secrets.token_bytes(12)
    text = json.dumps({"key": inside.key, "config": inside.config})
    box = AESGCM(_derive(passphrase, salt)).encrypt(nonce, text.encode(), None)
    parts = {"salt": salt, "nonce": nonce, "box": box}
    return json.dumps({name: base64.b64encode(part).decode() for name, part in parts.items()})


def unseal(sealed: str, passphrase: str) -> Secrets:
    """Raises Invalid if it is another passphrase, or not what `seal` wrote."""
    try:
        parts = {n: base64.b64decode(part, validate=True) for n, part in json.loads(sealed).items()}
        cipher = AESGCM(_derive(passphrase, parts["salt"]))
        found = json.loads(cipher.decrypt(parts["nonce"], parts["box"], None))
    except (InvalidTag, KeyError, ValueError, TypeError, AttributeError):
        raise Invalid(words.WRONG_PASSPHRASE) from None
    return Secrets(found["key"], found["config"])


def _derive(passphrase: str, salt: bytes) -> bytes:
    return Scrypt(salt=salt, length=32, n=_COST, r=_BLOCK, p=1).derive(passphrase.encode())


def blanked(config: str) -> str:
    """A settings file without its secrets, all else as it was written; empty if unreadable."""
    try:
        root = yaml.compose(config, Loader=yaml.SafeLoader)
    except yaml.YAMLError:
        return ""
    spans = {(node.start_mark.index, node.end_mark.index) for node in _secret_nodes(root)}
    for start, end in sorted(spans, reverse=True):
        ending = "\n" if config[start:end].endswith("\n") else ""
        config = f'{config[:start]}""{ending}{config[end:]}'
    return config


def _secret_nodes(node: yaml.Node | None, name: str = "") -> Iterator[yaml.ScalarNode]:
    """What is secret by its name, or holds a secret, below `node`."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield from _secret_nodes(value, str(key.value))
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            yield from _secret_nodes(value, name)
    elif isinstance(node, yaml.ScalarNode) and (
        (_SECRET.search(name) and node.value) or _has_secret(node.value)
    ):
        yield node


def _has_secret(text: str) -> bool:
    """An address with somebody's name, password or token in it."""
    if "://" not in text:
        return False
    try:
        parts = urlsplit(text)
    except ValueError:
        return True
    return bool("@" in parts.netloc or parts.query)
