"""What a part of a text is about, in at most three of its own words."""

from __future__ import annotations

import re

from ...grammar import MAX_TOPIC_WORDS, is_topic

_MARK = re.compile(r"\s*(?:#{1,6}\s+|[-*+•]\s+)?(?:\*\*)?(?:step )?(?:\(?\d{1,2}[.):]\)?\s+)?", re.IGNORECASE)
_LEAD = re.compile(r"\*\*([^*\n]+)\*\*|([^\n.!?:;,]+?)(?:\*\*)?(?::|\s[-–—]\s|\n|$)")
_WORD = re.compile(r"[^\W_][\w'’-]*")
_STOP_WORDS = (
    "a an the this that these those it its is are was were be been being has have had do does did can could will would "
    "may might must shall should to of in on at by for from with as and or but if so you your we our they their there "
    "i my he she his her not first second third fourth fifth sixth firstly secondly thirdly finally lastly next then one "
    "another also when while"
)
_STOPPED = frozenset(_STOP_WORDS.split())
_MOST_IN_A_LEAD = 6


def topic_of(part: str) -> str | None:
    """The topic of a part, or None if it has no words of its own.

    >>> topic_of("2. **Heat sinks**: they carry heat away."), topic_of("Copper is used in the pipes of houses.")
    ('Heat sinks', 'Copper used pipes')
    """
    text = part[_match_end(_MARK, part) :]
    lead = _LEAD.match(text)
    words = _WORD.findall((lead[1] or lead[2]) if lead else text)
    if not 1 <= len(words) <= _MOST_IN_A_LEAD:
        words = _WORD.findall(text)
    if len(words) > MAX_TOPIC_WORDS:
        words = _telling(words) or words
    topic = " ".join(words[:MAX_TOPIC_WORDS])
    return topic if is_topic(topic) else None


def _telling(words: list[str]) -> list[str]:
    """The words that say something; a capital inside of a sentence is a name's, and May a month."""
    first = [] if words[0].lower() in _STOPPED else words[:1]
    return [*first, *(word for word in words[1:] if word not in _STOPPED)]


def _match_end(pattern: re.Pattern[str], text: str) -> int:
    match = pattern.match(text)
    return match.end() if match else 0
