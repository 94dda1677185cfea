"""The sections of the settings: what there is, its defaults, and what may be written there."""

from __future__ import annotations

import re
from datetime import datetime
from email.utils import parseaddr
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from socket import gethostname
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    field_validator,
    model_validator,
)

from hub.model import is_mail_address

LONGEST_WORD = 20


def _address(*schemes: str, needed: bool = True) -> AfterValidator:
    """Refuses what cannot be dialled or asked; a path is allowed."""

    def check(url: str) -> str:
        if not url and not needed:
            return url
        try:
            parts = urlsplit(url)
            known = parts.scheme in schemes and parts.hostname and parts.port != 0
        except ValueError:
            known = False
        if not known:
            # The address itself may hold a token, so it is not repeated.
            raise ValueError(f"must be an address such as {schemes[-1]}://host:port")
        return url

    return AfterValidator(check)


WebAddress = Annotated[str, _address("http", "https")]
SocketAddress = Annotated[str, _address("ws", "wss")]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class WebSettings(_Section):
    host: str = "0.0.0.0"  # noqa: S104 - a container must listen on all of its interfaces
    port: int = Field(8080, ge=0, le=65535)
    public_url: Annotated[str, _address("http", "https", needed=False)] = ""
    """How the hub is reached from outside, for the address that the QQ page shows."""
    secure_cookies: bool = False
    """True behind TLS: session cookies are then sent over https only."""
    session_days: int = Field(14, ge=1, le=365)
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = ()
    """Addresses or networks (`10.0.0.5`, `172.16.0.0/12`) of proxies that say in `X-Forwarded-For`
    who is asking. Wrong passwords are counted by address."""


def _check_server(url: str) -> None:
    """Raises ValueError, and never repeats the address: a password stands in it."""
    try:
        parts = urlsplit(url)
        hosts = [urlsplit(f"//{one}") for one in parts.netloc.rpartition("@")[2].split(",")]
        named = all(one.hostname and (one.port is None or one.port) for one in hosts)
        path = parts.path.strip("/")
        whole = parts.scheme == "postgresql" and named and path and "@" not in path
    except ValueError:
        whole = None
    if not whole:
        raise ValueError(
            "must be postgresql://user:password@host:port/name or sqlite:///<path> (special "
            "characters of the password as %XX)"
        )


class DatabaseSettings(_Section):
    path: Path = Path("data/xianyu_data.db")
    """SQLite file; the folder also holds the key file and uploads, whatever the engine."""
    url: str = Field("", repr=False)
    """`postgresql://user:password@host:port/name`; `sqlite:///<path>` says the same as `path`."""
    key: str = Field("", repr=False)
    """Key that seals credentials; empty: a key file beside the database."""
    synchronous_standby: bool = False
    """Whether the server commits nothing that its standby has not: then nothing is missing on the
    standby that takes over, and the deliveries of a hub that runs go on without a person."""

    @model_validator(mode="before")
    @classmethod
    def _path_from_url(cls, values: Any) -> Any:
        url = values.get("url") if isinstance(values, dict) else None
        if not url:
            return values
        if str(url).startswith("sqlite:///"):
            return {**values, "path": str(url).removeprefix("sqlite:///")}
        _check_server(str(url))
        return values

    @property
    def server(self) -> str:
        """The address of PostgreSQL; empty: SQLite."""
        return self.url if self.url.startswith("postgresql:") else ""


