"""What can be wrong with the text of a graph, and with a graph that is well written and means nothing."""

from __future__ import annotations

from typing import ClassVar

from ...grammar import Diagnostic, ExampleKind, Label, Span, did_you_mean

_HEAD = """graph tiny : exact by definition
  vocab v size=4
  model target = "tiny" vocab=v, dtype=float32, positions=64
  sampling cold
"""
_START = """
  start(prompt: chat)
    ids = encode(prompt) by=target : tokens[1..32]
    fresh, cache = prefill(ids) by=target : path[1], kv[target, 64]
    yield fresh, cache
"""
_STEP = """
  step(fresh: path[1], cache: kv[target, 64])
    tree = chain(fresh) : tree[1]
    scores, held = verify(tree, cache) by=target : logits[1], kv[target, 64+1]
    path = accept(tree, scores) rule=exact_match, sampling=cold : path[1]
    said, done = stop(path) max_new_tokens=8 : path[1], done
    kept = commit(held, said) : kv[target, 64]
    emit said
    yield said, kept until done
"""
RIGHT = _HEAD + _START + _STEP
"""The smallest graph that decodes; every wrong example is this one with one thing changed."""


def _but(old: str, new: str) -> str:
    assert old in RIGHT, f"the example has no {old!r}"
    return RIGHT.replace(old, new)


class GraphDiagnostic(Diagnostic):
    """Common to all mistakes in graphs: their examples are graphs."""

    example: ClassVar[ExampleKind] = "graph"
    right: ClassVar[str] = RIGHT


class GraphSyntax(GraphDiagnostic):
    """The text is not a graph's."""

    found: str
    expected: tuple[str, ...]
    code: ClassVar[str] = "SP0501"
    title: ClassVar[str] = "the text of a graph does not go on with {found}"
    label: ClassVar[str] = "not expected here"
    rule: ClassVar[str] = (
        "A graph is `graph NAME : LAW`, declarations, then the regions `start` and `step`, each indented by two spaces, "
        "with one node a line: `results = node(values) field=value : types`."
    )
    wrong: ClassVar[str] = _but("tree = chain(fresh) : tree[1]", "tree = chain fresh : tree[1]")

    def help(self) -> tuple[str, ...]:
        """What could stand there."""
        return (f"expected {', '.join(self.expected)}",) if self.expected else ()


class GraphTooLarge(GraphDiagnostic):
    """More text, or deeper nesting, than any graph has."""

    limit: str
    code: ClassVar[str] = "SP0502"
    title: ClassVar[str] = "this graph is larger than {limit}"
    rule: ClassVar[str] = "A graph's text has at most 1 MiB, and its regions nest at most 16 deep."
    wrong: ClassVar[str] = "a `repeat` inside a `repeat` inside a `repeat`, 17 deep"
    example: ClassVar[ExampleKind] = "none"


class UnknownWord(GraphDiagnostic):
    """A node, declaration, field or type that there is not."""

    what: str
    name: str
    known: tuple[str, ...]
    code: ClassVar[str] = "SP0503"
    title: ClassVar[str] = "there is no {what} `{name}`"
    label: ClassVar[str] = "unknown {what}"
    rule: ClassVar[str] = (
        "Kinds of nodes, declarations, their fields and types have fixed names; the documentation lists them."
    )
    wrong: ClassVar[str] = _but("tree = chain(", "tree = chian(")

    def help(self) -> tuple[str, ...]:
        """The name that was probably meant, and all of them."""
        return (*did_you_mean(self.name, self.known), f"there are {', '.join(self.known)}")


class UnknownValue(GraphDiagnostic):
    """A value that the region does not have."""

    name: str
    known: tuple[str, ...]
    code: ClassVar[str] = "SP0504"
    title: ClassVar[str] = "`{name}` is not a value of this region"
    label: ClassVar[str] = "neither a parameter nor a result above"
    rule: ClassVar[str] = (
        "A region sees only its parameters and the results of its own lines above; names are given once."
    )
    wrong: ClassVar[str] = _but("accept(tree, scores)", "accept(tree, score)")

    def help(self) -> tuple[str, ...]:
        """The value that was probably meant."""
        return did_you_mean(self.name, self.known)


