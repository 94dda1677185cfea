"""What people read about an import: what came, what is different now, what was left and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path

PARTS: dict[str, str] = {
    "file": "文件",
    "members": "用户",
    "accounts": "闲鱼账号",
    "keywords": "关键词",
    "default_replies": "默认回复",
    "item_replies": "指定商品回复",
    "pools": "卡券（卡池）",
    "cards": "卡密",
    "items": "商品",
    "delivery_rules": "发货规则",
    "ai": "AI 设置",
    "channels": "通知渠道",
    "conversations": "AI 聊天记录",
    "greeted": "已经发过默认回复的会话",
    "orders": "订单",
    "settings": "设置",
    "other": "其他",
}
OUTCOMES: dict[str, str] = {
    "came": "导入",
    "adapted": "导入，有改动",
    "left": "没有导入",
    "known": "原来就有",
    "suggested": "写成建议",
}
TABLES: dict[str, str] = {
    "users": "用户",
    "cookies": "账号",
    "cookie_status": "账号开关",
    "keywords": "关键词",
    "default_replies": "默认回复",
    "default_reply_records": "默认回复记录",
    "item_replay": "商品回复",
    "ai_reply_settings": "AI 设置",
    "ai_conversations": "AI 聊天记录",
    "item_info": "商品",
    "cards": "卡券",
    "delivery_rules": "发货规则",
    "orders": "订单",
    "notification_channels": "通知渠道",
    "message_notifications": "账号和渠道的对应",
    "system_settings": "系统设置",
    "user_settings": "个人设置",
    "risk_control_logs": "风控日志",
}
CHANNEL_KINDS: dict[str, str] = {
    "qq": "QQ",
    "email": "邮件",
    "dingtalk": "钉钉",
    "feishu": "飞书",
    "wecom": "企业微信",
    "bark": "Bark",
    "webhook": "Webhook",
    "telegram": "Telegram",
}
PROMPTS: dict[str, str] = {"default": "平时", "price": "问价格时", "tech": "问使用方法时"}

TITLE_DRY = "试导入：下面是真正导入时会发生的事，现在什么都没有写"
TITLE = "导入完成"
TODO = "还要你做"
SETTINGS_FILE = "设置文件里的账号"
WILL_COME_OVER = "数据库的位置上是原系统的数据库：启动时会挪到一边，内容导入鱼桥，账号都停用"
SETTINGS = "把这几行加进 config/hub.yml（密码没有写在这里，自己填）"
SECRETS = "一起加密保存的"
RULE, PLAN, BATCH = "规则", "账号、规则和设置", "从原系统导入"

SECRET_COOKIES, SECRET_AI, SECRET_SUPPLIERS, SECRET_PASSWORDS = (
    "账号登录（Cookie）",
    "AI 密钥",
    "供货接口",
    "用户密码（改成加盐的散列）",
)

# --- What is uploaded --------------------------------------------------------------------------

NOT_HERE = "这里不能导入；请用命令 yuqiao import"
BUSY = "没有执行：另一份正在读，等它完成再来"
NOT_NOW = "没有执行：这一份已经导入过，或者不能导入"
GONE = "这一份已经不在了：删掉了，或者鱼桥重新启动过。请重新上传；导入过的不会重复"
NO_REPORT = "还没有报告"
NO_DATABASE = "选一个数据库文件：原系统的 data/xianyu_data.db"
TWICE_SENT = "数据库只要一个（旁边的 -wal 一起选）；备份 JSON 也只要一个"
NO_ARCHIVE = "图片要打成一个 zip（不要加密）"
TOO_MANY_PICTURES = "图片太多了：最多 5000 张，解开以后共 512 MB；请用命令导入"
NO_ROOM = "没有执行：磁盘放不下。腾出大约三倍于文件的空间，再试一次"
OUR_FAULT = "程序出了点问题，没有做完。日志里有详情；已经导入的都在，再来一次会接着做"


def too_much(most: int) -> str:
    return f"太大了：网页上一次最多 {most // 1024 // 1024} MB，更大的请用命令 yuqiao import"


def not_kept(error: OSError) -> str:
    return f"没有执行：文件放不进鱼桥的文件夹（{error.strerror or '读写出错'}）"


def progress(what: str, done: int, total: int) -> str:
    return f"{what}：{done} / {total}"


# --- Why something was left ---------------------------------------------------------------------

NOT_WANTED = "是别的用户的，这次没有选"
NO_NAME = "没有名字"
TWICE = "同样的还有一行，用了前面那行"
NO_SELLER = "Cookie 里没有 unb，看不出是哪个闲鱼号"
ACCOUNT_GONE = "这个账号导入过，后来在鱼桥里删掉了"
NO_REPLY_IN_LINE = "这一行只有关键词，没有回复"
EMPTY_DEFAULT = "没有开启，内容也是空的"
EMPTY_TEXT = "内容是空的"
NO_PICTURE = "没有写图片在哪里"
PICTURE_FETCHED = "图片从闲鱼图床取回来，放在鱼桥自己的文件夹里"
NOT_REACHED = "连不上闲鱼图床"
LARGE_PICTURE = "图片太大，一张最多 8 MB"
NO_CARD = "对应的卡券不在"
FOREIGN_CARD = "用的是另一个用户的卡券，不能照搬"
AI_NEVER_USED = "没有开，也没有填过密钥"
AI_OF_RUNNING = "账号正在鱼桥里运行，没有动它的 AI；先停用账号再导入一次，或者在后台设"
SPOILT_CHANNEL = "内容已经坏了（原系统升级时把几列写错了位置），只能重新填"
NO_SUCH_CHANNEL = "鱼桥还没有这种渠道"
MAIL_CHANNEL = "邮件服务器列在下面的设置里；收件地址填到成员名下"
NO_THEMES = "原来只有界面颜色，鱼桥没有这一项"
NO_USE = "用过的验证码或者没有用过的表，不需要"
UNKNOWN_TABLE = "不认识的表"
OWN_KEY = "鱼桥没有原来的 /send-message 接口，用不到它；接着那个接口的脚本要改"
KNOWN_KEY = "是原系统人人都知道的默认值，不导入"
NO_SUCH_SETTING = "鱼桥没有这一项"
MADE_UP_ITEM = "不是闲鱼的商品编号"
TEST_CHAT = "是测试时的对话"
NO_MESSAGE = "会话编号、时间或内容缺了，放不进会话"
NO_DEFAULT_RULE = "这个账号没有默认回复"
NO_ORDER_NUMBER = "没有订单号"
NO_TIME = "没有时间"
TAKEN_MEANWHILE = "导入的时候名字被别人用了，再导入一次就好"
DEFAULT_WAS_DEAD = "这句话原来没有生效过；要用就在后台加一条默认回复"
NO_REPLY_HOOK = "鱼桥不向别的地址要回复；要接自己的程序，请用 AI 设置里的接口地址"
OWN_REPLY_ADDRESS = "指向原系统自己，用不到了"
OWN_HEADERS = "鱼桥自己知道怎么连闲鱼"
ITEMS_BY_ITSELF = "鱼桥自己读商品，不经过别人的服务器"
NO_SLIDER = "鱼桥不做滑块验证：闲鱼要验证时停下来等你"
RESTARTED = "原来每 10 分钟重连一次就是因为它；鱼桥按令牌的有效期换，不断线"
TOKENS = "鱼桥按令牌的有效期自己换"
BAD_CONFIG = "设置文件读不懂，要的是原系统的 global_config.yml"

# --- What is different now ------------------------------------------------------------------------

MEMBER_THERE = "鱼桥里已经有同名的成员，没有动"
MEMBER_WAS_OFF = "原来就停用着"
MEMBER_APART = (
    "先停用：原系统里各人只看自己的账号，鱼桥一个店铺的成员看得到全部账号；"
    "确定要一起用，再到「成员」里启用"
)
OF_EVERYBODY = "用的是人人都知道的默认密码，不导入，要重新设一个"
OWNER_LOGS_IN = "是店主，用原来的密码登录"
AGENT_LOGS_IN = "是客服，用原来的密码登录"
NO_LOGIN = "没有密码，要由店主设一个"
CHECK_THREE = "备注、自动确认发货和暂停时长都是初始值，可能是原系统换 Cookie 时重置的，请核对"
ACCOUNT_WAS_OFF = "原来就停用着"
LOGIN_OVER = "Cookie 已经不能登录，启用前请扫码登录一次"
ACCOUNT_RUNS = "它正在运行，所以新导入的规则先停用"
RULE_OFF_FOR_RUNNING = "账号正在运行，规则先停用，看过再启用"
NOT_A_NUMBER = "内容是 nan（表格里的空格子被写成了这个），已停用"
SILENT = "内容是空的：命中以后不说话"
WAS_OFF = "原来就停用着"
LONG_TEXT = "超过 2000 字，照样能发；以后在后台编辑时要缩短"
SUPPLIER_TO_TRY = "先停用：取卡的位置按 $.data，请用「试取」核对以后再启用"
RULE_TO_CHECK = "先停用，看过再启用"
NEVER_CONFIRMED = "原来没有开自动确认发货，所以只发货、不标记"
ONE_PIECE_ONLY = "原来没有开多数量发货，买多件的先问你"
NO_ITEMS = "没有找到对应的商品，按标题里的关键词匹配"
AI_DRAFT = "先写成草稿，等你点头才发"
AI_OFF = "原来没有开，导入后也关着"
NO_KEY = "没有密钥，模型要自己填"
OTHER_INTERFACE = "用的是百炼应用的接口，鱼桥只接 OpenAI 兼容接口，模型和密钥没有导入"
PROMPT_CUT = "提示词太长，只留了前 2000 字"
NO_DISCOUNT = "原来不让价，底价就是标价"
UNLIMITED_DISCOUNT = "原来没有让价的上限，鱼桥没有设底价：不设就不降价"
MAIL_SETTINGS = "列在下面的设置里"
GREETED_BEFORE = "在原系统里已经发过默认回复"
ORDER_BEFORE = "从原系统导入的订单：当时发了什么不清楚，不会自动发货；要发请用「发货」"

# --- What a person has to do ----------------------------------------------------------------------

STOP_THE_ORIGINAL = (
    "先停掉原系统：同一个闲鱼号两个程序一起连会互相挤下线，它再卖出的卡密这里也不知道"
)
ENABLE_ACCOUNTS = "账号都停用着；看过规则以后，在「账号」页启用，或者在 QQ 里发 /启用 账号名"
LOG_IN_FIRST = "Cookie 里没有 unb 的账号：先在鱼桥里扫码添加，它的规则要在后台重新写"
CHECK_DELIVERY_RULES = "发货规则都停用着：在「发货规则」页核对商品和卡池，再逐条启用"
AI_IS_DRAFT = "AI 都是草稿：试过几天觉得可以，再在「AI」页改成自动"
TRY_SUPPLIERS = "接口卡池都停用着：在「库存」里试取一次，看到的是卡密再启用"
ADD_PICTURES = "有图片没有取到：在后台补上图片，再启用那几条"

MAIL_LOGIN = "邮件服务器的密码没有导入：写进 config/hub.yml 或环境变量 YUQIAO_MAIL__PASSWORD"
DAMAGED = "原数据库有损坏，读得出来的都导入了；有完好的备份就用备份再导入一次，已经有的不会重复"


def summary_line(name: str, counts: Mapping[str, int]) -> str:
    parts = [f"{OUTCOMES[outcome]} {number}" for outcome, number in counts.items() if number]
    return f"{name}：{'，'.join(parts)}"


def version_line(version: str) -> str:
    return f"原数据库结构版本：{version or '没有写'}"


def damage_line(found: Sequence[str]) -> str:
    return f"原数据库有损坏：{'；'.join(found)[:300]}"


def more_lines(number: int) -> str:
    return f"…… 还有 {number} 条"


def nothing_new() -> str:
    return "没有新的东西：都已经导入过了"


def no_such_user(missing: Sequence[str], there: Sequence[str]) -> str:
    return f"原数据库里没有用户「{'、'.join(missing)}」，有的是：{'、'.join(there) or '没有用户'}"


def table_named(table: str) -> str:
    return TABLES.get(table, table)


def row_named(table: str, row: Mapping[str, object]) -> str:
    return f"{table_named(table)} 第 {row.get('_row', '?')} 行"


def unreadable_cell(column: str) -> str:
    return f"{column} 里不是文字，读不出来"


def rows_lost(number: int) -> str:
    return f"至少 {number} 行坏了，读不出来"


def no_account(key: str) -> str:
    return f"账号 {key[:30] or '（空）'} 没有导入或者已经不在"


def renamed(name: str) -> str:
    return f"在鱼桥里叫「{name}」"


def same_seller(first: str) -> str:
    return f"和账号 {first} 是同一个闲鱼号，合在一起"


def same_seller_elsewhere(first: str) -> str:
    return f"和账号 {first} 是同一个闲鱼号，但属于另一个用户，没有导入"


def account_there(name: str) -> str:
    return f"这个闲鱼号已经在鱼桥里，叫「{name}」，登录和设置都没有动"


def item_mended(item: str) -> str:
    return f"商品编号带着小数点，改成了 {item}"


def older_replies(number: int) -> str:
    return f"同一个商品还有 {number} 条旧的，用最新的一条"


def literal_braces(names: Sequence[str]) -> str:
    shown = "、".join(f"{{{name}}}" for name in names[:3])
    return f"{shown} 不是变量，改成全角括号原样发出"


def picture_elsewhere(address: str) -> str:
    return f"图片在网上（{address[:200]}），没有下载，先停用"


def picture_not_fetched(address: str, why: str) -> str:
    return f"图片没有取到（{address[:200]}：{why}），先停用"


def picture_missing(path: str) -> str:
    return (
        f"没有找到图片 {path[:200]}；带上原系统的 static/uploads/images（命令加 --uploads，网页上传"
        " zip）再导入一次"
    )


def picture_unreadable(path: str, error: OSError) -> str:
    return f"图片 {path[:200]} 读不了（{error.strerror or '读写出错'}）"


def lost_picture(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or getattr(error, "reason", None) or error)


def unknown_kind(kind: str) -> str:
    return f"不认识的类型「{kind[:20]}」"


def unnamed_card(key: str) -> str:
    return f"卡券 {key}"


def supplier_unusable(fields: Mapping[str, str]) -> str:
    return f"接口的内容不能照搬（{'；'.join(fields.values())}），请重新填"


def bad_keyword(longest: int) -> str:
    return f"关键词是空的，或者超过 {longest} 字"


def delivery_count(number: int) -> str:
    return f"每单数量 {number} 原来没有生效过，按买几件发几份"


def too_many_items(number: int, most: int) -> str:
    return f"有 {number} 个商品对得上，只绑定前 {most} 个"


def items_proposed(number: int, shown: Sequence[str]) -> str:
    return f"建议绑定 {number} 个商品：{_some(number, shown)}"


def items_doubtful(number: int, shown: Sequence[str]) -> str:
    return f"{number} 个商品同时对上别的规则，没有绑定，请自己选：{_some(number, shown)}"


def _some(number: int, shown: Sequence[str]) -> str:
    more = f" 等 {number} 个" if number > len(shown) else ""
    return "、".join(shown) + more


def bad_profile(why: str) -> str:
    return f"模型不能照搬（{why}），请重新填"


def rounds(number: int) -> str:
    return f"最多还价 {number} 轮：鱼桥对所有账号是一个数，见设置 bargain.rounds"


def floor_percent(percent: Decimal) -> str:
    return f"底价：最多让 {percent.normalize():f}%，由程序算，不再只写在提示词里"


def floor_amount(amount: Decimal) -> str:
    return f"底价：最多让 {amount.normalize():f} 元，由程序算，不再只写在提示词里"


def floor_dear(number: int, amount: Decimal) -> str:
    return f"{number} 个贵的商品最多让 {amount.normalize():f} 元"


def qq_channel(number: str) -> str:
    return f"鱼桥直接发给成员的 QQ；{number or '没有写号码'} 要绑定到一位成员"


def bind_qq(number: str, user: str) -> str:
    whose = f"「{user}」或别的成员" if user else "一位成员"
    return f"QQ {number}：在「成员」里填到{whose}名下，并把机器人加为好友，通知才会发到"


def mail_to(address: str, user: str) -> str:
    whose = f"「{user}」" if user else "收信的成员"
    return f"邮箱 {address}：在「成员」里填到{whose}名下，邮件通知选「全部紧急」"


def bound(number: int) -> str:
    return f"{number} 条对应：鱼桥默认把每个账号的事都告诉店主，要分人请设通知规则"


def history_only(number: int) -> str:
    return f"{number} 条，只是历史"


def setting(section: str, key: str) -> str:
    return f"改写成 {section}.{key}，列在下面"


def old_status(status: str) -> str:
    return f"原系统：{status}" if status else "原系统"


def backup_too_large(path: Path) -> str:
    return f"{path} 太大，不像是原系统的备份"


def no_backup(path: Path) -> str:
    return f"{path} 不是原系统导出的备份（JSON）；要么用它的数据库 xianyu_data.db"


def codes(
    new: int,
    *,
    known: int,
    repeated: Sequence[int],
    too_long: Sequence[int],
    unreadable: Sequence[int],
) -> tuple[str, ...]:
    said = [f"{new} 张入库"]
    if known:
        said.append(f"{known} 张店里已经有（包括别的卡券里重复的），跳过")
    for lines, why in (
        (repeated, "和前面重复"),
        (too_long, "太长"),
        (unreadable, "有看不见的字符"),
    ):
        if lines:
            named = "、".join(str(one) for one in lines[:8])
            said.append(f"{len(lines)} 行{why}：第 {named} 行{'等' if len(lines) > 8 else ''}")
    return tuple(said)


def codes_since(number: int) -> str:
    return (
        f"有 {number} 张这里没有：上次导入以后原系统新加的，或者在鱼桥里删掉的；"
        "还要用就在「库存」里补进来"
    )


def line_of_keywords(number: int, keyword: str) -> str:
    return f"关键词文件第 {number} 行 · {keyword}"


def sold_meanwhile(card: str, number: int, shown: Sequence[str]) -> str:
    more = " 等" if number > len(shown) else ""
    return (
        f"「{card}」有 {number} 张卡密原系统里已经没有了（{'、'.join(shown)}{more}），"
        "这里还可以发：多半是导入以后原系统又卖出去的，请核对并作废"
    )


def not_text(path: Path) -> str:
    return f"{path} 不是 UTF-8 文本，请另存为 UTF-8 再试"


def no_file(path: Path, error: OSError) -> str:
    return f"读不了 {path}（{error.strerror or error}）"