class XianyuSettings(_Section):
    """The platform's four origins, without a path. A sandbox can take their place."""

    ws_url: SocketAddress = "wss://wss-goofish.dingtalk.com"
    mtop_url: WebAddress = "https://h5api.m.goofish.com"
    passport_url: WebAddress = "https://passport.goofish.com"
    upload_url: WebAddress = "https://stream-upload.goofish.com"
    heartbeat_seconds: float = Field(15, gt=0, le=60)
    answer_seconds: float = Field(15, gt=0, le=120)
    """How long to wait for the answer to one request on the wire."""
    send_spacing_seconds: float = Field(1.0, ge=0, le=60)
    """Least time between two messages that one account sends."""
    write_spacing_seconds: float = Field(1.0, ge=0, le=60)
    """Between two changes of orders: shipping, completing a bargain, a price, closing, rating."""
    polish_spacing_seconds: float = Field(2.0, ge=0, le=60)
    item_spacing_seconds: float = Field(3.0, ge=0, le=60)
    """Between the pages of two items."""
    item_list_spacing_seconds: float = Field(1.0, ge=0, le=60)
    order_spacing_seconds: float = Field(1.0, ge=0, le=60)
    """Between the pages of two orders."""
    order_list_spacing_seconds: float = Field(1.5, ge=0, le=60)
    spacing_jitter: float = Field(0.3, ge=0, le=1)
    """By which part of itself each of these gaps is longer at most, at random."""
    list_settle_seconds: float = Field(3.0, ge=0, le=60)
    """How long after connecting the platform's lists of conversations are left alone."""
    compare_minutes: float = Field(5, gt=0, le=120)
    """How often what arrived is compared with the platform's own lists."""
    uncertain_seconds: float = Field(30, ge=0, le=600)
    """How long a send without an answer is looked for before a person is asked about it."""
    token_spacing_seconds: float = Field(180, ge=0)
    """Least time between two token requests of one account."""
    keep_alive_minutes: float = Field(10, gt=0, le=60)
    """How often a connected account proves its login, which also keeps it alive."""
    renewal_hours: float = Field(4, gt=0, le=72)
    """How often a good login is renewed, so that it does not run out."""
    renewal_spacing_minutes: float = Field(5, ge=0, le=60)
    """Least time between two tries to bring a lost login back."""
    breaker_minutes: float = Field(10, ge=0, le=240)
    """Pause after connections that failed over and over; 0: neither pause nor stop."""
    connects_per_second: float = Field(5.0, gt=0, le=1000)
    """How many accounts may log in or connect within a second through one way out, directly or
    through the same proxy. A single one is never held up; many that start or fall together come
    (back) one after the other."""
    reconnect_first_seconds: float = Field(1.0, gt=0)
    reconnect_most_seconds: float = Field(60.0, gt=0)


OFFICIAL_API = "https://api.bot.qq.com/"
OFFICIAL_SANDBOX_API = "https://sandbox.api.sgroup.qq.com/"


class OfficialSettings(_Section):
    """The official QQ bot, a second way into QQ; without an `app_id` there is none."""

    app_id: str = Field("", pattern=r"^[0-9]{0,20}$")
    secret: str = Field("", repr=False)
    """The AppSecret of the open platform."""
    sandbox: bool = False
    """Use the platform's own sandbox, where bots are tried that are not yet published."""
    api_url: Annotated[str, _address("http", "https", needed=False)] = ""
    """Where requests go; empty: to the platform or its sandbox."""
    auth_url: WebAddress = "https://api.bot.qq.com/app/getAppAccessToken"
    gateway_url: Annotated[str, _address("ws", "wss", needed=False)] = ""
    """Where events come from; empty: where the platform says."""
    buttons: bool = False
    """Show buttons below notices; the bot needs the platform's permission for that."""
    pushes: bool = False
    """Speak unasked as well; the bot needs the platform's permission for that."""

    @model_validator(mode="after")
    def _complete(self) -> OfficialSettings:
        if bool(self.app_id) != bool(self.secret):
            raise ValueError("app_id and secret go together: both, or neither")
        return self

    @property
    def bot(self) -> str:
        """What the hub calls the bot; empty: there is none."""
        return f"official:{self.app_id}" if self.app_id else ""

    @property
    def api_base(self) -> str:
        usual = OFFICIAL_SANDBOX_API if self.sandbox else OFFICIAL_API
        return f"{(self.api_url or usual).rstrip('/')}/"


class QQSettings(_Section):
    enabled: bool = True
    official: OfficialSettings = OfficialSettings()
    access_token: str = ""
    """OneBot access token; empty: a random one is made at first start and shown in the admin."""
    onebot_ws_urls: tuple[SocketAddress, ...] = ()
    """Forward WebSocket: addresses of OneBot implementations that the hub dials."""
    milky_urls: tuple[WebAddress, ...] = ()
    """Milky servers (Lagrange V2, LLBot, Yogurt) that the hub dials; a prefix is part of it."""
    milky_token: str = Field("", repr=False)
    """Their access token; empty: the same as OneBot's."""
    link_token: str = Field("", repr=False)
    """Of the plugin in somebody's own NoneBot; empty: a random one, shown in the admin."""
    api_seconds: float = Field(15, gt=0, le=120)
    send_spacing_seconds: float = Field(0.3, ge=0, le=60)
    """Least time between two texts that the bot sends; QQ restricts accounts that are faster."""
    focus_minutes: float = Field(10, gt=0, le=1440)
    """Whoever talks with one buyer alone (/聊) and writes nothing for so long leaves by that."""
    links: bool = False
    """Addresses that buyers wrote stay links in QQ, which looks at messages with links closely."""
    login_codes: bool = True
    """Send owners a QR code in private when the login of an account has died."""


