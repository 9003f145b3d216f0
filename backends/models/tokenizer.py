"""From what a person types to token ids: one user turn in the model's own chat format, which no text can leave."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

from ...grammar import DiagnosticError
from .errors import ChatTemplateFails, ControlTokensInText, NoChatTemplate, TextNotUnicode

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

Template = Literal["chat", "none"]
_PRIVATE_USE = range(0xE000, 0xF900)


class ChatEncoder:
    """Encodes prompts for one model.

    A prompt is one user turn through the chat template, or with `template="none"` the bare text behind the
    tokenizer's beginning-of-text token. `tags` are further tokens (PASTA's) that only the model may write.

    Text that looks like a control token stays text: the control tokens of a result are always exactly those that
    the template itself writes. Text without look-alikes gets the ids that `apply_chat_template` gives it.
    """

    def __init__(
        self,
        tokenizer: PreTrainedTokenizerBase,
        *,
        source: str,
        template: Template = "chat",
        system: str | None = None,
        tags: Sequence[str] = (),
    ) -> None:
        """Raise `DiagnosticError` (SP0740, SP0741) for a chat without a template, or one that refuses `system`."""
        self._tokenizer, self._source, self._system = tokenizer, source, system
        self._render: Callable[[str, str | None], str] = _render_plain if template == "none" else self._render_chat
        self._bare = template == "none"
        if not self._bare and not tokenizer.chat_template:
            raise DiagnosticError([NoChatTemplate(None, source)])
        self._control = _control_tokens(tokenizer, "" if self._bare else tokenizer.get_chat_template(), tags)
        self._lead = _lead(tokenizer) if self._bare else []
        self._expected = self._controls_in(self._ids(self._render("x", system and "x")))

    def encode(self, prompt: str) -> list[int]:
        """The token ids of a prompt; the model answers behind the last of them.

        Raises `DiagnosticError`: SP0741 where the template refuses it, SP0742 where control tokens cannot be kept
        apart from text, SP0744 for lone surrogates. An empty bare prompt of a model without a beginning-of-text
        token has no ids.
        """
        if any("\ud800" <= character <= "\udfff" for character in prompt):
            raise DiagnosticError([TextNotUnicode(None)])
        ids = self._ids(self._render(prompt, self._system))
        if self._controls_in(ids) != self._expected:
            ids = self._encode_apart(prompt)
        return self._lead + ids

    def _encode_apart(self, prompt: str) -> list[int]:
        """Encode with every look-alike cut behind its first character, so that no piece holds one."""
        cut = self._unused_character(prompt)
        system = None if self._system is None else self._with_cuts(self._system, cut)
        pieces = self._render(self._with_cuts(prompt, cut), system).split(cut)
        ids = self._ids(pieces[0])
        for piece in pieces[1:]:
            ids += self._continue(piece)
        forged = self._controls_in(ids)
        if forged != self._expected:
            names = tuple(sorted({self._control[each] for each in forged}))
            raise DiagnosticError([ControlTokensInText(None, self._source, names)])
        return ids

    def _with_cuts(self, text: str, cut: str) -> str:
        places: set[int] = set()
        for token in self._control.values():
            at = text.find(token)
            while at >= 0:
                places.add(at + 1)
                at = text.find(token, at + 1)
        bounds = [0, *sorted(places), len(text)]
        return cut.join(text[start:end] for start, end in pairwise(bounds))

    def _continue(self, piece: str) -> list[int]:
        """The ids of a text that goes on: some tokenizers put a space before what they take for a beginning."""
        line_feed = self._ids("\n")
        ids = self._ids("\n" + piece)
        return ids[len(line_feed) :] if ids[: len(line_feed)] == line_feed else self._ids(piece)

    def _unused_character(self, prompt: str) -> str:
        used = prompt + (self._system or "") + str(self._tokenizer.chat_template)
        return next(chr(code) for code in _PRIVATE_USE if chr(code) not in used)

    def _ids(self, text: str) -> list[int]:
        return list(self._tokenizer(text, add_special_tokens=False)["input_ids"])

    def _controls_in(self, ids: Sequence[int]) -> list[int]:
        return [each for each in ids if each in self._control]

    def _render_chat(self, prompt: str, system: str | None) -> str:
        turns = [{"role": "user", "content": prompt}]
        if system is not None:
            turns.insert(0, {"role": "system", "content": system})
        try:
            return str(self._tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True))
        except Exception as error:  # a program of the checkpoint: whatever it raises, it is the cause
            raise DiagnosticError([ChatTemplateFails(None, self._source, _first_line(error))]) from error


def _render_plain(prompt: str, system: str | None) -> str:
    return prompt


def eos_ids(tokenizer: PreTrainedTokenizerBase, configured: int | Sequence[int] | None) -> tuple[int, ...]:
    """The tokens that end an answer: first the one that the model would write itself, the others sorted.

    They are what its chat template writes behind an assistant's turn, the tokenizer's end of text, and those of
    generation_config (`configured`).
    """
    found = [configured] if isinstance(configured, int) else sorted(configured or ())
    own = [each for each in (_end_of_turn(tokenizer), tokenizer.eos_token_id) if each is not None]
    return tuple(dict.fromkeys([*own[:1], *sorted({*own[1:], *found})]))


def _end_of_turn(tokenizer: PreTrainedTokenizerBase) -> int | None:
    if not tokenizer.chat_template:
        return None
    answer = "wxyz"
    turns = [{"role": "user", "content": "x"}, {"role": "assistant", "content": answer}]
    try:
        _, found, tail = str(tokenizer.apply_chat_template(turns, tokenize=False)).rpartition(answer)
    except Exception:  # it may refuse conversations that begin like this; then it has no say
        return None
    specials = {number for number, token in tokenizer.added_tokens_decoder.items() if token.special}
    ids = tokenizer(tail, add_special_tokens=False)["input_ids"] if found else []
    return next((int(each) for each in ids if each in specials), None)


def _control_tokens(tokenizer: PreTrainedTokenizerBase, template: str, tags: Sequence[str]) -> dict[int, str]:
    """Tokens that mean something to the model beyond their text: special ones, those of the template, and tags."""
    added = tokenizer.added_tokens_decoder.items()
    return {
        number: token.content
        for number, token in added
        if token.special or token.content in tags or (token.content in template and not token.content.isspace())
    }


def _lead(tokenizer: PreTrainedTokenizerBase) -> list[int]:
    first = tokenizer("x")["input_ids"][:1]
    return [int(each) for each in first if each == tokenizer.bos_token_id]


def _first_line(error: BaseException) -> str:
    text = str(error).strip() or type(error).__name__
    return text.splitlines()[0]