class NameTwice(GraphDiagnostic):
    """A name given to two things of one region, or of the declarations."""

    name: str
    first: Span | None
    code: ClassVar[str] = "SP0505"
    title: ClassVar[str] = "`{name}` is there already"
    label: ClassVar[str] = "given again"
    rule: ClassVar[str] = "Within a region every value has its own name, and so has every declaration of a graph."
    wrong: ClassVar[str] = _but("kept", "cache")

    def related(self) -> tuple[Label, ...]:
        """Where the name was given first."""
        return () if self.first is None else (Label(self.first, "given here"),)


class WrongField(GraphDiagnostic):
    """A field or operand that is missing, of the wrong kind, or too much."""

    problem: str
    code: ClassVar[str] = "SP0506"
    title: ClassVar[str] = "{problem}"
    rule: ClassVar[str] = (
        "Each kind of node and declaration has its operands and fields; those without a default must be given."
    )
    wrong: ClassVar[str] = _but("stop(path) max_new_tokens=8", "stop(path) max_new_tokens=many")


class WrongType(GraphDiagnostic):
    """A type that is not what the node makes of its operands."""

    name: str
    stated: str
    computed: str
    code: ClassVar[str] = "SP0507"
    title: ClassVar[str] = "`{name}` is {computed}, not {stated}"
    label: ClassVar[str] = "its operands and fields make it {computed}"
    rule: ClassVar[str] = "Types carry arithmetic: every result's type follows from the node's operands and fields."
    wrong: ClassVar[str] = _but(
        "accept(tree, scores) rule=exact_match, sampling=cold : path[1]",
        "accept(tree, scores) rule=exact_match, sampling=cold : path[2]",
    )


class DoesNotGo(GraphDiagnostic):
    """Operands or fields that do not go together."""

    node: str
    problem: str
    code: ClassVar[str] = "SP0508"
    title: ClassVar[str] = "`{node}` cannot be: {problem}"
    label: ClassVar[str] = "this node"
    rule: ClassVar[str] = "A node's operands have the types it works on, and belong to the models and tables it names."
    wrong: ClassVar[str] = _but("sampling=cold", "sampling=warm")


class CacheUse(GraphDiagnostic):
    """A cache that is taken twice, or never handed on."""

    name: str
    problem: str
    other: Span | None
    code: ClassVar[str] = "SP0509"
    title: ClassVar[str] = "the cache `{name}` {problem}"
    label: ClassVar[str] = "this cache"
    rule: ClassVar[str] = (
        "A cache is taken exactly once: by prefill, draft, spell, repeat, grow, verify, advance, commit, choose or yield. "
        "A forgotten or a second commit would corrupt it."
    )
    wrong: ClassVar[str] = _but("yield said, kept until", "yield said, held until")

    def related(self) -> tuple[Label, ...]:
        """Where it was taken first."""
        return () if self.other is None else (Label(self.other, "taken here"),)


class DoesNotFit(GraphDiagnostic):
    """A yielded value that the parameter cannot hold."""

    given: str
    given_type: str
    parameter: str
    wanted: str
    code: ClassVar[str] = "SP0510"
    title: ClassVar[str] = "`{given}` is {given_type}, and `{parameter}` takes {wanted}"
    label: ClassVar[str] = "handed on here"
    rule: ClassVar[str] = (
        "What a region yields becomes the parameters of the next step, in order, so it has to fit their types."
    )
    wrong: ClassVar[str] = _but("step(fresh: path[1],", "step(fresh: path[2..3],")


class WrongRegion(GraphDiagnostic):
    """Regions that are missing, too many, or without an end."""

    problem: str
    code: ClassVar[str] = "SP0511"
    title: ClassVar[str] = "{problem}"
    rule: ClassVar[str] = (
        "A graph has the regions `start` and `step`; a region ends with a yield, and `step` yields until done."
    )
    wrong: ClassVar[str] = _HEAD + _START


