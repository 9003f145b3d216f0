"""transformers' own `generate` on a plan's target: the same weights, prompts, ends and law of sampling."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar, cast

from ...grammar import Diagnostic, DiagnosticError
from ...planner.graph import Accept, Encode, Graph, Node, Sampling, Stop, Tokens
from ..models import ChatEncoder, LoadedModel, Template, quiet_transformers
from ..runtime import NothingToRead, Prompt, PromptTooLong, row_key
from .contenders import Answer

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import GenerationConfig, StopStringCriteria

N = TypeVar("N", bound=Node)


@dataclass(frozen=True, slots=True)
class PromptLookup:
    """Prompt lookup decoding: guesses are what followed when the text's end last occurred."""

    tokens: int
    max_ngram: int


@dataclass(frozen=True, slots=True)
class Assistant:
    """Assisted generation: a model guesses always the same number of tokens, or (None) as transformers has it."""

    model: LoadedModel
    tokens: int | None
    is_foreign: bool = False
    """Has it another vocabulary? transformers calls that universal assisted generation."""


Assistance: TypeAlias = PromptLookup | Assistant


class Generating:
    """`generate` of transformers; with assistance it speculates as transformers does."""

    def __init__(self, name: str, loaded: LoadedModel, graph: Graph, assistance: Assistance | None = None) -> None:
        """`loaded` is used by transformers alone: its `generation_config` is replaced.

        Raises `DiagnosticError` where the model has no chat template and the graph wants one.
        """
        self.name = name
        self._loaded = loaded
        self._encoder = encoder_of(graph, loaded)
        self._longest = _longest(_encode(graph))
        self._seed = _sampling(graph).seed
        self._config = generation_config(graph, loaded, assistance)
        self._assistance = assistance
        self._more = _more(self._config, loaded, assistance)
        self._stops = _stops(self._config, loaded)
        _forget_suggestions(loaded)

    def answer(self, prompts: Sequence[Prompt]) -> Answer:
        """Answer prompts in one batch, padded on the left."""
        with quiet_transformers():  # it advises against what universal assisted generation does itself
            began = perf_counter()
            rows, refused = self._encoded(prompts)
            said = self._generated(rows) if rows else {}
            for each in said.values():  # the answers of others are text too when their clock stops
                self._loaded.tokenizer.decode(each, skip_special_tokens=True)
            seconds = perf_counter() - began
        tokens = {name: self._cut(rows[name], answer) for name, answer in said.items()}
        return Answer(seconds, tokens, refused=refused)

    def _encoded(
        self, prompts: Sequence[Prompt]
    ) -> tuple[dict[str | int, list[int]], dict[str | int, tuple[Diagnostic, ...]]]:
        rows: dict[str | int, list[int]] = {}
        refused: dict[str | int, tuple[Diagnostic, ...]] = {}
        for prompt in prompts:
            try:
                rows[prompt.id] = self._ids(prompt)
            except DiagnosticError as error:
                refused[prompt.id] = error.diagnostics
        return rows, refused

    def _ids(self, prompt: Prompt) -> list[int]:
        ids = self._encoder.encode(prompt.text)
        if not ids:
            raise DiagnosticError([NothingToRead(None, prompt.id)])
        if len(ids) > self._longest:
            raise DiagnosticError([PromptTooLong(None, prompt.id, len(ids), self._longest)])
        return ids

    def _generated(self, rows: Mapping[str | int, list[int]]) -> dict[str | int, list[int]]:
        """What was said behind each row, padded to one length."""
        import torch

        ids, mask = self._padded(list(rows.values()))
        torch.manual_seed(self._seed + row_key(next(iter(rows))))
        if isinstance(self._assistance, Assistant):
            _instruct(self._assistance)
        with torch.inference_mode():
            said = self._loaded.model.generate(ids, attention_mask=mask, generation_config=self._config, **self._more)
        return dict(zip(rows, said[:, ids.shape[1] :].tolist(), strict=True))

    def _padded(self, rows: list[list[int]]) -> tuple[Tensor, Tensor]:
        import torch

        width, pad = max(map(len, rows)), self._config.pad_token_id
        ids = [[pad] * (width - len(row)) + row for row in rows]
        mask = [[0] * (width - len(row)) + [1] * len(row) for row in rows]
        device = self._loaded.device
        return torch.tensor(ids, device=device), torch.tensor(mask, device=device)

    def _cut(self, prompt: list[int], answer: list[int]) -> tuple[int, ...]:
        """An answer up to the token that ended it, or completed a stop string; what is behind is padding."""
        ends = self._config.eos_token_id or ()
        length = next((place for place, token in enumerate(answer, 1) if token in ends), len(answer))
        return tuple(answer[: self._stopped(prompt, answer[:length])])

    def _stopped(self, prompt: list[int], answer: list[int]) -> int:
        """The tokens up to the first at which `generate` found a stop string, by the rule that it has itself."""
        import torch

        if self._stops is None:
            return len(answer)
        row, before = torch.tensor([[*prompt, *answer]]), len(prompt)
        lengths = range(1, len(answer) + 1)
        return next((each for each in lengths if self._stops(row[:, : before + each], None).item()), len(answer))


