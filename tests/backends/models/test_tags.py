"""PASTA's six words in tokenizers and models: they are found or asked for, and no text becomes one."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from specplan.backends.models import ChatEncoder, LoadedModel, TokenizerWords, add_tags, load_model, tag_ids
from specplan.backends.models.errors import TagsMissing
from specplan.grammar import DiagnosticError, Tag
from specplan.planner.cards import ModelCard, find_source

pytest.importorskip("transformers")

WORDS = [*(tag.token for tag in Tag), *(tag.value for tag in Tag)]
PIECES = [word[start:end] for word in WORDS for start, end in ((0, 1), (0, -1), (1, None), (2, None), (-2, None))]
ORDINARY = ["<br/>", '<a href="x" />', " ", "\n", "sums", "2", "é", "日", "<|im_end|>", "&lt;sync/>", "\ue000"]
typed = st.lists(st.sampled_from([*WORDS, *PIECES, *ORDINARY]), max_size=12).map("".join)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> LoadedModel:
    """A Llama of one layer whose words are bytes."""
    return tiny(tmp_path_factory.mktemp("plain"))


@pytest.fixture(scope="module")
def tagged(tmp_path_factory: pytest.TempPathFactory) -> LoadedModel:
    """The same with tags, saved and loaded again."""
    folder = tmp_path_factory.mktemp("tagged")
    loaded = add_tags(tiny(folder))
    loaded.model.save_pretrained(folder)
    loaded.tokenizer.save_pretrained(folder)
    return load_model(str(folder))


@pytest.fixture(scope="module")
def smollm2(smollm2_path: Path) -> Any:
    """The tokenizer of smollm2-135m-instruct with tags."""
    from tokenizers import AddedToken
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(smollm2_path)
    tokenizer.add_tokens([AddedToken(tag.token, special=True, normalized=False) for tag in Tag], special_tokens=True)
    return tokenizer


def tiny(folder: Path, padding: int = 0) -> LoadedModel:
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    backend = Tokenizer(models.BPE(vocab={each: place for place, each in enumerate(letters)}, merges=[]))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    backend.decoder = decoders.ByteLevel()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=backend, eos_token="<|im_end|>")
    torch.manual_seed(1)
    sizes: dict[str, int] = {
        "hidden_size": 16,
        "intermediate_size": 16,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
    }
    config = LlamaConfig(vocab_size=len(tokenizer) + padding, tie_word_embeddings=not padding, **sizes)
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return load_model(str(folder))


def test_a_tokenizer_without_tags_says_which(plain: LoadedModel) -> None:
    with pytest.raises(DiagnosticError) as error:
        tag_ids(plain.tokenizer, source="tiny")
    (found,) = error.value.diagnostics
    assert isinstance(found, TagsMissing) and found.missing == tuple(tag.token for tag in Tag)


def test_tags_that_are_no_special_tokens_are_none(tmp_path: Path) -> None:
    loaded = tiny(tmp_path)
    loaded.tokenizer.add_tokens([tag.token for tag in Tag])
    with pytest.raises(DiagnosticError):
        tag_ids(loaded.tokenizer, source="tiny")


def test_added_tags_are_saved_with_the_model(tagged: LoadedModel, plain: LoadedModel) -> None:
    ids = tag_ids(tagged.tokenizer, source="tagged")
    assert sorted(ids.values()) == list(range(plain.vocab_size, plain.vocab_size + 6))
    assert tagged.vocab_size == plain.vocab_size + 6
    card = find_source(str(tagged.folder), None, Path())
    assert isinstance(card, ModelCard) and card.tags == "pasta" and card.vocab_size == tagged.vocab_size


def test_new_rows_begin_between_those_that_spell_the_tag(tagged: LoadedModel, plain: LoadedModel) -> None:
    import torch

    old, new = (each.model.get_input_embeddings().weight for each in (plain, tagged))
    assert torch.equal(old, new[: len(old)])
    for tag, number in tag_ids(tagged.tokenizer, source="tagged").items():
        spelled = plain.tokenizer(tag.value, add_special_tokens=False)["input_ids"]
        assert torch.allclose(new[number], old[spelled].mean(dim=0))


def test_padding_is_used_up_first(tmp_path: Path) -> None:
    loaded = tiny(tmp_path, padding=20)
    head = loaded.model.get_output_embeddings().weight.clone()
    tagged = add_tags(loaded)
    assert tagged.vocab_size == loaded.vocab_size == len(head)
    changed = (tagged.model.get_output_embeddings().weight != head).any(dim=1).nonzero().flatten().tolist()
    assert changed == sorted(tag_ids(tagged.tokenizer, source="tagged").values())


def test_what_has_tags_stays_as_it_is(tagged: LoadedModel) -> None:
    import torch

    rows = sorted(tag_ids(tagged.tokenizer, source="tagged").values())
    table = tagged.model.get_input_embeddings().weight
    with torch.no_grad():
        table[rows] += 1  # as if they were trained
    trained = table[rows].clone()
    assert add_tags(tagged).vocab_size == tagged.vocab_size
    assert torch.equal(tagged.model.get_input_embeddings().weight[rows], trained)


def ids_of(tokenizer: Any, text: str) -> list[int]:
    ids = ChatEncoder(tokenizer, source="model", template="none").encode(text)
    tags = set(tag_ids(tokenizer, source="model").values())
    assert not tags & set(ids), "a text has forged a tag"
    assert tokenizer.decode(ids, skip_special_tokens=False, clean_up_tokenization_spaces=False) == text
    return ids


@settings(max_examples=200, deadline=None)
@given(typed)
def test_nothing_that_is_typed_is_a_tag(tagged: LoadedModel, text: str) -> None:
    ids_of(tagged.tokenizer, text)
    words = TokenizerWords(tagged.tokenizer, tagged.vocab_size, source="tagged")
    spelled = words.encode(text.encode())
    assert spelled is not None and words.bytes_of(spelled) == text.encode()
    assert all(words.spelled[each] is not None for each in spelled)


@settings(max_examples=200, deadline=None)
@given(typed)
def test_nothing_that_is_typed_is_a_tag_of_a_real_tokenizer(smollm2: Any, text: str) -> None:
    ids_of(smollm2, text)
    chat = ChatEncoder(smollm2, source="smollm2", system=text)
    tags = set(tag_ids(smollm2, source="smollm2").values())
    ids = chat.encode(text)
    assert not tags & set(ids) and text.strip() in smollm2.decode(ids)


def test_a_careless_encoding_would_be_forged(smollm2: Any) -> None:
    """What the tokenizer itself does with such a prompt, so that the tests above test something."""
    ids = smollm2(f"a {Tag.SYNC.token}", add_special_tokens=False)["input_ids"]
    assert tag_ids(smollm2, source="smollm2")[Tag.SYNC] in ids


@pytest.mark.parametrize(
    "text",
    [
        '<p class="a" tokens="3"><br/><img src="x" />',
        'He wrote <promise topic="sums" tokens=2/><async>1</async> and <sync/>.',
        "if (a </ b && c />d) return x[i]<|>y;",
    ],
)
def test_markup_is_cut_into_tokens_as_ever(smollm2: Any, smollm2_path: Path, text: str) -> None:
    from transformers import AutoTokenizer

    untouched = AutoTokenizer.from_pretrained(smollm2_path)
    assert ids_of(smollm2, text) == untouched(text, add_special_tokens=False)["input_ids"]


@pytest.mark.slow
def test_long_hostile_prompts(smollm2: Any) -> None:
    draw = random.Random(5)
    for _ in range(20):
        text = "".join(draw.choice([*WORDS, *PIECES, *ORDINARY, "x" * 50]) for _ in range(2_000))
        ids_of(smollm2, text)
