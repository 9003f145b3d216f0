"""What can be wrong with a plan that is well written: parts that do not go together, or do not fit."""

from __future__ import annotations

from typing import ClassVar

from ..grammar import Diagnostic, ExampleKind, Label, Severity, Span, did_you_mean


def _plan(decode: str, *, models: str = "", rest: str = "") -> str:
    """A plan for examples; it declares the drafter that its strategy names."""
    if "drafter" in decode:
        models = f"  drafter: {{source: smollm2-135m-instruct}}\n{models}"
    target = "  target: {source: qwen2.5-coder-1.5b-instruct}\n"
    return f"specplan: 1\nmodels:\n{target}{models}decode: {decode}\n{rest}"


_RIGHT = _plan("speculate(target, draft=draft_model(drafter, num_speculative_tokens=5, vocab=slem))")
_PARD = "  pard: {source: pard-qwen2.5-0.5b}\n"
_PASTA = "specplan: 1\nmodels:\n  target: {source: smollm2-135m-pasta}\ndecode: "


class PlanDiagnostic(Diagnostic):
    """Common to mistakes in what a plan means."""

    example: ClassVar[ExampleKind] = "yaml-plan"
    right: ClassVar[str] = _RIGHT


class OtherVocabulary(PlanDiagnostic):
    """A drafter that writes other tokens than the target, and nothing to translate them."""

    drafter: str
    target: str
    drafter_vocabulary: str
    target_vocabulary: str
    code: ClassVar[str] = "SP0450"
    title: ClassVar[str] = (
        "`{drafter}` writes the tokens of {drafter_vocabulary}, and `{target}` reads those of {target_vocabulary}"
    )
    label: ClassVar[str] = "another vocabulary than the target's"
    rule: ClassVar[str] = "A draft has to be in the target's vocabulary, or be brought there by `vocab=`."
    wrong: ClassVar[str] = _plan("speculate(target, draft=draft_model(drafter, num_speculative_tokens=5, vocab=same))")

    def help(self) -> tuple[str, ...]:
        """The rules that translate."""
        return ("say `vocab=auto`, or choose: `vocab=slem`, `vocab=tli` or `vocab=slrs`",)


class NeedlessBridge(PlanDiagnostic):
    """Two models with one vocabulary, and a rule for two."""

    rule_name: str
    vocabulary: str
    code: ClassVar[str] = "SP0451"
    severity: ClassVar[Severity] = Severity.WARNING
    title: ClassVar[str] = "both models have the vocabulary {vocabulary}, so `vocab={rule_name}` is not needed"
    label: ClassVar[str] = "taken as `vocab=same`"
    rule: ClassVar[str] = "Where the vocabularies are one, guesses need no translation, and keep their whole law."
    wrong: ClassVar[str] = _plan(
        "speculate(target, draft=pard(pard, num_speculative_tokens=5, vocab=tli))", models=_PARD
    )
    right: ClassVar[str] = _plan("speculate(target, draft=pard(pard, num_speculative_tokens=5))", models=_PARD)


class NoMask(PlanDiagnostic):
    """Parallel drafting with a model that has no mask token."""

    model: str
    code: ClassVar[str] = "SP0452"
    title: ClassVar[str] = "parallel drafting needs a mask token, and `{model}` has none"
    label: ClassVar[str] = "PARD appends one mask token per further guess"
    rule: ClassVar[str] = (
        "PARD guesses at mask tokens that its model was trained on; their id is on the model's card or in `mask:`."
    )
    wrong: ClassVar[str] = _plan("speculate(target, draft=pard(drafter, num_speculative_tokens=8, vocab=tli))")
    right: ClassVar[str] = _plan("speculate(target, draft=pard(pard, num_speculative_tokens=8))", models=_PARD)

    def help(self) -> tuple[str, ...]:
        """Where a mask comes from."""
        return (
            "use a PARD checkpoint such as `pard-qwen2.5-0.5b`",
            f"or set `mask:` of `{self.model}`, if it was trained with one",
        )