def _word(written: str) -> str:
    if not 1 <= len(written.strip()) <= LONGEST_WORD:
        raise ValueError(f"must have 1 to {LONGEST_WORD} characters")
    return written.strip()


ToggleWord = Annotated[str, AfterValidator(_word)]


class ReplySettings(_Section):
    enabled: bool = True
    expire_minutes: float = Field(5, gt=0)
    """Buyer messages older than this when they arrive are stored and told, not auto-answered."""
    takeover_minutes: int = Field(10, ge=0, le=1440)
    """Default for new accounts: silence of the automation after a human answered."""
    toggle_words: tuple[ToggleWord, ...] = Field(("。",), max_length=20)
    """The seller types one of them in the Xianyu app, as the whole message, to stop the automation
    of that conversation or to let it go on. The buyer sees it. Empty: none does that."""
    debounce_seconds: float = Field(3, ge=0, le=60)
    """An automatic answer waits until the buyer has been silent for so long; 0: not at all."""
    mark_read: Literal["answered", "always", "never"] = "answered"
    """When buyers see that they were read: once an operator answered or opened the conversation,
    with automatic answers as well, or never."""


class AssistSettings(_Section):
    enabled: bool = True
    """Switch of the whole installation; how far AI may go is set in the admin."""
    base_url: Annotated[str, _address("http", "https", needed=False)] = ""
    """Of a server that speaks the OpenAI interface, with its version: `https://host/v1`. Together
    with `model` it is the shop's first profile; further ones are added in the admin."""
    api_key: str = Field("", repr=False)
    model: str = ""
    timeout_seconds: float = Field(30, ge=1, le=300)
    """How long that profile may take."""
    most_seconds: float = Field(60, ge=5, le=600)
    """How long all profiles together may take for one answer."""
    prompts: Path = Path("config/prompts")
    """A file in here replaces the prompt of the same name that comes with the program."""

    @model_validator(mode="after")
    def _complete(self) -> AssistSettings:
        if self.base_url and not self.model:
            raise ValueError("ai.model must name the model that ai.base_url is asked for")
        return self


class BargainSettings(_Section):
    rounds: int = Field(3, ge=1, le=20)
    """How often a buyer is answered about the price of an item; afterwards it stays as it is."""
    window_hours: float = Field(24, gt=0, le=720)
    """How long rounds count and an agreed price holds, from the first round on."""
    forbidden_words: Path = Path("config/words/forbidden.txt")
    """More words that no automatic answer may hold, one a line; need not exist."""


class LimitSettings(_Section):
    agent_risky_per_day: int = Field(30, ge=0, le=10_000)
    """How often an agent may do to orders within 24 hours what asks for a second word: deliver or
    send once more, release, mark as shipped, complete a bargain, change a price. 0: no limit.
    Owners have none."""


SECURITY_PORTS = {"starttls": 587, "tls": 465, "none": 25}


class MailSettings(_Section):
    """The server through which urgent news go out; without a host none do."""

    host: str = ""
    port: int = Field(0, ge=0, le=65535)
    """0: the usual one, 587 for STARTTLS, 465 for TLS, 25 without."""
    security: Literal["starttls", "tls", "none"] = "starttls"
    user: str = ""
    password: str = Field("", repr=False)
    sender: str = ""
    """`name@host` or `鱼桥 <name@host>`; empty: `user`."""
    ca_file: str = ""
    """Certificates of authorities that are believed beside the usual ones, as PEM."""
    timeout_seconds: float = Field(30, ge=1, le=300)
    """How long handing over one mail may take."""
    gather_seconds: float = Field(60, ge=0, le=900)
    """How long a mail waits for more that can go with it."""
    spacing_minutes: float = Field(10, ge=0, le=240)
    """Least time between two mails to the same address."""
    untold_minutes: float = Field(5, ge=0, le=240)
    """Urgent notices that did not arrive in QQ for so long go by mail."""
    silent_chat_minutes: float = Field(10, ge=0, le=1440)
    """When no bot took any notice for so long, that is told by mail; 0: never."""

    @field_validator("host")
    @classmethod
    def _bare(cls, host: str) -> str:
        odd = any(one in host for one in "/@") or any(one <= " " or one == "\x7f" for one in host)
        if odd or host.count(":") == 1:
            raise ValueError("must be a host name alone; the port is mail.port")
        return host

    @model_validator(mode="after")
    def _complete(self) -> MailSettings:
        if self.password and not self.user:
            raise ValueError("mail.user must name whom mail.password belongs to")
        for name in ("user", "password", "sender"):
            if any(one < " " or one == "\x7f" for one in getattr(self, name)):
                raise ValueError(f"mail.{name} must be one line without control characters")
        if (self.host or self.sender) and not is_mail_address(self.sender_address):
            raise ValueError("mail.sender must be an address such as name@example.com")
        return self

    @property
    def dialled_port(self) -> int:
        return self.port or SECURITY_PORTS[self.security]

    @property
    def full_sender(self) -> str:
        return self.sender or self.user

    @property
    def sender_address(self) -> str:
        return parseaddr(self.full_sender)[1]


