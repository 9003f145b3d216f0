"""Text to tokens and tokens to other tokens: encode, prefill, translate, respell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ...planner.graph import Encode, Prefill, Respell, Translate
from ..decoding import TokenMap, pushforward
from ..runtime import synchronised, whole_characters
from . import caches
from .drafting import image_vocab, read_all
from .setting import Setting, array
from .tables import Law, TableVocabulary
from .values import Bush, Cache, Guessed, Line, Name, Pool, Proposed, bush_of


def encode(node: Encode, setting: Setting, prompt: Sequence[tuple[int, bytes]]) -> tuple[Line, ...]:
    """The tokens of each request's prompt, which is a number and its bytes; on a table the template adds nothing."""
    words = setting.words(node.by)
    return tuple(Line(request, words.encode(text), 0, 0) for request, text in prompt)


def prefill(
    node: Prefill, setting: Setting, tokens: Sequence[Line | None], cache: Cache | None
) -> tuple[tuple[Line | None, ...], Cache]:
    """Read all but the last token, which is left to be a root."""
    roots = tuple(None if line is None or not line.tokens else _last(line) for line in tokens)
    if cache is not None:
        return roots, Cache(cache.model, tuple(read_all(tokens, cache, setting, but=1)))
    pools = [
        None if line is None else Pool(tuple(caches.line_slots(line)[:-1]), (), len(line.tokens)) for line in tokens
    ]
    return roots, Cache(node.by, tuple(pools))


def _last(line: Line) -> Line:
    return line.from_token(line.start + len(line.tokens) - 1)


def translate(node: Translate, setting: Setting, guess: Sequence[Guessed | None]) -> tuple[Guessed | None, ...]:
    """The images of the guesses; a law goes along by adding up what shares an image."""
    return tuple(None if each is None else replace(each, bush=_translated(node, setting, each.bush)) for each in guess)


def _translated(node: Translate, setting: Setting, bush: Bush) -> Bush:
    images = setting.table(node.by).images
    size = setting.words_of(image_vocab(setting, node.by)).size
    named: dict[Name, Name] = {(): ()}
    placed: list[tuple[Name, Proposed]] = []
    for name, below in bush.items():
        if name not in named:
            continue
        for proposed in below:
            image = None if proposed.token is None else images[proposed.token]
            law = None if proposed.law is None else image_law(proposed.law, images, size)
            if image is None and law is None:
                continue
            placed.append((named[name], Proposed(image, law)))
            if image is not None and proposed.token is not None:
                named[*name, proposed.token] = (*named[name], image)
    return bush_of(placed)


def image_law(law: Law, images: Sequence[int | None], size: int) -> Law:
    """The law of the image of a drawn token: less than one in all, if a draw may have no image."""
    return tuple(pushforward(array(law), TokenMap.of(images, size, array(law))).tolist())


def respell_guess(
    node: Respell, setting: Setting, guess: Sequence[Guessed | None], vocabs: tuple[TableVocabulary, TableVocabulary]
) -> tuple[Guessed | None, ...]:
    """Each branch's bytes in the other vocabulary's tokens; branches that start alike share nodes, laws are lost.

    `vocabs` are the guess's vocabulary and the one to spell in.
    """
    theirs, mine = vocabs
    assert node.keep is not None, "respelling a guess says how many tokens to keep"
    return tuple(
        None if each is None else replace(each, bush=_respelled(each, theirs, mine, node.keep)) for each in guess
    )


def _respelled(guess: Guessed, theirs: TableVocabulary, mine: TableVocabulary, keep: int) -> Bush:
    bush = guess.bush
    leaves = [name for name in bush.nodes if not any(other[:-1] == name for other in bush.nodes)]
    names: list[Name] = []
    for leaf in leaves:
        ids = continue_encoding(mine, guess.text, whole_characters(theirs.spell(leaf)))
        names += [ids[:end] for end in range(1, len(ids) + 1) if ids[:end] not in names]
    kept = names[:keep]
    return bush_of((name[:-1], Proposed(name[-1])) for name in kept)


def continue_encoding(words: TableVocabulary, before: bytes, text: bytes) -> Name:
    """The tokens of `text` behind `before`: those of both together, if a token begins where the text does.

    >>> continue_encoding(TableVocabulary((b"a", b"b", b"ab")), b"b", b"ab"), \
        continue_encoding(TableVocabulary((b"a", b"b", b"ab")), b"a", b"ba")
    ((2,), (1, 0))
    """
    together = words.encode(before + text)
    behind = 0
    while words.spell(together[:behind]) != before and behind < len(together):
        behind += 1
    return together[behind:] if words.spell(together[:behind]) == before else words.encode(text)


def respell_path(
    node: Respell, setting: Setting, path: Sequence[Line | None], cache: Cache, words: TableVocabulary
) -> tuple[Line | None, ...]:
    """The tokens that another model's cache now owes: what it does not spell yet, re-encoded."""
    return tuple(
        None if line is None else _owed(line, cache.pools[row // setting.threads], words)
        for row, line in enumerate(path)
    )


def _owed(line: Line, pool: Pool | None, words: TableVocabulary) -> Line:
    assert pool is not None, "a row that does not rest has a cache"
    known = [slot for slot in caches.all_slots(pool, line.thread) if line.thread or slot.index >= pool.prompt]
    spelled = words.spell([slot.token for slot in known])
    assert line.text.startswith(spelled), f"the cache holds {spelled!r}, and what was said is {line.text!r}"
    kept, owed = synchronised(words, [slot.token for slot in known], line.text)
    start = caches.length(pool, line.thread) - len(known) + kept
    return replace(line, tokens=owed, start=start, position=start, laws=())