class MaskOutside(PlanDiagnostic):
    """A mask token that the model's embedding does not have."""

    mask: int
    size: int
    code: ClassVar[str] = "SP0453"
    title: ClassVar[str] = "the mask token {mask} is beyond the model's {size} rows of embeddings"
    label: ClassVar[str] = "ids are below {size}"
    rule: ClassVar[str] = (
        "A token id is a row of the model's embedding matrix; a mask may be a padded row, but it has to be a row."
    )
    wrong: ClassVar[str] = _plan("autoregressive(target)", models="  pard: {source: pard-qwen2.5-0.5b, mask: 999999}\n")
    right: ClassVar[str] = _plan("autoregressive(target)", models="  pard: {source: pard-qwen2.5-0.5b, mask: 151665}\n")


class WrongKind(PlanDiagnostic):
    """Prompts where a model is wanted, or the other way round."""

    name: str
    found: str
    wanted: str
    code: ClassVar[str] = "SP0454"
    title: ClassVar[str] = "`{name}` is {found}, and this place takes {wanted}"
    label: ClassVar[str] = "{found}"
    rule: ClassVar[str] = "Models decode and draft; prompt tokens ride a model and are used by `ppd` alone."
    wrong: ClassVar[str] = _plan("speculate(target, draft=ppd(drafter))")
    right: ClassVar[str] = _plan(
        "speculate(target, draft=ppd(prompts))", models="  prompts: {source: ppd-qwen2.5-coder-1.5b, rides: target}\n"
    )


class RidesOther(PlanDiagnostic):
    """Prompts of another model than the one that decodes."""

    prompts: str
    trained_for: str
    model: str
    code: ClassVar[str] = "SP0455"
    title: ClassVar[str] = "`{prompts}` was trained for {trained_for}, not for `{model}`"
    label: ClassVar[str] = "rides another model"
    rule: ClassVar[str] = (
        "Prompt tokens are embeddings of the one model they were trained with; its card's fingerprint has to match."
    )
    wrong: ClassVar[str] = _plan(
        "speculate(target, draft=ppd(prompts))", models="  prompts: {source: ppd-smollm2-135m, rides: target}\n"
    )
    right: ClassVar[str] = WrongKind.right


class RidesNobody(PlanDiagnostic):
    """`rides:` is missing, needless, or names no model."""

    problem: str
    known: tuple[str, ...]
    found: str
    code: ClassVar[str] = "SP0456"
    title: ClassVar[str] = "{problem}"
    rule: ClassVar[str] = "What rides a model says which one of the plan's models; models themselves ride nothing."
    wrong: ClassVar[str] = _plan(
        "speculate(target, draft=ppd(prompts))", models="  prompts: {source: ppd-qwen2.5-coder-1.5b}\n"
    )
    right: ClassVar[str] = WrongKind.right

    def help(self) -> tuple[str, ...]:
        """The models there are."""
        return did_you_mean(self.found, self.known) or (f"the models are {', '.join(self.known)}",)


class WrongTree(PlanDiagnostic):
    """A tree that the draft cannot make."""

    draft: str
    tree: str
    known: str
    code: ClassVar[str] = "SP0457"
    title: ClassVar[str] = "`{draft}` makes no {tree} tree"
    label: ClassVar[str] = "{known}"
    rule: ClassVar[str] = (
        "A model drafts chains, static and dynamic trees; PARD chains and product trees; PPD sparse ones. "
        "A decoder that drafts emits a line, so its tree is a chain."
    )
    wrong: ClassVar[str] = _plan(
        "speculate(target, draft=pard(pard, num_speculative_tokens=3, tree=static([2, 2, 1])))", models=_PARD
    )
    right: ClassVar[str] = NoMask.right


