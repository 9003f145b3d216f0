"""Acceptance along a chain, the common case, with one look at the device for all of it.

Same draws, same keys and same results as `accept_tree` on the same chain.
"""

from collections.abc import Sequence

from array_api_compat import array_namespace, device

from .acceptance import ExactMatch, Path, Rejection, Rule, Typical, acceptance_probability
from .draws import Draws, Key, Purpose
from .laws import Array, entropy, one_hot, residual
from .proposals import Proposal


def accept_chain(p: Array, tokens: Sequence[int | None], q: Array | None, rule: Rule, draws: Draws, key: Key) -> Path:
    """Accept a prefix of a chain; node i of the path is `tokens[i - 1]`.

    `p` `[m + 1, V]` are the target's laws, row 0 the root's; `q` `[m, V]` are the laws that the m tokens were drawn
    from, None for certain tokens. A token None is a null: it is rejected, and with it whatever follows. `key` has the
    position of the first token.
    """
    assert p.shape[0] == len(tokens) + 1, "a chain has a row of the target for its root and for every token"
    match rule:
        case ExactMatch():
            return _match(p, tokens, draws, key)
        case Rejection():
            return _reject(p, tokens, q, draws, key)
        case Typical():
            return match_chain(*_typical_choices(p, tokens, rule))


def match_chain(tokens: Sequence[int | None], choices: Sequence[int]) -> Path:
    """Accept the tokens that equal the target's own `choices` (m + 1 of them, one per row); greedy decoding is this.

    >>> match_chain([5, 6, 7], choices=[5, 6, 9, 3])
    Path(nodes=(1, 2), tokens=(5, 6, 9))
    """
    accepted = 0
    while accepted < len(tokens) and tokens[accepted] == choices[accepted]:
        accepted += 1
    return _path(accepted, tokens, choices[accepted])


def chain_proposals(tokens: Sequence[int | None], q: Array | None) -> list[list[Proposal]]:
    """Write a chain as a tree: one proposal at the root and at every node but the last."""
    laws = [None] * len(tokens) if q is None else list(q)
    steps = zip(tokens, laws, strict=True)
    return [*([Proposal(token, law, node)] for node, (token, law) in enumerate(steps, start=1)), []]


def _match(p: Array, tokens: Sequence[int | None], draws: Draws, key: Key) -> Path:
    for accepted, token in enumerate((*tokens, None)):
        own = draws.pick(p[accepted], key.at(Purpose.TARGET, ahead=accepted))
        if own != token:
            return _path(accepted, tokens, own)
    raise AssertionError("the row after the last token matches no token")


def _reject(p: Array, tokens: Sequence[int | None], q: Array | None, draws: Draws, key: Key) -> Path:
    weights = _of_tokens(p, tokens)
    chances = [1.0] * len(tokens) if q is None else _of_tokens(q, tokens)
    for accepted, token in enumerate(tokens):
        asked = key.at(Purpose.ACCEPT, ahead=accepted)
        if token is None or not draws.accept(acceptance_probability(weights[accepted], chances[accepted]), asked):
            law = _law_at(accepted, token, p, q)
            own = draws.pick(residual(p[accepted], law), key.at(Purpose.RESIDUAL, ahead=accepted))
            return _path(accepted, tokens, own)
    end = len(tokens)
    return _path(end, tokens, draws.pick(p[end], key.at(Purpose.TARGET, ahead=end)))


def _typical_choices(p: Array, tokens: Sequence[int | None], rule: Typical) -> tuple[Sequence[int | None], list[int]]:
    """Put each token that is likely enough in the place of the target's choice."""
    xp = array_namespace(p)
    floors = xp.minimum(rule.delta * xp.exp(-entropy(p)), xp.asarray(rule.epsilon, dtype=p.dtype, device=device(p)))
    choices = [int(choice) for choice in xp.argmax(p, axis=-1)]
    for place, (token, weight) in enumerate(zip(tokens, _of_tokens(p, tokens), strict=True)):
        if token is not None and weight > float(floors[place]):
            choices[place] = token
    return tokens, choices


def _of_tokens(laws: Array, tokens: Sequence[int | None]) -> list[float]:
    """Read each token's probability in its row, at once; what stands for a null is not looked at."""
    xp = array_namespace(laws)
    ids = xp.asarray([token or 0 for token in tokens], dtype=xp.int64, device=device(laws))
    found: list[float] = xp.take_along_axis(laws[: len(tokens)], ids[:, None], axis=-1)[:, 0].tolist()
    return found


def _law_at(place: int, token: int | None, p: Array, q: Array | None) -> Array:
    if q is not None:
        return q[place]
    assert token is not None, "a null proposal was drawn, so it has a law"
    return one_hot(token, p)


def _path(accepted: int, tokens: Sequence[int | None], own: int) -> Path:
    kept = tuple(token for token in tokens[:accepted] if token is not None)
    assert len(kept) == accepted, "a null proposal cannot be accepted"
    return Path(tuple(range(1, accepted + 1)), (*kept, own))