def encoder_of(graph: Graph, loaded: LoadedModel) -> ChatEncoder:
    """Turns prompts into the target's tokens. Raises `DiagnosticError` where it lacks the chat template that is wanted."""
    encode = _encode(graph)
    template = cast(Template, str(encode.template))
    return ChatEncoder(loaded.tokenizer, source=loaded.source, template=template, system=encode.system)


def generation_config(graph: Graph, loaded: LoadedModel, assistance: Assistance | None = None) -> GenerationConfig:
    """What a graph says of sampling and ends, and what a lookup is told, in transformers' words."""
    from transformers import GenerationConfig

    stop, sampling = _node(graph, Stop), _sampling(graph)
    ends = [*stop.token_ids, *(() if stop.ignore_eos else loaded.eos_ids)]
    law: dict[str, Any] = {"do_sample": False}
    if sampling.temperature > 0:
        law = {
            "do_sample": True,
            "temperature": sampling.temperature,
            "top_k": sampling.top_k or 0,
            "top_p": 1.0 if sampling.top_p is None else sampling.top_p,
            "min_p": sampling.min_p,
        }
    guesses: dict[str, Any] = {}
    if isinstance(assistance, PromptLookup):
        guesses = {"prompt_lookup_num_tokens": assistance.tokens, "max_matching_ngram_size": assistance.max_ngram}
    return GenerationConfig(
        max_new_tokens=stop.max_new_tokens,
        eos_token_id=ends or None,
        pad_token_id=(ends or [0])[0],
        stop_strings=list(stop.strings) or None,
        **law,
        **guesses,
    )


def _more(config: GenerationConfig, loaded: LoadedModel, assistance: Assistance | None) -> dict[str, Any]:
    """What `generate` takes beside its configuration."""
    more: dict[str, Any] = {}
    if config.stop_strings:
        more["tokenizer"] = loaded.tokenizer
    if isinstance(assistance, Assistant):
        more["assistant_model"] = assistance.model.model
        if assistance.is_foreign:
            more["tokenizer"], more["assistant_tokenizer"] = loaded.tokenizer, assistance.model.tokenizer
    return more


def _instruct(assistant: Assistant) -> None:
    """Tell an assistant how much to guess: its own configuration says so, which others that share it change, too."""
    _forget_suggestions(assistant.model)
    if assistant.tokens is not None:
        own: Any = assistant.model.model.generation_config
        own.num_assistant_tokens = assistant.tokens
        own.num_assistant_tokens_schedule = "constant"
        own.assistant_confidence_threshold = 0.0


def _stops(config: GenerationConfig, loaded: LoadedModel) -> StopStringCriteria | None:
    """What tells `generate` that a stop string was completed."""
    from transformers import StopStringCriteria

    return StopStringCriteria(loaded.tokenizer, config.stop_strings) if config.stop_strings else None


def _forget_suggestions(loaded: LoadedModel) -> None:
    """Take away the checkpoint's own defaults (a repetition penalty, say), which `generate` fills gaps from."""
    from transformers import GenerationConfig

    loaded.model.generation_config = GenerationConfig()


def _encode(graph: Graph) -> Encode:
    return next(each for each in graph.start.nodes if isinstance(each, Encode) and each.by == graph.target.name)


def _longest(encode: Encode) -> int:
    kind = encode.results[0].type
    assert isinstance(kind, Tokens), "encode gives tokens"
    return kind.size.limit


def _sampling(graph: Graph) -> Sampling:
    return graph.named(_node(graph, Accept).sampling, Sampling)


def _node(graph: Graph, kind: type[N]) -> N:
    return next(each for each in graph.step.nodes if isinstance(each, kind))