class OtherDepth(PlanDiagnostic):
    """A tree with more or fewer layers than guesses were asked for."""

    tokens: int
    layers: int
    code: ClassVar[str] = "SP0458"
    title: ClassVar[str] = "`num_speculative_tokens` is {tokens}, and the tree has {layers} layers"
    label: ClassVar[str] = "{layers} layers"
    rule: ClassVar[str] = "The layers of a tree are the tokens guessed ahead, so both numbers are the same."
    wrong: ClassVar[str] = _plan(
        "speculate(target, draft=draft_model(drafter, num_speculative_tokens=5, tree=static([4, 2]), vocab=slem))"
    )

    def help(self) -> tuple[str, ...]:
        """The number that fits."""
        return (f"say `num_speculative_tokens={self.layers}`",)


class NoLaw(PlanDiagnostic):
    """Rejection of guesses whose law is not known."""

    reason: str
    code: ClassVar[str] = "SP0459"
    title: ClassVar[str] = "rejection needs the law that guesses were drawn from, and {reason}"
    label: ClassVar[str] = "nothing to test against"
    rule: ClassVar[str] = (
        "Rejection compares two laws. SLEM re-encodes text and typical acceptance follows no law, so behind them only "
        "exact match keeps the output exact."
    )
    wrong: ClassVar[str] = _plan(
        "speculate(target, draft=draft_model(drafter, num_speculative_tokens=5, vocab=slem), accept=rejection)"
    )

    def help(self) -> tuple[str, ...]:
        """The rule that needs none."""
        return ("say `accept=exact_match`",)


class DoesNotNest(PlanDiagnostic):
    """A decoder in a place where it cannot be."""

    inner: str
    outer: str
    why: str
    code: ClassVar[str] = "SP0460"
    title: ClassVar[str] = "{inner} cannot stand inside {outer}: {why}"
    label: ClassVar[str] = "not here"
    rule: ClassVar[str] = (
        "From outside in, a plan is at most one pipeline, one fork_join, one decoder; drafts hold plain or speculating "
        "decoders. Pipelines and forks do not nest, and do not draft."
    )
    wrong: ClassVar[str] = _plan(
        "speculate(target, draft=draft_model(pipeline(autoregressive(drafter), stages=2), num_speculative_tokens=4))"
    )


class NoTags(PlanDiagnostic):
    """Forks on a model that writes no tags."""

    model: str
    code: ClassVar[str] = "SP0461"
    title: ClassVar[str] = "`{model}` does not write PASTA's tags, so nothing would ever fork"
    label: ClassVar[str] = "a model without tags"
    rule: ClassVar[str] = (
        "fork_join decodes the promises that its model was trained to write; the model or its card says `tags: pasta`."
    )
    wrong: ClassVar[str] = _plan("fork_join(pasta(max_forks=8), autoregressive(target))")
    right: ClassVar[str] = _PASTA + "fork_join(pasta(max_forks=8), autoregressive(target))\n"

    def help(self) -> tuple[str, ...]:
        """How a model comes by tags."""
        return (f"set `tags: pasta` of `{self.model}` if it was trained for them, or put an `adapter` on it that was",)


class NotYet(PlanDiagnostic):
    """Something that is well said, and that specplan has no graph for."""

    what: str
    way: str
    code: ClassVar[str] = "SP0462"
    title: ClassVar[str] = "{what}"
    label: ClassVar[str] = "not supported"
    rule: ClassVar[str] = "Every composition either has an exact meaning as a graph, or is refused with the reason."
    wrong: ClassVar[str] = _plan(
        "pipeline(speculate(target, draft=draft_model(drafter, num_speculative_tokens=2, tree=dynamic(depth=2), "
        "vocab=slem)), stages=2)"
    )

    def help(self) -> tuple[str, ...]:
        """What can be written instead."""
        return (self.way,) if self.way else ()


