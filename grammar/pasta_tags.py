"""The six words of PASTA-LANG: how each is written, which token stands for it, and what may stand in a promise."""

from __future__ import annotations

import re
from enum import Enum

MAX_TOPIC_WORDS = 3
MAX_TENS = 99
TEN = 10
"""A promise estimates the length of its block in tens of tokens, the block's two tags counted."""
USUAL_TENS = 4
"""The length of a block whose promise does not say it: 40 tokens are the paper's constant baseline."""

_NOT_IN_A_TOPIC = re.compile(r'["<>\r\n]')
_TENS = re.compile(r"[1-9][0-9]?")


class Tag(Enum):
    """A word of the language; the value is how it is written in annotated text.

    A promise is `PROMISE topic TOKENS number END`, a block `ASYNC text ENDASYNC`; all else is text and SYNC.
    """

    PROMISE = '<promise topic="'
    TOKENS = '" tokens='
    END = "/>"
    ASYNC = "<async>"
    ENDASYNC = "</async>"
    SYNC = "<sync/>"

    @property
    def token(self) -> str:
        """The token of a vocabulary that stands for it.

        A token with the spelling of the text would change how HTML is cut into tokens: `/>` is everywhere.
        """
        return f"<|pasta_{self.name.lower()}|>"


def topic_words(topic: str) -> int:
    """How many words a topic has: only spaces part them, so that tokens that end within a character can be counted, too.

    >>> topic_words(" length  formula")
    2
    """
    words = topic.split(" ")
    return len(words) - words.count("")


def fits_topic(text: str) -> bool:
    """Whether text may be a part of a topic: on one line, without quotes and angle brackets."""
    return _NOT_IN_A_TOPIC.search(text) is None


def is_topic(text: str) -> bool:
    """Whether a promise may have this topic: one to three words."""
    return 1 <= topic_words(text) <= MAX_TOPIC_WORDS and fits_topic(text)


def read_tens(text: str) -> int | None:
    """The number of a promise, 1 to 99 without a leading zero; None for all else.

    >>> read_tens("12"), read_tens("012"), read_tens("240"), read_tens("two")
    (12, None, None, None)
    """
    return int(text) if _TENS.fullmatch(text) else None
