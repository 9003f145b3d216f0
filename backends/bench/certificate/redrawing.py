"""Redraw a round of a plan behind a fixed prefix, again and again, and compare what it says with the target's own law.

The program that decodes goes a few steps; caches and all else that it keeps are then put back to that point before each
redraw, which goes on with draws of its own. A round says one token or several. Where it says fewer than are compared the
row goes on, so that every redraw that has not ended says as many: to leave out short rounds would be to ask for the law
given that drafts were accepted, which is another one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from ...decoding import Sampling, law, total_variation
from ...models import LoadedModel
from ...runtime import Program, Prompt, Row, State
from .bookmark import Bookmark
from .certificate import COMPARED, Place
from .chi_square import fit
from .remembering import RememberedScores, RememberingNetwork, Text, TokensOnly

STEPS = 8
"""Steps of an answer, behind one of which a round is redrawn."""


@dataclass(frozen=True, slots=True)
class Prefix:
    """A row that went some steps, and how to go on from there."""

    row: Row
    state: State
    bookmark: Bookmark
    text: Text
    """The tokens of the prompt, and of what the steps said."""
    said: int
    """How many of them the steps said."""


@contextmanager
def prefix_of(
    program: Program,
    networks: Sequence[RememberingNetwork],
    prompt: Prompt,
    likeliest: Callable[[Text], float],
    longest: int,
) -> Iterator[Prefix]:
    """Of the places behind a prompt's first steps the one where the target is least sure of what follows.

    Behind most of a text a single token is likely enough to leave a test nothing to see. `likeliest` is the probability of
    the likeliest token behind a text, by the target's law, and `longest` how many tokens an answer has at most. The
    prefix's caches are open within the `with`. Raises `DiagnosticError` for a prompt that cannot be answered.
    """
    row = Row(prompt)
    try:
        state = program.start(row)
        caches = [cache for network in networks for cache in network.caches]
        places = [_here(row, state, caches)]
        for _ in range(STEPS):
            state, ended = program.step(state)
            if ended or len(row.result().token_ids) + COMPARED > longest:
                break
            places.append(_here(row, state, caches))
        yield min(places[1:] or places, key=lambda place: likeliest(place.text))
    finally:
        program.release(row)


def _here(row: Row, state: State, caches: Sequence[TokensOnly]) -> Prefix:
    said = row.result().token_ids
    return Prefix(row, state, Bookmark(row, caches), (*row.prompt_ids, *said), len(said))


def redraw(program: Program, prefix: Prefix, key: int) -> tuple[int, ...]:
    """What is said behind the prefix under the draws of a key: `COMPARED` tokens, or fewer where one ends the answer."""
    prefix.bookmark.go_back()
    row, state = prefix.row, prefix.state
    row.key = key
    ended: Collection[Row] = ()
    while not ended and len(row.result().token_ids) < prefix.said + COMPARED:
        state, ended = program.step(state)
    return row.result().token_ids[prefix.said : prefix.said + COMPARED]


def compared(drawn: Counter[tuple[int, ...]], prefix: Text, scores: RememberedScores, shape: Sampling) -> list[Place]:
    """The first tokens beside the target's law and, of the redraws that began with the likeliest, the next ones.

    The likeliest by the law, not by the draws: what is tested is settled before anything is drawn.
    """
    places = list[Place]()
    given: tuple[int, ...] = ()
    while len(given) < COMPARED:
        counts = _following(drawn, given)
        if not counts:  # the likeliest token ended the answer
            break
        p = law(scores.behind([(*prefix, *given)])[0], shape)
        places.append(Place((*prefix, *given), int(p.argmax()), fit(counts, p.tolist())))
        given = (*given, places[-1].likeliest)
    return places


def _following(drawn: Counter[tuple[int, ...]], given: tuple[int, ...]) -> Counter[int]:
    """How often each token followed these ones."""
    found: Counter[int] = Counter()
    for said, count in drawn.items():
        if len(said) > len(given) and said[: len(given)] == given:
            found[said[len(given)]] += count
    return found


def distance(texts: Sequence[Text], scores: RememberedScores, loaded: LoadedModel, shape: Sampling) -> float:
    """How far the laws that were looked up are from those of one pass of transformers, in total variation at most.

    `texts` are each the beginning of the next.
    """
    import torch

    first, end = len(texts[0]), len(texts[-1])
    with torch.inference_mode():
        ids = torch.tensor([texts[-1]], device=loaded.device)
        logits = loaded.model(ids, use_cache=False, logits_to_keep=end - first + 1).logits[0]
    pairs = zip(scores.behind(texts), (logits[len(text) - first] for text in texts), strict=True)
    return max(total_variation(law(ours, shape), law(theirs, shape)) for ours, theirs in pairs)