class ContextTooLong(PlanDiagnostic):
    """More context than a model has positions."""

    context: int
    deepest: int
    model: str
    positions: int
    code: ClassVar[str] = "SP0463"
    title: ClassVar[str] = (
        "a context of {context} and guesses {deepest} deep need more positions than the {positions} of `{model}`"
    )
    label: ClassVar[str] = "`{model}` ends at {positions}"
    rule: ClassVar[str] = "Prompt, answer and the guesses behind it stand at positions that the model was made for."
    wrong: ClassVar[str] = _plan("autoregressive(target)", rest="limits: {context: 40000}\n")
    right: ClassVar[str] = _plan("autoregressive(target)", rest="limits: {context: 32768}\n")

    def message(self) -> str:
        """Without guesses, the context alone."""
        said = super().message()
        return said if self.deepest else said.replace(" and guesses 0 deep need", " needs")

    def help(self) -> tuple[str, ...]:
        """The longest context that fits."""
        return (f"say `context: {max(2, self.positions - self.deepest)}` under `limits`",)


class NoRoomForPrompt(PlanDiagnostic):
    """An answer that fills the whole context."""

    context: int
    new: int
    code: ClassVar[str] = "SP0464"
    title: ClassVar[str] = "an answer of {new} tokens leaves no room for a prompt in a context of {context}"
    label: ClassVar[str] = "prompt and answer share the context"
    rule: ClassVar[str] = "The longest prompt is the context less the longest answer, and it is at least one token."
    wrong: ClassVar[str] = _plan("autoregressive(target)", rest="limits: {max_new_tokens: 2048, context: 2048}\n")
    right: ClassVar[str] = _plan("autoregressive(target)", rest="limits: {max_new_tokens: 256, context: 2048}\n")


class TooMuchMemory(PlanDiagnostic):
    """More memory than there is."""

    what: str
    needed: str
    available: str
    where: str
    parts: tuple[str, ...]
    code: ClassVar[str] = "SP0465"
    title: ClassVar[str] = "{what} needs {needed} of memory, and {where} {available}"
    label: ClassVar[str] = "does not fit"
    rule: ClassVar[str] = (
        "Weights and caches of all models are set aside before anything runs, so their sum has to fit."
    )
    wrong: ClassVar[str] = _plan("autoregressive(target)", rest="limits: {memory: 1GiB}\n")
    right: ClassVar[str] = _plan("autoregressive(target)", rest="limits: {memory: 8GiB}\n")

    def help(self) -> tuple[str, ...]:
        """What takes how much."""
        return (*self.parts, "shorten `context`, lower `batch`, or choose a smaller `dtype`")


class WrongStages(PlanDiagnostic):
    """Stages that the model's layers do not make."""

    problem: str
    code: ClassVar[str] = "SP0466"
    title: ClassVar[str] = "{problem}"
    label: ClassVar[str] = "stages and layers"
    rule: ClassVar[str] = (
        "Stages share all of the target's layers, each at least one; a dynamic tree is at least as deep as there are stages."
    )
    wrong: ClassVar[str] = _plan("pipeline(autoregressive(target), stages=[10, 10])")
    right: ClassVar[str] = _plan("pipeline(autoregressive(target), stages=[14, 14])")


class WrongRanks(PlanDiagnostic):
    """Another number of processes than the pipeline has ranks."""

    ranks: int
    needed: int
    code: ClassVar[str] = "SP0467"
    title: ClassVar[str] = "`ranks` is {ranks}, and this plan runs on {needed}"
    label: ClassVar[str] = "as many processes as ranks"
    rule: ClassVar[str] = "Every stage is a rank, and drafters share one more; a plan without a pipeline is one rank."
    wrong: ClassVar[str] = _plan("pipeline(autoregressive(target), stages=2)", rest="backend: {ranks: 3}\n")
    right: ClassVar[str] = _plan("pipeline(autoregressive(target), stages=2)", rest="backend: {ranks: 2}\n")


class TokenOutside(PlanDiagnostic):
    """A stop token that the vocabulary does not have."""

    token: int
    size: int
    code: ClassVar[str] = "SP0468"
    title: ClassVar[str] = "the target has no token {token}"
    label: ClassVar[str] = "ids are below {size}"
    rule: ClassVar[str] = "Token ids are rows of the target's vocabulary."
    wrong: ClassVar[str] = _plan("autoregressive(target)", rest="stop: {token_ids: [999999]}\n")
    right: ClassVar[str] = _plan("autoregressive(target)", rest="stop: {token_ids: [151645]}\n")


