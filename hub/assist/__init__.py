"""AI answers and drafts from any server that speaks the OpenAI interface.

The only room that knows the openai SDK. A question holds values only, an answer is text only.
"""

from hub.assist.asking import MOST_SECONDS, Assist
from hub.assist.profiles import check_profile
from hub.assist.prompt import PLACEHOLDERS, Prompts, load_prompts
from hub.assist.questions import facts_of, last_picture, question_of

__all__ = [
    "MOST_SECONDS",
    "PLACEHOLDERS",
    "Assist",
    "Prompts",
    "check_profile",
    "facts_of",
    "last_picture",
    "load_prompts",
    "question_of",
]
