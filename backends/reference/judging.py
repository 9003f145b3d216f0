"""The target's part: score a tree, walk it, end the path, keep its rows; whole at once or layer by layer in a pipeline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ...grammar import Tag
from ...planner.graph import Accept, Advance, Commit, Cut, Rule, Stop, Verify
from .. import decoding
from ..decoding import ExactMatch, Proposal, Purpose, Rejection, Typical, accept_tree
from ..runtime.pasta import share
from . import caches
from .asking import prompt_laws
from .language import tag_vocabulary
from .setting import Setting, array, next_law
from .tables import Law, TableVocabulary
from .trees import with_layer
from .values import Bush, Cache, Line, Name, Pending, Pool, Rooted, Woven

Scores = tuple[Law, ...]
"""One row of logits: a law for the root and for each node. A table states probabilities."""
Answers = dict[Name, tuple[Law, ...]]
"""One row of hidden states: behind each node what its prompt tokens answer."""


def verify(
    node: Verify, setting: Setting, tree: Sequence[Rooted | None], cache: Cache, threads: Sequence[Woven] | None
) -> tuple[tuple[Scores | None, ...], Cache, tuple[Answers | None, ...]]:
    """Score the root and every node in one pass, each seeing its ancestors only."""
    pools: list[Pool | None] = [None if pool is None else caches.push(pool) for pool in cache.pools]
    for row, rooted in enumerate(tree):
        if rooted is not None:
            place = row // setting.threads
            pools[place] = caches.pend(_pool(pools[place]), _rows(rooted))
    scores: list[Scores | None] = []
    answers: list[Answers | None] = []
    for row, rooted in enumerate(tree):
        if rooted is None:
            scores.append(None)
            answers.append(None)
            continue
        place = row // setting.threads
        woven, thread = None if threads is None else threads[place], rooted.root.thread
        names = ((), *rooted.bush.nodes)
        seen = {name: caches.context(_pool(pools[place]), woven, thread, name) for name in names}
        scores.append(tuple(next_law(setting, node.by, seen[name], thread) for name in names))
        prompts = dict(zip(names, rooted.prompts or (0,) * len(names), strict=True))
        answers.append({name: prompt_laws(setting, node.by, seen[name], prompts[name], thread) for name in names})
    return tuple(scores), Cache(cache.model, tuple(pools)), tuple(answers)


def _pool(pool: Pool | None) -> Pool:
    assert pool is not None, "a row that does not rest has a cache"
    return pool


def _rows(rooted: Rooted) -> Pending:
    root = rooted.root
    return Pending(root.thread, root.start, root.position, root.tokens[0], root.jump, rooted.bush.nodes)


def advance(
    node: Advance, setting: Setting, tree: Sequence[Rooted | None], flow: tuple[tuple[Name, ...], ...], cache: Cache
) -> tuple[tuple[Scores | None, ...], tuple[tuple[Name, ...], ...], Cache]:
    """One timestep: every stage reads the layer in front of it and hands it on; scores of a root leave the last."""
    (rooted,), (pool,) = tree, cache.pools
    if rooted is None or pool is None:
        return (None,), flow, cache
    pool = pool if pool.levels else caches.push(pool)
    layer = entering(rooted, pool)
    branch = caches.branch_of(pool, 0)
    if layer:
        branch = with_layer(branch, rooted.root, layer, stage=1)
    for stage, waiting in enumerate(flow, start=2):
        if waiting:
            assert branch is not None, "rows that flow have been read by the first stage"
            branch = _read_by(stage, waiting, branch)
    if branch is not None:
        pool = caches.pend(pool, branch)
    every = (layer, *flow)
    leaving = every[-1]
    assert leaving in ((), ((),)), "when a layer leaves the last stage, only its root is still alive"
    scores = (next_law(setting, node.by, caches.context(pool, None, 0, ())),) if leaving else None
    return (scores,), every[:-1], Cache(cache.model, (pool,))


def entering(rooted: Rooted, pool: Pool) -> tuple[Name, ...]:
    """The layer of a tree that enters the pipeline: its deepest, unless it has entered before."""
    layer = rooted.bush.layer(rooted.bush.depth)
    branch = caches.branch_of(pool, 0)
    return () if branch is not None and branch.holds(layer[0]) else layer


def _read_by(stage: int, layer: Sequence[Name], branch: Pending) -> Pending:
    passed = dict(zip(((), *branch.nodes), branch.passed, strict=True))
    for name in layer:
        assert passed[name] == stage - 1, "rows pass the stages in order"
        passed[name] = stage
        ancestors = [name[:end] for end in range(len(name))]
        assert all(passed[each] >= stage for each in ancestors), "every ancestor of a row was here before it"
    return replace(branch, passed=tuple(passed.values()))


def rule_of(node: Accept) -> decoding.Rule:
    """A node's rule as the mathematics has it."""
    match node.rule:
        case Rule.EXACT_MATCH:
            return ExactMatch()
        case Rule.REJECTION:
            return Rejection()
        case Rule.TYPICAL:
            assert node.epsilon is not None and node.delta is not None, "typical acceptance has its two numbers"
            return Typical(node.epsilon, node.delta)