class Unused(PlanDiagnostic):
    """A model that no strategy names."""

    name: str
    code: ClassVar[str] = "SP0469"
    severity: ClassVar[Severity] = Severity.WARNING
    title: ClassVar[str] = "`{name}` is declared and never used"
    label: ClassVar[str] = "not in `decode`"
    rule: ClassVar[str] = (
        "Every model of a plan should be in its strategy; one that is not is loaded for nothing, or misspelt there."
    )
    wrong: ClassVar[str] = _plan("autoregressive(target)", models="  other: {source: smollm2-135m-instruct}\n")


class LargeDrafter(PlanDiagnostic):
    """A drafter that costs as much as its target."""

    drafter: str
    target: str
    code: ClassVar[str] = "SP0470"
    severity: ClassVar[Severity] = Severity.WARNING
    title: ClassVar[str] = "`{drafter}` is no smaller than `{target}`, so drafting costs more than it can give"
    label: ClassVar[str] = "a large drafter"
    rule: ClassVar[str] = (
        "A pass of the drafter has to be cheaper than one of the target, or speculation is slower than none."
    )
    wrong: ClassVar[str] = (
        "specplan: 1\nmodels:\n  target: {source: smollm2-135m-instruct}\n  drafter: {source: qwen2.5-coder-1.5b-instruct}\n"
        "decode: speculate(target, draft=draft_model(drafter, num_speculative_tokens=2))\n"
    )


class AutoVocabDecided(PlanDiagnostic):
    """How `vocab=auto` was decided."""

    chosen: str
    reason: str
    code: ClassVar[str] = "SP0471"
    severity: ClassVar[Severity] = Severity.NOTE
    title: ClassVar[str] = "`vocab=auto` is {chosen}: {reason}"
    label: ClassVar[str] = "decided here"
    rule: ClassVar[str] = (
        "One vocabulary needs no rule. Else greedy decoding re-encodes text (slem) unless nearly all of the target's tokens "
        "are shared (tli); sampling intersects (tli) if the pair's counts are not known to be poor, else it pushes "
        "forward (slrs)."
    )
    wrong: ClassVar[str] = _plan("speculate(target, draft=draft_model(drafter, num_speculative_tokens=5))")


class WrongSampling(PlanDiagnostic):
    """Settings of sampling that say nothing, or contradict each other."""

    problem: str
    code: ClassVar[str] = "SP0472"
    severity: ClassVar[Severity] = Severity.WARNING
    title: ClassVar[str] = "{problem}"
    label: ClassVar[str] = "has no effect"
    rule: ClassVar[str] = "At temperature 0 the likeliest token is taken, whatever the other settings of sampling say."
    wrong: ClassVar[str] = _plan("autoregressive(target)", rest="sampling: {top_p: 0.9}\n")
    right: ClassVar[str] = _plan("autoregressive(target)", rest="sampling: {temperature: 0.7, top_p: 0.9}\n")


class NoSilentChoice(PlanDiagnostic):
    """A choice without the alternative of not speculating."""

    code: ClassVar[str] = "SP0473"
    title: ClassVar[str] = "a choice has to offer `none`"
    label: ClassVar[str] = "every alternative speculates"
    rule: ClassVar[str] = (
        "Speculation may be slower than none; the cost model can only say so if `none` is one of its choices."
    )
    wrong: ClassVar[str] = _plan("speculate(target, draft=choose(ngram(), ngram(num_speculative_tokens=2)))")
    right: ClassVar[str] = _plan("speculate(target, draft=choose(ngram(), none))")

    def help(self) -> tuple[str, ...]:
        """The alternative that is missing."""
        return ("say so: add `none` to the choice",)


