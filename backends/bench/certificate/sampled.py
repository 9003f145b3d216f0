"""A plan that samples, examined: rounds are redrawn behind a few prompts, and held against the target's laws."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from ....grammar import Diagnostic, DiagnosticError
from ....planner import CompiledPlan
from ....planner.graph import Accept, Graph, Model, Sampling
from ... import decoder
from ...decoding import Sampling as Law
from ...decoding import law
from ...models import LoadedModel, Progress
from ...runtime import LoopDecoder, Network, Program, Prompt
from ..pairing import LeftOut
from ..setting import Setting
from ..weights import WeightSets
from .certificate import Redrawn, SampledCertificate
from .redrawing import compared, distance, prefix_of, redraw
from .remembering import RememberingNetwork, Text


@dataclass(frozen=True, slots=True)
class SampledExamination:
    """A plan that samples, its models behind what remembers them, and the prompts that prefixes are made of."""

    setting: Setting
    graph: Graph
    program: Program
    networks: dict[str, RememberingNetwork]
    target: LoadedModel
    notes: tuple[Diagnostic, ...]
    prompts: tuple[Prompt, ...]
    redraws: int

    def certificate(self, progress: Progress) -> SampledCertificate:
        """Redraw, and hold the draws against the target's laws."""
        progress.stage("measuring redraws", len(self.prompts) * self.redraws)
        found = [self._prefix(number, prompt, progress) for number, prompt in enumerate(self.prompts)]
        return SampledCertificate(
            self.setting,
            str(self.graph.law),
            approximate=bool(self.graph.law.approximate),
            redraws=self.redraws,
            prefixes=tuple(each for each in found if isinstance(each, Redrawn)),
            left_out=tuple(each for each in found if isinstance(each, LeftOut)),
        )

    def _prefix(self, number: int, prompt: Prompt, progress: Progress) -> Redrawn | LeftOut:
        drawn: Counter[tuple[int, ...]] = Counter()
        scores, passes = self.networks[self.graph.target.name].scores, self._passes
        networks, longest = [*self.networks.values()], self.setting.max_new_tokens

        def likeliest(text: Text) -> float:
            return float(law(scores.behind([text])[0], self._law).max())

        try:
            with prefix_of(self.program, networks, prompt, likeliest, longest) as prefix:
                # No two redraws of a certificate have the same draws.
                for key in range(number * self.redraws, (number + 1) * self.redraws):
                    drawn[redraw(self.program, prefix, key)] += 1
                    progress.step(f"behind {prompt.id}")
        except DiagnosticError as error:
            return LeftOut(prompt.id, self.setting.plan, error.diagnostics)
        places = compared(drawn, prefix.text, scores, self._law)
        return Redrawn(
            prompt.id,
            prompt_tokens=len(prefix.text) - prefix.said,
            said=prefix.said,
            places=tuple(places),
            distance=distance([each.text for each in places], scores, self.target, self._law),
            passes=self._passes - passes,
        )

    @property
    def _law(self) -> Law:
        declared = _sampling(self.graph)
        return Law(declared.temperature, declared.top_k, declared.top_p, declared.min_p)

    @property
    def _passes(self) -> int:
        return sum(each.scores.passes for each in self.networks.values())


def examination_of(
    plan: CompiledPlan, setting: Setting, prompts: Sequence[Prompt], redraws: int, sets: WeightSets
) -> SampledExamination:
    """The examination of a plan that samples. Raises `DiagnosticError` as `decoder` does."""
    networks: dict[str, RememberingNetwork] = {}

    def remembering(model: Model, network: Network) -> Network:
        networks[model.name] = RememberingNetwork(network)
        return networks[model.name]

    ours: LoopDecoder = decoder(plan, load=lambda model: sets.ours(model, plan), around=remembering)
    return SampledExamination(
        setting,
        plan.graph,
        ours.program,
        networks,
        target=sets.untouched(plan.graph.target, plan),
        notes=ours.notes,
        prompts=tuple(prompts),
        redraws=redraws,
    )


def _sampling(graph: Graph) -> Sampling:
    return next(graph.named(each.sampling, Sampling) for each in graph.step.nodes if isinstance(each, Accept))