def accept(
    node: Accept,
    setting: Setting,
    tree: Sequence[Rooted | None],
    scores: Sequence[Scores | None],
    words: TableVocabulary,
) -> tuple[Line | None, ...]:
    """Walk each row's tree as the target would, and end with its own token."""
    return tuple(
        None if rooted is None or laws is None else _accepted(node, setting, rooted, laws, words)
        for rooted, laws in zip(tree, scores, strict=True)
    )


def target_law(node: Accept, setting: Setting, law: Law) -> Law:
    """The law that the target draws from: sampling, and the mask of a table that its reader cannot see beyond."""
    allowed = None
    if node.within is not None and not setting.table_nulls_are_rejected(node.within):
        allowed = tuple(image is not None for image in setting.table(node.within).images)
    return setting.shaped(law, node.sampling, allowed)


def _accepted(node: Accept, setting: Setting, rooted: Rooted, scores: Scores, words: TableVocabulary) -> Line:
    laws = [target_law(node, setting, law) for law in scores]
    root = rooted.root
    # In a pipeline only the root's scores are there yet, and one token is decided.
    bush = rooted.bush if len(laws) == 1 + len(rooted.bush.nodes) else Bush()
    tree = as_proposals(bush)
    key = setting.key(root, 0, Purpose.TARGET)
    path = accept_tree([array(law) for law in laws], tree, rule_of(node), setting.draw(node.sampling), key)
    under = tuple(laws[place] for place in (0, *path.nodes))
    return Line(
        root.row,
        path.tokens,
        root.start + 1,
        root.next_position,
        root.thread,
        text=root.text + words.spell(path.tokens),
        made=root.made + len(path.tokens),
        laws=under,
    )


def as_proposals(bush: Bush) -> list[list[Proposal]]:
    """A bush as acceptance wants it: proposals of numbered nodes, the root being number 0."""
    number = {name: place for place, name in enumerate(((), *bush.nodes))}
    return [
        [
            Proposal(
                each.token,
                None if each.law is None else array(each.law),
                None if each.token is None else number[*name, each.token],
            )
            for each in below
        ]
        for name, below in bush.items()
    ]


def shortened(line: Line, count: int, words: TableVocabulary) -> Line:
    """The first `count` tokens of a path."""
    dropped = line.tokens[count:]
    if not dropped:
        return line
    text = line.text[: len(line.text) - len(words.spell(dropped))]
    return replace(
        line, tokens=line.tokens[:count], text=text, made=line.made - len(dropped), laws=line.laws[:count], jump=0
    )


def cut(node: Cut, path: Sequence[Line | None], words: TableVocabulary) -> tuple[Line | None, ...]:
    """End each path behind its first tag or end token."""
    breaks = tag_vocabulary(words).breaks
    return tuple(None if line is None else _cut_behind(line, breaks, words) for line in path)


def _cut_behind(line: Line, ends: frozenset[int], words: TableVocabulary) -> Line:
    place = next((place for place, token in enumerate(line.tokens, start=1) if token in ends), len(line.tokens))
    return shortened(line, place, words)