class TooManyPasses(PlanDiagnostic):
    """An exact law that would take more passes than anybody waits for."""

    lookahead: int
    vocabulary: int
    code: ClassVar[str] = "SP0474"
    title: ClassVar[str] = (
        "the exact law of one token from {lookahead} draft tokens sums over {vocabulary}^{lookahead} texts"
    )
    label: ClassVar[str] = "only small vocabularies look ahead"
    rule: ClassVar[str] = (
        "The one-token form sums over every text of so many draft tokens, so with a vocabulary of more than 64 tokens "
        "it looks one draft token ahead."
    )
    wrong: ClassVar[str] = _plan(
        "speculate(target, draft=draft_model(drafter, num_speculative_tokens=3, vocab=slrs(form=one_token)))",
        rest="sampling: {temperature: 1}\n",
    )
    right: ClassVar[str] = _plan(
        "speculate(target, draft=draft_model(drafter, num_speculative_tokens=1, vocab=slrs(form=one_token)))",
        rest="sampling: {temperature: 1}\n",
    )

    def help(self) -> tuple[str, ...]:
        """What can be written instead."""
        return ("say `num_speculative_tokens=1`, or `vocab=slrs(form=chain)`",)


class WrittenTree(PlanDiagnostic):
    """A tree whose written paths are not one, or that is too large."""

    problem: str
    code: ClassVar[str] = "SP0475"
    title: ClassVar[str] = "this tree {problem}"
    label: ClassVar[str] = "as it is written"
    rule: ClassVar[str] = (
        "A tree is written as rank paths; with each path come all its beginnings, and none is deeper than there are prompts. "
        "No tree has more than 1024 nodes."
    )
    wrong: ClassVar[str] = _plan(
        "speculate(target, draft=ppd(prompts, tree=[[0], [1, 0]]))",
        models="  prompts: {source: ppd-qwen2.5-coder-1.5b, rides: target}\n",
    )
    right: ClassVar[str] = _plan(
        "speculate(target, draft=ppd(prompts, tree=[[0], [0, 0]]))",
        models="  prompts: {source: ppd-qwen2.5-coder-1.5b, rides: target}\n",
    )


class NoAccuracies(PlanDiagnostic):
    """A tree to be built from accuracies that nobody measured."""

    prompts: str
    code: ClassVar[str] = "SP0476"
    title: ClassVar[str] = "no rank accuracies are known of `{prompts}`, so no tree can be built for it"
    label: ClassVar[str] = "built from how often each ranked guess is right"
    rule: ClassVar[str] = (
        "sparse(max_nodes) builds trees from rank accuracies on the prompts' card; a tree can also be written out."
    )
    wrong: ClassVar[str] = "draft=ppd(prompts), prompts on a card without `accuracies`"
    right: ClassVar[str] = "draft=ppd(prompts, tree=[[0], [1], [0, 0]])"
    example: ClassVar[ExampleKind] = "none"


class SystemUnsaid(PlanDiagnostic):
    """A system message where no template takes it."""

    code: ClassVar[str] = "SP0477"
    title: ClassVar[str] = "`template: none` gives the prompt as it is, so there is no place for `system`"
    label: ClassVar[str] = "never said"
    rule: ClassVar[str] = "A system message is a turn of the chat template; a raw prompt has no turns."
    wrong: ClassVar[str] = _plan("autoregressive(target)", rest="prompt: {template: none, system: Be brief.}\n")
    right: ClassVar[str] = _plan("autoregressive(target)", rest="prompt: {template: chat, system: Be brief.}\n")


class TokensOverrideModel(PlanDiagnostic):
    """A sequence of settings that a model's card denies."""

    name: str
    problem: str
    other: Span | None
    code: ClassVar[str] = "SP0478"
    title: ClassVar[str] = "`{name}`: {problem}"
    label: ClassVar[str] = "against the model's card"
    rule: ClassVar[str] = (
        "A plan may add what a card does not say; it cannot make a model longer than it is, or prompts a chat model."
    )
    wrong: ClassVar[str] = _plan(
        "autoregressive(target)", models="  big: {source: smollm2-135m-instruct, context: 99999}\n"
    )
    right: ClassVar[str] = _plan(
        "autoregressive(target)", models="  big: {source: smollm2-135m-instruct, context: 4096}\n"
    )

    def related(self) -> tuple[Label, ...]:
        """The model's source."""
        return () if self.other is None else (Label(self.other, "this model"),)


