"""The declarations of a graph while it is lowered: each name once, printed in the order in which they build on each other."""

from __future__ import annotations

from ..checked import CheckedPlan, Temper
from ..graph import (
    Declaration,
    Dynamic,
    Engine,
    Model,
    Product,
    Prompts,
    Recent,
    Ref,
    Sampling,
    Sparse,
    Static,
    Table,
    Tags,
    Vocab,
)
from ..strategy import Decoder, ModelName, Pasta, Pipeline, decoded_model

_ORDER = (Vocab, Model, Table, Prompts, Sparse, Static, Product, Dynamic, Recent, Tags, Sampling)


class Declarations:
    """Collects declarations, made from what a plan says."""

    def __init__(self, plan: CheckedPlan) -> None:
        self.plan = plan
        self._made: dict[str, Declaration] = {}
        self._vocabs: dict[str, Ref] = {}
        self._engine = Engine(name=plan.engine, device=plan.device)
        self.model(decoded_model(plan.decoder).name, _stages(plan.decoder))

    def all(self) -> tuple[Declaration, ...]:
        """Everything declared: kinds in their order, and within a kind as they came."""
        rank = {kind: index for index, kind in enumerate(_ORDER)}
        return (self._engine, *sorted(self._made.values(), key=lambda each: rank[type(each)]))

    def _add(self, declaration: Declaration) -> Ref:
        """Declare under that name, or under the next free one if the name means something else.

        The names of the plan's models are theirs, whatever a vocabulary is called.
        """
        name, count = declaration.name, 1
        while self._means_other(name, declaration):
            count += 1
            name = f"{declaration.name}.{count}"
        self._made[name] = _renamed(declaration, name)
        return Ref(name)

    def _means_other(self, name: str, declaration: Declaration) -> bool:
        if not isinstance(declaration, Model | Prompts) and name in (*self.plan.models, *self.plan.prompts):
            return True
        there = self._made.get(name)
        # Two vocabularies of one size are two all the same.
        return there is not None and (isinstance(there, Vocab) or there != _renamed(declaration, name))

    def model(self, name: str, stages: tuple[int, ...] | int | None = None) -> Ref:
        """A model of the plan and its vocabulary."""
        if name in self._made:
            return Ref(name)
        model = self.plan.models[name]
        card = model.card
        # A vocabulary is its tokenizer's; models that pad it to other sizes share it all the same.
        if card.vocabulary not in self._vocabs:
            entries = None if card.entries == card.vocab_size else card.entries
            vocab = Vocab(name=_word(card.vocabulary), size=card.vocab_size, entries=entries)
            self._vocabs[card.vocabulary] = self._add(vocab)
        return self._add(
            Model(
                name=name,
                source=model.source,
                vocab=self._vocabs[card.vocabulary],
                dtype=Ref(model.dtype),
                positions=model.positions,
                mask=model.mask,
                adapter=model.adapter,
                tags=Ref("pasta") if model.adapter is not None and model.tagged else None,
                device=model.device,
                chat_template=model.chat_template,
                stages=len(stages) if isinstance(stages, tuple) else stages,
                layers=stages if isinstance(stages, tuple) else (),
                span=model.span,
            )
        )

    def vocab(self, model: str) -> str | None:
        """The vocabulary of a model as types have it: None for the target's."""
        target = decoded_model(self.plan.decoder).name
        mine = self.plan.models[model].card.vocabulary
        return None if mine == self.plan.models[target].card.vocabulary else self._vocabs[mine]

    def table(self, name: str, method: str, drafter: str, target: str, nulls: str) -> Ref:
        """A map from one model's tokens to another's."""
        source, image = (self._vocabs[self.plan.models[model].card.vocabulary] for model in (drafter, target))
        return self._add(Table(name=name, method=Ref(method), source=source, target=image, nulls=Ref(nulls)))

    def prompts(self, name: ModelName) -> Ref:
        """Prompt tokens of the plan."""
        found = self.plan.prompts[name.name]
        card = found.card
        return self._add(
            Prompts(
                name=name.name,
                source=found.source,
                rides=Ref(found.rides),
                depth=card.depth,
                top=card.top,
                span=name.span,
            )
        )

    def sampling(self) -> Ref:
        """The target's law of sampling."""
        return self._temper(self.plan.sampling, "warm" if self.plan.sampling.temperature > 0 else "cold")

    def greedy(self) -> Ref:
        """The law of the likeliest token."""
        return self._temper(Temper(0.0, None, None, None, 0), "cold")

    def drafting(self, temperature: float) -> Ref:
        """A drafter's own law of sampling."""
        return self._temper(Temper(temperature, None, None, None, self.plan.sampling.seed), "drafting")

    def _temper(self, law: Temper, name: str) -> Ref:
        if law.temperature == 0:
            return self._add(Sampling(name=name, seed=law.seed))
        return self._add(
            Sampling(
                name=name, temperature=law.temperature, top_k=law.top_k, top_p=law.top_p, min_p=law.min_p, seed=law.seed
            )
        )

    def recent(self, max_ngram: int) -> Ref:
        """A lookup in the text so far."""
        return self._add(Recent(name="recent", max_ngram=max_ngram))

    def tags(self, pasta: Pasta) -> Ref:
        """PASTA's tags."""
        return self._add(Tags(name="pasta", max_forks=pasta.max_forks, grammar=Ref(pasta.grammar)))

    def shape(self, shape: Sparse | Static | Product | Dynamic) -> Ref:
        """The shape of a tree."""
        return self._add(shape)


def _renamed(declaration: Declaration, name: str) -> Declaration:
    values = {part: getattr(declaration, part) for part in declaration.__dataclass_fields__}
    return type(declaration)(**{**values, "name": name})


def _word(vocabulary: str) -> str:
    """A vocabulary's name as a name of the graph's text."""
    word = "".join(char if char.isalnum() and char.isascii() else "_" for char in vocabulary)
    return word if word[:1].isalpha() else f"v_{word}"


def _stages(decoder: Decoder) -> tuple[int, ...] | int | None:
    return decoder.stages if isinstance(decoder, Pipeline) else None
