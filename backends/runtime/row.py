"""One request while it runs: what it has said so far, and how each step went."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from .ending import Ending
from .events import Prompt, Result, Stats, Stepped, ThreadStats, Timing, row_key
from .pasta import Telling, critical_path
from .strands import Strands
from .translation import Translation


class Row:
    """Everything that is remembered of a request beside the values that the graph hands round."""

    def __init__(self, prompt: Prompt) -> None:
        """A request that has not started."""
        self.prompt = prompt
        self.key = row_key(prompt.id)
        self.prompt_ids: tuple[int, ...] = ()
        """The prompt in the target's tokens, where an engine has encoded it."""
        self.prompt_tokens = 0
        self.prompt_sizes: dict[str, int] = {}
        """How many tokens the prompt has for each model, by the model's name."""
        self.context: int | None = None
        """Positions that the target's cache has room for."""
        self.continues = False
        """Does the answer continue the prompt's own text?"""
        self.ending: Ending | None = None
        self.prefill_s = self.decode_s = 0.0
        self.telling: Telling | None = None
        """What becomes of what threads say; None where none can fork."""
        self.strands = Strands()
        self._most_forks: int | None = None
        self._texts: list[str] = []
        self._told = 0
        self._kept: Counter[int] = Counter()
        self._drafts = self._accepts = 0
        self._steps = self._drafted = self._accepted = 0
        self._rests = False
        self._rested = 0
        self._crossed: Translation | None = None
        self._translation: Translation | None = None
        self._translation_s = 0.0

    @property
    def said(self) -> Sequence[int]:
        """The target's tokens that were shown, of the main thread."""
        return self.strands.of(0)

    def text_ids(self, first: int, end: int) -> list[int]:
        """The target's tokens from one position to another, of the prompt and of what was said."""
        return [*self.prompt_ids, *self.said][first:end]

    def say(self, tokens: Sequence[int], text: str, drafted: int = 0, accepted: int = 0, *, thread: int = 0) -> None:
        """Show tokens of a thread to the reader: of so many drafts so many were accepted."""
        self.strands.of(thread).extend(tokens)
        self._texts.append(text)
        self._drafts += drafted
        self._accepts += accepted

    def open_fork(self, thread: int, *, waits: bool, most: int) -> None:
        """The promise that was completed last is kept by this thread; it `waits` if `most` forks run already, as many as may."""
        assert self.telling is not None, "what promises mean is told where threads fork"
        self.telling.open(thread, waits=waits)
        self._most_forks = most

    def translated(self, more: Translation) -> None:
        """Guesses or text went between vocabularies in the step that is under way."""
        self._crossed = more if self._crossed is None else self._crossed + more

    def rest(self) -> None:
        """The step that is under way is one without guesses, because those before gained too little."""
        self._rests = True

    def stepped(self, timing: Timing, *, first: bool) -> Stepped:
        """The event of the step that is over; the first row of a batch tells the timing."""
        drafted, accepted = self._drafts, self._accepts
        self._drafts = self._accepts = 0
        self._steps += 1
        self._drafted += drafted
        self._accepted += accepted
        self._kept[accepted] += 1
        self._rested += self._rests
        self._rests = False
        self.decode_s += timing.wall_s
        self._translation_s += timing.translation_s
        crossed, self._crossed = self._crossed, None
        if crossed is not None:
            self._translation = crossed if self._translation is None else self._translation + crossed
        text, self._told = "".join(self._texts[self._told :]), len(self._texts)
        tokens, threads = self.strands.step({} if self.telling is None else self.telling.news())
        told = timing if first else None
        return Stepped(self.prompt.id, text, tokens, drafted, accepted, told, crossed, threads)

    def _threads(self, telling: Telling) -> ThreadStats:
        return ThreadStats(
            forks=len(self.strands.forks),
            said=self.strands.count,
            forked=self.strands.count - len(self.said),
            critical_path=critical_path(len(self.said), self.strands.blocks(self.prompt_tokens), self._most_forks),
            spoken=telling.spoken,
            tags=telling.counts,
        )

    def result(self) -> Result:
        """What became of the request."""
        longest = max(self._kept, default=-1)
        histogram = tuple(self._kept[count] for count in range(longest + 1))
        stats = Stats(
            generated=self.strands.count,
            steps=self._steps,
            drafted=self._drafted,
            accepted=self._accepted,
            acceptance_histogram=histogram,
            prefill_s=self.prefill_s,
            decode_s=self.decode_s,
            rested=self._rested,
            translation=self._translation,
            translation_s=self._translation_s,
            threads=None if self.telling is None else self._threads(self.telling),
        )
        tokens, annotated = tuple(self.said), None
        if self.telling is not None:
            tokens = self.strands.joined(self.prompt_tokens, self.telling.opening, self.telling.end)
            annotated = self.telling.annotated
        return Result(self.prompt.id, "".join(self._texts), tokens, self.prompt_tokens, stats, annotated)