class NoChatTemplate(PlanDiagnostic):
    """A chat turn for a model that has no chat template."""

    name: str
    source: str
    code: ClassVar[str] = "SP0479"
    title: ClassVar[str] = "`{name}` ({source}) has no chat template, and the prompt is a turn of a chat"
    label: ClassVar[str] = "no chat template"
    rule: ClassVar[str] = (
        "A prompt is one user turn in the model's chat template, unless the plan says that it is raw text."
    )
    wrong: ClassVar[str] = "specplan: 1\nmodels:\n  target: {source: gemma-3-270m}\ndecode: autoregressive(target)\n"
    right: ClassVar[str] = wrong + "prompt: {template: none}\n"

    def help(self) -> tuple[str, ...]:
        """Two ways out."""
        return ("say `prompt: {template: none}`", f"or give `{self.name}` a `chat_template`")


class NoEffect(PlanDiagnostic):
    """Something that is well said, and changes nothing."""

    what: str
    way: str
    code: ClassVar[str] = "SP0480"
    severity: ClassVar[Severity] = Severity.WARNING
    title: ClassVar[str] = "{what}"
    label: ClassVar[str] = "has no effect"
    rule: ClassVar[str] = (
        "A guard withdraws speculation, a merge joins drafts, and a calibration tells what two vocabularies share: where "
        "nothing speculates, one draft stands alone, or no model has these vocabularies, the graph is made without them."
    )
    wrong: ClassVar[str] = _plan("autoregressive(target)", rest="guard: {window: 8}\n")
    right: ClassVar[str] = _plan("speculate(target, draft=ngram())", rest="guard: {window: 8}\n")

    def help(self) -> tuple[str, ...]:
        """What can be written instead."""
        return (self.way,)


class OtherDtype(PlanDiagnostic):
    """Prompt tokens that were trained beside weights of another type."""

    name: str
    dtype: str
    model: str
    model_dtype: str
    code: ClassVar[str] = "SP0481"
    severity: ClassVar[Severity] = Severity.WARNING
    title: ClassVar[str] = "`{name}` was trained in {dtype}, and `{model}`, which it rides, is in {model_dtype}"
    label: ClassVar[str] = "another type than that of `{model}`"
    rule: ClassVar[str] = (
        "Prompt tokens are read by the model that they ride, in its type; trained beside weights of another type they guess "
        "worse, and the output stays as it is."
    )
    wrong: ClassVar[str] = _plan(
        "speculate(target, draft=ppd(prompts))",
        models="  prompts: {source: ppd-qwen2.5-coder-1.5b, rides: target, dtype: float16}\n",
    )
    right: ClassVar[str] = WrongKind.right


class SlowerForIt(PlanDiagnostic):
    """A drafter of another vocabulary that is expected to cost more than it gives."""

    drafter: str
    target: str
    speedup: float
    acceptance: float
    share: float | None
    break_even: float | None
    code: ClassVar[str] = "SP0482"
    severity: ClassVar[Severity] = Severity.WARNING
    title: ClassVar[str] = (
        "with `{drafter}` this is expected to be slower than `{target}` alone: {speedup:.2f} times as fast"
    )
    label: ClassVar[str] = "no speculation would be faster"
    rule: ClassVar[str] = (
        "A drafter of another vocabulary has to guess well and be much smaller than its target. Costs come from cards and the "
        "device's profile; a guess is taken to be right with 0.7 where the target's token is one that the drafter has, and "
        "never elsewhere. Neither was measured on this plan: `bench` does that."
    )
    wrong: ClassVar[str] = (
        "specplan: 1\nmodels:\n  target: {source: gemma-3-270m}\n  drafter: {source: smollm2-135m-instruct}\n"
        "decode: speculate(target, draft=draft_model(drafter, num_speculative_tokens=5, vocab=slem))\n"
        "prompt: {template: none}\n"
    )

    def help(self) -> tuple[str, ...]:
        """What was assumed, and what else can be written."""
        where = (
            "" if self.share is None else f" in the {self.share:.0%} of `{self.target}`'s text that is in shared tokens"
        )
        assumed = f"a guess is taken to be right with {self.acceptance:g}{where}"
        even = "even if all were right, it would be slower"
        pays = even if self.break_even is None else f"it would pay from {self.break_even:.2f} on"
        return (
            f"{assumed}; {pays}",
            "draft with `ngram()` or a smaller model, or let the cost model decide: `choose(..., none)`",
        )


