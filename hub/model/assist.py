"""What AI is asked, by whom it is answered, and how far it may go."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from hub.model.ids import AccountId, AiProfileId, MessageId, ShopId
from hub.model.replies import Hours


class Intent(StrEnum):
    """What the buyer wants, as the model understood it."""

    PRICE = "price"
    QUESTION = "question"
    ORDER = "order"
    CHAT = "chat"
    COMPLAINT = "complaint"
    REFUND = "refund"
    CONTACT_OUTSIDE = "contact_outside"
    """To talk or pay somewhere else."""
    NONE = "none"
    """No answer is needed."""
    OTHER = "other"
    """None of these, or a word that we do not know."""


class AiMode(StrEnum):
    OFF = "off"
    DRAFT = "draft"
    """A person approves, edits or drops what the model proposes."""
    AUTOMATIC = "automatic"


@dataclass(frozen=True, slots=True)
class AiProfile:
    """One model at one server that speaks the OpenAI interface."""

    id: AiProfileId
    """0: the one from the settings file, which is not stored."""
    shop: ShopId
    name: str
    base_url: str
    """With the version, without the method: `https://api.example.com/v1`."""
    model: str
    api_key: str = field(default="", repr=False)
    """Sealed at rest; empty for servers that want none."""
    account: AccountId | None = None
    """None: for every account of the shop."""
    position: int = 0
    """The lowest is asked first, the next when it fails."""
    timeout_seconds: float = 30.0
    """For everything that one question may take at this profile."""
    sees_pictures: bool = False
    allow_private: bool = False
    """The address may lie in the own network."""
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class AiScope:
    """What a shop, an account or an item says about AI; what it leaves open, the wider one says."""

    mode: AiMode | None = None
    intents: tuple[tuple[Intent, AiMode], ...] = ()
    hours: tuple[Hours, ...] | None = None
    """Empty: always."""
    knowledge: str = ""
    """Facts in the owner's words."""
    prompt: str = ""
    """How to answer, in the owner's words."""


@dataclass(frozen=True, slots=True)
class AiLimits:
    """Of a shop. A budget of 0 is none: no limit. Days begin at midnight in the shop's zone."""

    calls_per_day: int = 500
    tokens_per_day: int = 0
    calls_per_conversation: int = 30
    """And day."""
    tokens_per_conversation: int = 0
    confidence: int = 70
    """Percent; what the model is less sure of becomes a draft."""
    history: int = 12
    """How many earlier messages it is shown."""
    draft_minutes: int = 30
    """How long a draft waits for a person; 0: until somebody decides."""
    draft_sends: bool = False
    """After that time it is sent where nothing speaks against it, and not dropped."""


@dataclass(frozen=True, slots=True)
class AiSettings:
    """Everything that holds for one question, the widest scope first."""

    shop: AiScope = AiScope()
    account: AiScope = AiScope()
    item: AiScope = AiScope()
    limits: AiLimits = AiLimits()

    @property
    def scopes(self) -> tuple[AiScope, AiScope, AiScope]:
        """The narrowest first."""
        return self.item, self.account, self.shop


@dataclass(frozen=True, slots=True)
class AiUse:
    """What was spent."""

    calls: int = 0
    tokens: int = 0


class Speaker(StrEnum):
    BUYER = "buyer"
    SELLER = "seller"
    PLATFORM = "platform"


@dataclass(frozen=True, slots=True)
class Said:
    """One message as the model may see it: words only, and no goods among them."""

    id: MessageId
    speaker: Speaker
    text: str


@dataclass(frozen=True, slots=True)
class ItemFacts:
    """What the item's page says, each as words; empty where nobody knows."""

    title: str = ""
    price: str = ""
    description: str = ""
    specs: tuple[str, ...] = ()
    """One choice each, with its price: `套餐：月卡，¥12，有货`."""
    stock: str = ""
    """In words, never a number."""


@dataclass(frozen=True, slots=True)
class QuestionPicture:
    """The buyer's last picture."""

    data: bytes = field(repr=False)
    media_type: str


@dataclass(frozen=True, slots=True)
class Question:
    """Everything that a model is told. There is no place in it for cards, logins or keys."""

    words: tuple[Said, ...]
    """What the buyer wrote and nobody answered, oldest first."""
    history: tuple[Said, ...] = ()
    """What was said before."""
    item: ItemFacts = ItemFacts()
    order: str = ""
    """What is known of the buyer's order, in words."""
    knowledge: tuple[str, ...] = ()
    """The owner's facts, the widest first."""
    guidance: tuple[str, ...] = ()
    """How the owner wants it answered, the widest first."""
    unlike: str = ""
    """What was proposed before and did not please a person."""
    picture: QuestionPicture | None = None


class AiTrouble(StrEnum):
    """Why a profile gave no answer."""

    UNREACHABLE = "unreachable"
    FORBIDDEN_ADDRESS = "forbidden_address"
    TIMEOUT = "timeout"
    CUT = "cut"
    KEY = "key"
    """The key is wrong, or may not use this model."""
    THROTTLED = "throttled"
    NO_MONEY = "no_money"
    REJECTED = "rejected"
    BROKEN = "broken"
    REFUSED = "refused"
    """The model, or a filter before it, does not want to answer."""
    EMPTY = "empty"
    UNREADABLE = "unreadable"
    TOO_LARGE = "too_large"
    NO_PROFILE = "no_profile"
    OUT_OF_TIME = "out_of_time"
    """All profiles together took too long, so this one was not asked any more."""


@dataclass(frozen=True, slots=True)
class AiTry:
    """One profile that was asked."""

    profile: AiProfileId
    name: str
    calls: int
    tokens_in: int
    tokens_out: int
    elapsed: float
    """Seconds."""
    trouble: AiTrouble | None = None
    reason: str = ""
    """A sentence for the operator."""


@dataclass(frozen=True, slots=True)
class AiAnswer:
    """What a model proposes. `text` is text and nothing else, whatever it looks like."""

    text: str
    """Empty only when no answer is needed."""
    intent: Intent
    confidence: float
    """0 to 1, as the model sees it."""
    language: str
    """Of the buyer, as the model named it: `zh`, `en`; may be empty."""
    profile: AiProfileId
    profile_name: str
    tokens_in: int
    tokens_out: int
    elapsed: float
    """Seconds, everything included."""
    tries: tuple[AiTry, ...] = ()
    """All profiles that were asked; the last one answered."""


@dataclass(frozen=True, slots=True)
class AiFailure:
    """No profile answered."""

    kind: AiTrouble
    """Of the last one that was asked."""
    reason: str
    """For the operator, all profiles in one sentence."""
    elapsed: float
    tries: tuple[AiTry, ...] = ()
