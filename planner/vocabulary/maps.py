"""Maps from a drafter's vocabulary D to the target's T: by equal bytes (TLI), by the first target token (SLRS).

Methods of "Accelerating LLM Inference with Lossless Speculative Decoding Algorithms for Heterogeneous Vocabularies"
(arXiv 2502.05202): token-level intersection is its section 4, string-level rejection sampling its section 3. Vocabularies
are given as bytes per id, None for special tokens and padding, which no map ever touches.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

Vocabulary = Sequence[bytes | None]
EncodeEach = Callable[[Sequence[bytes]], Sequence[Sequence[int] | None]]
"""A tokenizer on many texts; None where it cannot spell a text."""


@dataclass(frozen=True)
class TokenMap:
    """For each draft id its image, or None. `injective` maps can be turned round."""

    images: tuple[int | None, ...]

    @cached_property
    def injective(self) -> bool:
        """Whether no two draft ids share an image, so that a law can be moved without adding anything up."""
        mapped = [image for image in self.images if image is not None]
        return len(mapped) == len(set(mapped))

    @cached_property
    def inverse(self) -> Mapping[int, int]:
        """The draft id of each image; of the lowest draft id where several share one."""
        return {image: draft for draft, image in reversed([*enumerate(self.images)]) if image is not None}

    @cached_property
    def shared(self) -> tuple[int, ...]:
        """The draft ids that have an image, in order."""
        return tuple(draft for draft, image in enumerate(self.images) if image is not None)


def intersection(draft: Vocabulary, target: Vocabulary, pairs: Mapping[int, int] | None = None) -> TokenMap:
    """The injective map between tokens of the same bytes.

    Where ids share their bytes, the lowest draft id goes with the lowest target id and the others have no image: a map
    that is not injective and overwrites would bias the target's law. Special tokens have no image, unless `pairs` says
    so by hand (an end token, say); ids in `pairs` take part in nothing else.

    >>> intersection([None, b"a", b" b", b"c"], [b"c", None, b"a"]).images
    (None, 2, None, 0)
    """
    by_hand = dict(pairs or {})
    taken = set(by_hand.values())
    assert len(taken) == len(by_hand), "pairs made by hand are one to one"
    home: dict[bytes, int] = {}
    for number, spelled in enumerate(target):
        if spelled and number not in taken:
            home.setdefault(spelled, number)
    images: list[int | None] = []
    for number, spelled in enumerate(draft):
        images.append(by_hand[number] if number in by_hand else home.pop(spelled, None) if spelled else None)
    return TokenMap(tuple(images))


def written(vocabulary: Vocabulary, encode_each: EncodeEach) -> Vocabulary:
    """The vocabulary without those tokens that no text is written in, since another has the same bytes.

    SentencePiece has `,` as a token and as the single byte `<0x2C>`, which is for what has no token: a map that goes to
    the wrong one of them proposes what the target never says.

    >>> written([b",", None, b","], lambda texts: [(2,) for _ in texts])
    (None, None, b',')
    """
    homes: dict[bytes, list[int]] = {}
    for number, spelled in enumerate(vocabulary):
        if spelled and is_whole_characters(spelled):
            homes.setdefault(spelled, []).append(number)
    doubled = [spelled for spelled, ids in homes.items() if len(ids) > 1]
    dropped: set[int] = set()
    for spelled, ids in zip(doubled, encode_each(doubled), strict=True):
        kept = ids[0] if ids is not None and len(ids) == 1 else homes[spelled][0]
        dropped |= {each for each in homes[spelled] if each != kept}
    return tuple(None if number in dropped else spelled for number, spelled in enumerate(vocabulary))


def pushforward(draft: Vocabulary, encode: Callable[[bytes], Sequence[int]]) -> TokenMap:
    """The map of each draft token to the first target token of its own text; many to one.

    `encode` is the target's tokenizer on whole characters, without special tokens and without a space put in front.
    No image: special tokens, empty ones, and those that end or begin within a character. A law is moved through this
    map by adding up, never by overwriting.
    """
    return pushforward_at_once(draft, lambda texts: [encode(text) for text in texts])


def pushforward_at_once(draft: Vocabulary, encode_each: EncodeEach) -> TokenMap:
    """The same for a tokenizer that takes many texts faster than one by one."""
    spoken = [(number, spelled) for number, spelled in enumerate(draft) if spelled and is_whole_characters(spelled)]
    images: list[int | None] = [None] * len(draft)
    for (number, _), ids in zip(spoken, encode_each([spelled for _, spelled in spoken]), strict=True):
        images[number] = ids[0] if ids else None
    return TokenMap(tuple(images))


def is_whole_characters(text: bytes) -> bool:
    """Whether the bytes are UTF-8 that neither begins nor ends within a character."""
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True
