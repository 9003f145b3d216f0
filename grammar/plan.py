"""The plan: what a person declares, with the place of every word of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .ast import Expr, Located
from .diagnostic import Diagnostic
from .errors import CommentInPlain
from .expression_errors import UnclosedBracket
from .kinds import IDENTIFIER, Boolean, Choice, Entries, Integer, ListOf, MapOf, Nested, Number, Size, Text
from .parse import parse_expression
from .record import Kind, Reader, Record, json_schema, key, read_file, wrong_type
from .source import SourceFile
from .yaml_source import YamlNode, YamlScalar

DTYPES = ("float32", "float16", "bfloat16", "int8", "int4")
ENGINES = ("eager", "onnx", "tensorrt", "reference")
_DEFAULTS = {"written": False}  # a section that is there even when it is not written


class Expression(Kind):
    """The strategy, in the language of plan.lark."""

    @property
    def words(self) -> str:
        """How a sentence calls it."""
        return "a strategy such as `autoregressive(target)`"

    def read(self, node: YamlNode, path: str, reader: Reader) -> Located[Expr] | None:
        """The scalar as a tree, each of its tokens in its place in the file."""
        if not isinstance(node, YamlScalar) or node.is_empty:
            reader.report(wrong_type(node, path, self.words))
            return None
        expression, mistakes = parse_expression(node.excerpt)
        if cut := _comment_behind(node, mistakes):
            reader.report(cut)
            return None
        reader.report(*mistakes)
        return None if expression is None else Located(expression, node.span)

    def schema(self) -> dict[str, Any]:
        """A string; its own grammar is not JSON Schema's."""
        return {"type": "string", "minLength": 1, "examples": ["autoregressive(target)"]}


@dataclass(frozen=True, slots=True)
class Model(Record):
    """A model: anything with weights, also what rides another model."""

    source: Located[str] = key(
        Text("the name, folder, file or hub name of a model"),
        doc="a packaged model's name, `org/name` of a hub where a card carries it, `./folder`, or a `.gguf` file",
    )
    dtype: Located[str | None] = key(Choice(DTYPES), default=None, doc="the type of the weights; else the model's own")
    device: Located[str | None] = key(
        Text("the name of a device"), default=None, doc="where the model runs, if not on the device of `backend`"
    )
    adapter: Located[str | None] = key(
        Text("an adapter's folder"),
        default=None,
        doc="`./folder` of an adapter, as peft and `specplan train` write it, that is put on the model's weights",
    )
    rides: Located[str | None] = key(
        Text("the name of a model of this plan"), default=None, doc="the model that this add-on was trained for"
    )
    tags: Located[str | None] = key(
        Choice(("pasta",)), default=None, doc="the tags that the model was trained to write; `fork_join` needs `pasta`"
    )
    mask: Located[int | None] = key(
        Integer(minimum=0), default=None, doc="the id of the mask token, if the model does not say; `pard` needs one"
    )
    context: Located[int | None] = key(
        Integer(minimum=1), default=None, doc="the longest context in tokens, if the model does not say"
    )
    chat_template: Located[str | None] = key(
        Text("a chat template"), default=None, doc="a Jinja template in place of the model's own"
    )


@dataclass(frozen=True, slots=True)
class Prompt(Record):
    """How a prompt becomes tokens."""

    template: Located[str] = key(
        Choice(("chat", "none")), default="chat", doc="`chat`: one user turn of the chat template; `none`: as it is"
    )
    system: Located[str | None] = key(Text(), default=None, doc="the system message of the chat")


@dataclass(frozen=True, slots=True)
class Stop(Record):
    """What ends an answer, besides the model's own end token."""

    strings: Located[tuple[Located[str], ...]] = key(
        ListOf(Text()), default=(), doc="texts that end the answer; they are not part of it"
    )
    token_ids: Located[tuple[Located[int], ...]] = key(
        ListOf(Integer(minimum=0)), default=(), doc="tokens that end the answer"
    )
    ignore_eos: Located[bool] = key(Boolean(), default=False, doc="go on past the end token, to the limit")


@dataclass(frozen=True, slots=True)
class Sampling(Record):
    """The law that the target model's tokens are drawn from."""

    temperature: Located[float] = key(
        Number(minimum=0.0, maximum=100.0), default=0.0, doc="0 takes the likeliest token, 1 is the model's own law"
    )
    top_k: Located[int | None] = key(Integer(minimum=1), default=None, doc="only the so many likeliest tokens")
    top_p: Located[float | None] = key(
        Number(above=0.0, maximum=1.0), default=None, doc="only the likeliest tokens that make up this probability"
    )
    min_p: Located[float | None] = key(
        Number(minimum=0.0, maximum=1.0), default=None, doc="only tokens at least so likely, relative to the likeliest"
    )
    seed: Located[int] = key(Integer(minimum=0), default=0, doc="with the same seed, the same draws on every machine")