class WrongLaw(GraphDiagnostic):
    """A law that the nodes do not have."""

    stated: str
    computed: str
    code: ClassVar[str] = "SP0512"
    title: ClassVar[str] = "this graph is {computed}, not {stated}"
    label: ClassVar[str] = "its nodes say otherwise"
    rule: ClassVar[str] = (
        "The law in a graph's first line is computed from its nodes: how they accept, and whether they fork."
    )
    wrong: ClassVar[str] = _but("exact by definition", "exact by rejection")


class WrongPlace(GraphDiagnostic):
    """A value that is not on the rank where it is needed."""

    name: str
    rank: int
    node: str
    code: ClassVar[str] = "SP0513"
    title: ClassVar[str] = "`{node}` runs on rank {rank}, and `{name}` is not there"
    label: ClassVar[str] = "needed here"
    rule: ClassVar[str] = "In a pipeline, values stand on the ranks of their model; only `send` and a flow cross."
    wrong: ClassVar[str] = "send(path) from=4, to=0..3 forgotten before a commit on rank 0"
    right: ClassVar[str] = "told = send(path) from=4, to=0..3 : path[1]"
    example: ClassVar[ExampleKind] = "none"

    def help(self) -> tuple[str, ...]:
        """How to bring it there."""
        return (f"bring it there: `send({self.name}) from=..., to={self.rank}`",)


class UncutPath(GraphDiagnostic):
    """A path that is committed with guesses behind a tag."""

    name: str
    code: ClassVar[str] = "SP0514"
    title: ClassVar[str] = "`{name}` was accepted in threads and not cut at its tags"
    label: ClassVar[str] = "committed here"
    rule: ClassVar[str] = (
        "Where threads fork, a path of several tokens is cut behind its first tag before it is committed."
    )
    wrong: ClassVar[str] = "kept = commit(held, path) : kv[target, 64], where path was never cut"
    right: ClassVar[str] = "heard = cut(path) after=pasta : path[3 x 1..5]"
    example: ClassVar[ExampleKind] = "none"

    def help(self) -> tuple[str, ...]:
        """How to cut it."""
        return ("end it behind its first tag: `cut(...) after=...`",)


class GraphJson(GraphDiagnostic):
    """JSON that is not a graph of this version."""

    problem: str
    code: ClassVar[str] = "SP0515"
    title: ClassVar[str] = "this is not a graph in JSON: {problem}"
    rule: ClassVar[str] = (
        "graph.json holds `format_version` 1 and the members that `specplan compile --emit json` writes."
    )
    wrong: ClassVar[str] = '{"format_version": 99}'
    right: ClassVar[str] = "specplan compile plan.yaml --emit json"
    example: ClassVar[ExampleKind] = "none"


class BeyondLimits(GraphDiagnostic):
    """A field whose number or word means nothing to whoever runs it."""

    where: str
    field: str
    value: str
    limit: str
    code: ClassVar[str] = "SP0516"
    title: ClassVar[str] = "`{field}` of `{where}` is {limit}, not {value}"
    label: ClassVar[str] = "beyond its limits"
    rule: ClassVar[str] = (
        "What stands in a graph is what runs, so numbers have bounds and words are chosen from a few, as in a plan."
    )
    wrong: ClassVar[str] = _but("sampling cold\n", "sampling cold temperature=-1.0\n")


class NoSuchToken(GraphDiagnostic):
    """A token id beyond the rows of its vocabulary."""

    token: int
    vocab: str
    size: int
    code: ClassVar[str] = "SP0517"
    title: ClassVar[str] = "`{vocab}` has no token {token}"
    label: ClassVar[str] = "ids are below {size}"
    rule: ClassVar[str] = "The token ids that stop an answer are rows of the target's vocabulary."
    wrong: ClassVar[str] = _but("max_new_tokens=8", "max_new_tokens=8, token_ids=[4]")
