"""One request while it runs: what it has said so far, and how each step went."""

from __future__ import annotations

from collections import Counter

from .ending import Ending
from .events import Prompt, Result, Stats, Stepped, Timing, row_key
from .values import Path


class Row:
    """Everything that is remembered of a request beside the values that the graph hands round."""

    def __init__(self, prompt: Prompt) -> None:
        """A request that has not started."""
        self.prompt = prompt
        self.key = row_key(prompt.id)
        self.prompt_tokens = 0
        self.context: int | None = None
        """Positions that the target's cache has room for."""
        self.continues = False
        """Does the answer continue the prompt's own text?"""
        self.ending: Ending | None = None
        self.seconds: dict[str, float] = {}
        """Seconds per kind of node since the last step was told."""
        self.passes_s = 0.0
        """Of them in the models' passes."""
        self.prefill_s = self.decode_s = 0.0
        self._said: list[Path] = []
        self._tokens: list[int] = []
        self._texts: list[str] = []
        self._kept: Counter[int] = Counter()
        self._steps = self._drafted = self._accepted = 0

    def emit(self, path: Path, text: str) -> None:
        """Show a path to the reader."""
        self._said.append(path)
        self._tokens += path.tokens
        self._texts.append(text)

    def stepped(self, seconds: float) -> Stepped:
        """The event of the step that is over."""
        said, self._said = self._said, []
        drafted, accepted = sum(path.drafted for path in said), sum(path.accepted for path in said)
        self._steps += 1
        self._drafted += drafted
        self._accepted += accepted
        self._kept[accepted] += 1
        self.decode_s += seconds
        timing = Timing(seconds, self.passes_s, self.seconds)
        self.seconds, self.passes_s = {}, 0.0
        tokens = tuple(token for path in said for token in path.tokens)
        text = "".join(self._texts[len(self._texts) - len(said) :])
        return Stepped(self.prompt.id, text, tokens, drafted, accepted, timing)

    def result(self) -> Result:
        """What became of the request."""
        longest = max(self._kept, default=-1)
        histogram = tuple(self._kept[count] for count in range(longest + 1))
        stats = Stats(
            generated=len(self._tokens),
            steps=self._steps,
            drafted=self._drafted,
            accepted=self._accepted,
            acceptance_histogram=histogram,
            prefill_s=self.prefill_s,
            decode_s=self.decode_s,
        )
        return Result(self.prompt.id, "".join(self._texts), tuple(self._tokens), self.prompt_tokens, stats)