@dataclass(frozen=True, slots=True)
class Limits(Record):
    """How much there may be of everything; memory is planned for it."""

    max_new_tokens: Located[int] = key(Integer(minimum=1), default=256, doc="the longest answer, in tokens")
    context: Located[int] = key(Integer(minimum=2), default=2048, doc="the longest prompt and answer, in tokens")
    batch: Located[int] = key(Integer(minimum=1), default=1, doc="rows decoded together")
    memory: Located[int | None] = key(
        Size(), default=None, doc="the most memory to plan for; else the device's; not a part of the graph"
    )


@dataclass(frozen=True, slots=True)
class Guard(Record):
    """Turns speculation off for a row while it does not pay."""

    min_speedup: Located[float] = key(
        Number(above=0.0),
        default=1.2,
        doc="with fewer tokens per step than this a row goes without guesses for a window; a step always gives one",
    )
    window: Located[int] = key(Integer(minimum=1), default=16, doc="steps over which tokens are counted")


@dataclass(frozen=True, slots=True)
class Backend(Record):
    """What runs the graph, and on what."""

    engine: Located[str] = key(Choice(ENGINES), default="eager", doc="what emits and runs the graph")
    device: Located[str] = key(
        Text("the name of a device profile"), default="cpu", doc="a device profile; `auto` is decided at run time"
    )
    ranks: Located[int | None] = key(Integer(minimum=1), default=None, doc="processes that share a pipeline's stages")


@dataclass(frozen=True, slots=True)
class Plan(Record):
    """A decoding plan: models, a strategy, and the limits within which it runs."""

    specplan: Located[int] = key(Integer(minimum=1, maximum=1), doc="the version of the plan language: 1")
    models: Entries[Model] = key(
        MapOf(Nested(Model), IDENTIFIER, "letters, digits and `_`, not a digit first", minimum=1),
        doc="the models that the strategy uses, by the names that it calls them",
    )
    decode: Located[Expr] = key(Expression(), doc="the strategy: one expression, such as `autoregressive(target)`")
    prompt: Prompt = key(Nested(Prompt), default=_DEFAULTS, doc="how a prompt becomes tokens")
    stop: Stop = key(Nested(Stop), default=_DEFAULTS, doc="what ends an answer")
    sampling: Sampling = key(Nested(Sampling), default=_DEFAULTS, doc="the law of the target's tokens")
    limits: Limits = key(Nested(Limits), default=_DEFAULTS, doc="how much there may be of everything")
    guard: Guard | None = key(Nested(Guard), default=None, doc="when to stop speculating; without it, never")
    calibration: Located[str | None] = key(
        Text("a file"), default=None, doc="a file that `specplan calibrate` wrote: what two of the vocabularies share"
    )
    backend: Backend = key(Nested(Backend), default=_DEFAULTS, doc="what runs the graph")

    @property
    def source(self) -> SourceFile:
        """The file that all places of this plan refer to."""
        return self.span.source


def read_plan(data: bytes, name: str) -> tuple[Plan | None, tuple[Diagnostic, ...]]:
    """A plan from the bytes of its file, and everything that is wrong with it.

    A plan may come with errors: it is what could be read, so that whoever goes on can say what else is wrong. Names and
    signatures in the strategy are not looked at here.

    >>> text = b"specplan: 1\\nmodels: {target: {source: smollm2-135m-instruct}}\\ndecode: autoregressive(target)"
    >>> plan, diagnostics = read_plan(text, "plan.yaml")
    >>> str(plan.decode.value), plan.limits.batch.value, diagnostics
    ('autoregressive(target)', 1, ())
    """
    plan, _, diagnostics = read_file(data, name, Plan, partial=True)
    return plan, diagnostics


def plan_schema() -> dict[str, Any]:
    """The JSON Schema of a plan, from the declarations that read it."""
    return json_schema(Plan, "specplan: a decoding plan")


def _comment_behind(node: YamlScalar, mistakes: tuple[Diagnostic, ...]) -> Diagnostic | None:
    """A plain scalar ends at ` #`: then what is unfinished was cut off there."""
    if node.style != "plain" or not any(isinstance(each, UnclosedBracket) for each in mistakes):
        return None
    source = node.span.source
    line = source.line_of(node.span.end)
    end = source.line_start(line) + len(source.line_text(line))
    rest = source.text[node.span.end : end]
    if not rest.lstrip().startswith("#"):
        return None
    return CommentInPlain(source.span(end - len(rest.lstrip()), end))
