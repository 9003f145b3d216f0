"""Contenders whose answers and times are written down, and tiny models in folders, for those that are real."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from specplan.backends.bench import Answer, Case, Setting
from specplan.backends.bench.cases import groups
from specplan.backends.runtime import Prompt, Stats
from specplan.grammar import Diagnostic


class Unwilling(Diagnostic):
    title = "prompt `{id}` is not answered"
    code = "SP9998"
    id: str | int


@dataclass
class Scripted:
    """Says `tokens` (or what `says` has for a prompt) in so many seconds a prompt, each time the next of them."""

    name: str
    seconds: Sequence[float] = (1.0,)
    tokens: int = 10
    says: dict[object, tuple[int, ...]] = field(default_factory=dict)
    kept: tuple[int, ...] = ()
    refuses: frozenset[object] = frozenset()
    asked: list[tuple[object, ...]] = field(default_factory=list)

    def answer(self, prompts: Sequence[Prompt]) -> Answer:
        ids = [each.id for each in prompts]
        seconds = self.seconds[len(self.asked) % len(self.seconds)]
        self.asked.append(tuple(ids))
        willing = [each for each in ids if each not in self.refuses]
        return Answer(
            seconds=seconds * len(prompts),
            tokens={each: self.says.get(each, tuple(range(self.tokens))) for each in willing},
            stats=tuple(self._stats() for _ in willing) if self.kept else (),
            decode_s=0.8 * seconds if self.kept else None,
            passes_s=0.6 * seconds if self.kept else None,
            refused={each: (Unwilling(None, each),) for each in ids if each in self.refuses},
        )

    def _stats(self) -> Stats:
        steps, accepted = sum(self.kept), sum(depth * count for depth, count in enumerate(self.kept))
        return Stats(self.tokens, steps, 4 * steps, accepted, self.kept, 0.1, 0.8)


@pytest.fixture
def scripted() -> type[Scripted]:
    return Scripted


@pytest.fixture
def cases() -> tuple[Case, ...]:
    kinds = ("code", "code", "list", "list")
    return tuple(Case(Prompt(f"{kind}-{number}", kind), kind) for number, kind in enumerate(kinds, 1))


@pytest.fixture
def alone(cases: tuple[Case, ...]) -> object:
    """The cases in groups of one."""
    return groups(cases, 1)


@pytest.fixture
def setting() -> Setting:
    return Setting(
        plan="ngram",
        engine="eager",
        device="cpu",
        hardware="abacus",
        threads=2,
        target="tiny",
        dtype="float32",
        greedy=True,
        batch=1,
        max_new_tokens=10,
        repeats=1,
        warmup=0,
        versions={"python": "3", "torch": "2"},
        command="specplan bench ngram.yaml",
    )


PLAN = """\
specplan: 1
models:
  target: {{source: ./target, dtype: float32}}
{models}prompt: {{template: none}}
decode: {decode}
limits: {{max_new_tokens: {new}, context: 96, batch: {batch}}}
"""
PLAIN, KIN = "autoregressive(target)", "  drafter: {source: ./drafter, dtype: float32}\n"
NGRAM = "speculate(target, draft=ngram(max_ngram=2, num_speculative_tokens=4))"
DRAFTED = "speculate(target, draft=draft_model(drafter, num_speculative_tokens=3))"


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tiny models of one vocabulary, as a checkpoint has them: `target` and `drafter`, and `gemma` with sliding windows."""
    torch = pytest.importorskip("torch")
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import (
        Gemma3ForCausalLM,
        Gemma3TextConfig,
        LlamaConfig,
        LlamaForCausalLM,
        PreTrainedTokenizerFast,
    )

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    backend = Tokenizer(models.BPE(vocab={letter: number for number, letter in enumerate(letters)}, merges=[]))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    place = tmp_path_factory.mktemp("tiny")
    windows = ["sliding_attention", "full_attention", "sliding_attention"]
    for seed, name in enumerate(("target", "drafter", "gemma")):
        torch.manual_seed(seed)
        shape = {
            "vocab_size": 257, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 1 if seed == 1 else 3,
            "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 128, "bos_token_id": None,
            "eos_token_id": 256, "pad_token_id": None, "tie_word_embeddings": False,
        }  # fmt: skip
        model = (
            Gemma3ForCausalLM(Gemma3TextConfig(**shape, head_dim=8, sliding_window=5, layer_types=windows))
            if name == "gemma"
            else LlamaForCausalLM(LlamaConfig(**shape))
        )
        for key, weight in model.named_parameters():
            if weight.ndim == 2:
                weight.data.normal_(0, 1.0 if "embed" in key or "lm_head" in key else 0.3)
        # What a checkpoint suggests is followed by nobody here, and would be by `generate`.
        model.generation_config.repetition_penalty = 1.5
        model.save_pretrained(place / name)
        PreTrainedTokenizerFast(tokenizer_object=backend, eos_token="<eos>").save_pretrained(place / name)
    return place


@pytest.fixture
def write_plan(folder: Path) -> Callable[..., Path]:
    """A plan of the tiny models in a file: `plain`, `ngram` or `drafted`."""

    def write(kind: str, *, new: int = 12, batch: int = 1, more: str = "") -> Path:
        decode = {"plain": PLAIN, "ngram": NGRAM, "drafted": DRAFTED}[kind]
        text = PLAN.format(models=KIN if kind == "drafted" else "", decode=decode, new=new, batch=batch) + more
        path = folder / f"{kind}.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return write
