"""An annotator that asks an instruct model to put the tags in, and believes nothing of what it says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

from ...grammar import (
    MAX_TOPIC_WORDS,
    MIN_BLOCK_WORDS,
    Answer,
    AnswerText,
    Promise,
    SourceFile,
    Sync,
    Tag,
    escape_tags,
    parse_pasta,
    print_pasta,
    strip_pasta,
)

Complete: TypeAlias = Callable[[str], str]
"""What a model answers to a prompt."""

_FOLDER = Path(__file__).parent
_EXAMPLE = Answer(
    (
        AnswerText("Tea and coffee differ in two ways."),
        Promise("caffeine", 1, AnswerText("\n\n**Caffeine.** A cup of coffee has about twice as much of it.")),
        Promise(
            "preparation",
            1,
            AnswerText("\n\n**Preparation.** Tea is steeped, and coffee is mostly pressed or filtered."),
        ),
        Sync(),
        AnswerText("\n\nSo if you want to sleep soon, steep some tea."),
    )
)


@dataclass(frozen=True, slots=True)
class ModelAnnotator:
    """An `Annotator` that asks a model with the shipped prompt, and reads what it says with the grammar."""

    complete: Complete

    def __call__(self, answer: str) -> Answer | None:
        """None where the grammar cannot read what the model made; what it read may still have another text."""
        bare = answer.strip()
        before, _, after = answer.partition(bare) if bare else (answer, "", "")
        written = self.complete(annotation_prompt(bare)).strip()
        annotated, _ = parse_pasta(SourceFile("annotation", f"{before}{written}{after}"))
        return annotated


def annotation_prompt(answer: str) -> str:
    """What the model is asked; text of the answer that looks like a tag is escaped, as in all annotated text."""
    text: str = _template().render(
        promise=f"{Tag.PROMISE.value}TOPIC{Tag.TOKENS.value}1{Tag.END.value}{Tag.ASYNC.value}",
        endasync=Tag.ENDASYNC.value,
        sync=Tag.SYNC.value,
        most_words=MAX_TOPIC_WORDS,
        least_words=MIN_BLOCK_WORDS,
        example=escape_tags(strip_pasta(_EXAMPLE)),
        marked_example=print_pasta(_EXAMPLE),
        answer=escape_tags(answer),
    )
    return text


@cache
def _template() -> Any:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # late: only who asks a model needs it

    environment = Environment(
        loader=FileSystemLoader(_FOLDER), undefined=StrictUndefined, autoescape=False, keep_trailing_newline=True
    )
    return environment.get_template("annotate.j2")