class PictureSettings(_Section):
    cache_megabytes: int = Field(300, ge=10, le=100_000)
    """How much of the disk pictures of conversations may take; the oldest go first."""


class NodeSettings(_Section):
    """This hub among those that share a PostgreSQL database. Without one nothing of it matters."""

    name: str = Field("", pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$|^$")
    """How people know it; empty: the name of the machine."""
    lease_seconds: float = Field(15, ge=15, le=300)
    """A node that was not heard of for so long is dead to the others, which take over what it had.
    It says three times as often that it lives. No less: another node that hangs while it writes
    keeps this one from saying so for up to 8 s."""

    @property
    def called(self) -> str:
        return self.name or re.sub(r"[^A-Za-z0-9._-]", "-", gethostname())[:63] or "node"


class LogSettings(_Section):
    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    format: Literal["text", "json"] = "text"
    """`json`: each line is an object, for programs that gather logs."""
    files: bool = True
    """Also into files, one a day; standard error gets every line in any case."""
    folder: str = ""
    """Empty: `logs` beside the database."""
    keep_days: int = Field(7, ge=1, le=3650)
    """How many days before today are kept."""
    pack: bool = True
    """Zip the files of days that are over."""
    most_megabytes: int = Field(100, ge=1, le=100_000)
    """Of one file; a day with more gets several."""

    @field_validator("level", mode="before")
    @classmethod
    def _upper(cls, value: Any) -> Any:
        return value.upper() if isinstance(value, str) else value


def _time_of_day(written: Any) -> str:
    if isinstance(written, int):  # YAML reads 12:30 without quotes as a number to the base of 60
        written = f"{written // 60}:{written % 60}"
    try:
        return f"{datetime.strptime(str(written).strip(), '%H:%M'):%H:%M}"
    except ValueError:
        raise ValueError("must be a time such as 04:30") from None


class BackupSettings(_Section):
    """Backups that the hub makes by itself, once a day."""

    enabled: bool = True
    folder: str = ""
    """Empty: `backups` beside the database."""
    at: Annotated[str, BeforeValidator(_time_of_day)] = "04:30"
    keep_days: int = Field(7, ge=1, le=3650)
    """Of how many days the newest backup is kept."""
    keep_weeks: int = Field(4, ge=0, le=520)
    """And of how many weeks before."""
    passphrase: str = Field("", repr=False)
    """Seals key and configuration inside each backup; empty: the key is left out of it."""


class TextSettings(_Section):
    timezone: str = "Asia/Shanghai"

    @field_validator("timezone")
    @classmethod
    def _known(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"{value!r} is no time zone name") from error
        return value


class Settings(_Section):
    web: WebSettings = WebSettings()
    database: DatabaseSettings = DatabaseSettings()
    xianyu: XianyuSettings = XianyuSettings()
    qq: QQSettings = QQSettings()
    replies: ReplySettings = ReplySettings()
    ai: AssistSettings = AssistSettings()
    bargain: BargainSettings = BargainSettings()
    limits: LimitSettings = LimitSettings()
    mail: MailSettings = MailSettings()
    pictures: PictureSettings = PictureSettings()
    node: NodeSettings = NodeSettings()
    log: LogSettings = LogSettings()
    backup: BackupSettings = BackupSettings()
    text: TextSettings = TextSettings()

    @property
    def log_folder(self) -> Path:
        """Nodes may share a data folder, and no two programs write one file."""
        place = Path("logs", self.node.name if self.database.server else "")
        return Path(self.log.folder or self.database.path.parent / place)

    @property
    def backup_folder(self) -> Path:
        return Path(self.backup.folder or self.database.path.parent / "backups")