def stop(
    node: Stop, setting: Setting, path: Sequence[Line | None], threads: Sequence[Woven] | None, words: TableVocabulary
) -> tuple[tuple[Line | None, ...], tuple[bool | None, ...]]:
    """End paths at an end token, a stop string or token, or the limit; say which requests have ended.

    What is said of a request is None while it had nothing to say and is not known to have ended.
    """
    said: list[Line | None] = []
    for row, line in enumerate(path):
        woven = None if threads is None else threads[row // setting.threads]
        said.append(None if line is None else _stopped(node, setting, line, woven, words))
    if threads is None:
        return tuple(said), tuple(None if line is None else line.ended for line in said)
    wide = setting.threads
    return tuple(said), tuple(
        _all_over(woven, said[wide * place : wide * (place + 1)]) for place, woven in enumerate(threads)
    )


def _stopped(node: Stop, setting: Setting, line: Line, woven: Woven | None, words: TableVocabulary) -> Line:
    limit = node.max_new_tokens
    if woven is not None:
        limit = woven.forks[line.thread - 1].budget if line.thread else limit - woven_cost(woven)
    before = line.made - len(line.tokens)
    ended = False
    for place in range(1, len(line.tokens) + 1):
        if _ends(node, line, place, words) or before + place >= limit:
            line, ended = shortened(line, place, words), True
            break
    if line.thread and before + len(line.tokens) >= limit:
        # Only a fork that closes its block can be read in order; its last token is in no cache yet, so it may be forced.
        text = shortened(line, len(line.tokens) - 1, words).text
        line = replace(line, tokens=(*line.tokens[:-1], words.tags[Tag.ENDASYNC]), text=text)
    if ended or line.thread or woven is None or setting.language is None:
        return replace(line, ended=ended, budget=0)
    left = limit - before - len(line.tokens)
    _, promise = setting.language.promised(woven, line)
    if promise is None:
        return replace(line, budget=0, left=0)
    return replace(line, budget=share(promise.tens, left), left=left)


def woven_cost(woven: Woven) -> int:
    """What the main thread may not say any more: what forks were promised, or said, once they are joined."""
    return sum(fork.budget if fork.joined is None else fork.made for fork in woven.forks)


def _ends(node: Stop, line: Line, place: int, words: TableVocabulary) -> bool:
    token = line.tokens[place - 1]
    if line.thread and words.is_tag(token, Tag.ENDASYNC):
        return True
    if token in node.token_ids or (token == words.end and not node.ignore_eos):
        return True
    if line.thread or not node.strings:
        return False
    text = shortened(line, place, words).text
    return any(string.encode() in text for string in node.strings)


def _all_over(woven: Woven, lines: Sequence[Line | None]) -> bool:
    """A request has ended when its main thread and all of its forks have."""
    ended = {line.thread for line in lines if line is not None and line.ended}
    main = woven.over or 0 in ended
    return main and all(fork.ended or number in ended for number, fork in enumerate(woven.forks, start=1))


def commit(
    node: Commit,
    setting: Setting,
    cache: Cache,
    path: Sequence[Line | None],
    words: tuple[TableVocabulary, TableVocabulary],
) -> Cache:
    """Keep the rows of the paths, their last tokens unread, and drop the level. `words`: the cache's, then the path's."""
    pools: list[Pool | None] = []
    for place, pool in enumerate(cache.pools):
        lines = path[place * setting.threads : (place + 1) * setting.threads]
        if pool is None:
            pools.append(None)
        elif node.keep is not None:
            pools.append(caches.keep_alive(pool, lines[0]))
        else:
            pools.append(_committed(pool, lines, words))
    return Cache(cache.model, tuple(pools))


def _committed(pool: Pool, lines: Sequence[Line | None], words: tuple[TableVocabulary, TableVocabulary]) -> Pool:
    said = {line.thread: line for line in lines if line is not None}
    for thread in [branch.thread for branch in pool.levels[-1]]:
        line = said.get(thread)
        same = words[0] is words[1]
        pool = caches.commit(pool, line, thread) if same else caches.commit_bytes(pool, line, thread, words)
    return caches.drop_level(pool)