class SharesNothing(PlanDiagnostic):
    """A draft within the common tokens of two vocabularies that have none."""

    drafter: str
    drafter_vocabulary: str
    target_vocabulary: str
    code: ClassVar[str] = "SP0483"
    title: ClassVar[str] = (
        "{drafter_vocabulary} and {target_vocabulary} have no token in common, so `vocab=tli` leaves no guess"
    )
    label: ClassVar[str] = "`{drafter}` could say nothing"
    rule: ClassVar[str] = (
        "`vocab=tli` drafts within the tokens that both vocabularies spell in the same bytes, as they were counted for the "
        "pair. Text can be carried over whatever the tokens are."
    )
    wrong: ClassVar[str] = "vocab=tli, and a file of the pair that says `shared: 0`"
    right: ClassVar[str] = "vocab=slem"
    example: ClassVar[ExampleKind] = "none"

    def help(self) -> tuple[str, ...]:
        """The rule that needs no common token."""
        return ("say `vocab=slem`, which needs nothing in common but bytes",)


class NoTokenizer(PlanDiagnostic):
    """A draft in other words, of a model whose folder has no tokenizer that could say what they are."""

    name: str
    source: str
    code: ClassVar[str] = "SP0484"
    title: ClassVar[str] = "`{source}` has no tokenizer with tokens in it, so nobody knows what they say"
    label: ClassVar[str] = "`{name}` has another vocabulary than its partner, or so it seems"
    rule: ClassVar[str] = (
        "Between two vocabularies guesses are carried over by the bytes of their tokens, which the tokenizer of each model "
        "says. Models share a vocabulary if their tokenizers' files are equal, which cannot be told without them either."
    )
    wrong: ClassVar[str] = "a folder with weights and config.json alone as a drafter"
    right: ClassVar[str] = "the same folder with the model's tokenizer.json"
    example: ClassVar[ExampleKind] = "none"

    def help(self) -> tuple[str, ...]:
        """The file that is missing."""
        return (f"put the model's whole `tokenizer.json` (or `tokenizer.model`) into `{self.source}`",)


class NoEndToken(PlanDiagnostic):
    """A model between two vocabularies that has no word for the end of a text."""

    name: str
    code: ClassVar[str] = "SP0485"
    severity: ClassVar[Severity] = Severity.WARNING
    title: ClassVar[str] = "`{name}` names no end token"
    label: ClassVar[str] = "an end is never guessed, or never said"
    rule: ClassVar[str] = (
        "Each model ends a text with a token of its own, named in its card, its GGUF file or the `eos_token_id` of its "
        "config.json. A target without one writes on up to `max_new_tokens`; a drafter without one guesses on behind the end, "
        "in vain. A tokenizer that names an end token when it is loaded mends both."
    )
    wrong: ClassVar[str] = "a config.json without `eos_token_id`"
    right: ClassVar[str] = '`"eos_token_id": 2` in the same file'
    example: ClassVar[ExampleKind] = "none"

    def help(self) -> tuple[str, ...]:
        """Where an end token is named."""
        return (f"name it in the config.json or the card of `{self.name}`: `eos_token_id`, or `eos` in a card",)
