"""Every card and profile that ships is whole, and its arithmetic gives the sizes that are known of the model."""

import re
from dataclasses import replace

import pytest

from specplan.planner.cards import (
    SPECS,
    DeviceProfile,
    ModelCard,
    PromptsCard,
    find_device,
    find_source,
    known_devices,
    known_models,
    read_card,
)

PARAMETERS = {
    "gemma-3-270m": 268_098_176,
    "llama-3.1-70b-instruct": 70_553_706_496,
    "llama-3.1-8b-instruct": 8_030_261_248,
    "llama-3.2-1b-instruct": 1_235_814_400,
    "qwen2.5-0.5b-instruct": 494_032_768,
    "smollm2-135m-instruct": 134_515_008,
    "vicuna-68m": 68_030_208,
    "vicuna-7b-v1.3": 6_738_415_616,
}


@pytest.mark.parametrize("name", known_models())
def test_card(name):
    card = find_source(name, None, SPECS)
    assert isinstance(card, ModelCard | PromptsCard)
    assert card.name == name
    assert isinstance(card, PromptsCard) or card.eos
    assert getattr(card, "packages", None) or card.obtain, "a card says where the weights are or how to get them"
    if isinstance(card, PromptsCard):
        model = find_source(card.rides, None, SPECS)
        assert isinstance(model, ModelCard) and card.fits(model)
        assert not card.assumed or card.note, "a stand-in says that it is one"


@pytest.mark.parametrize(("name", "parameters"), PARAMETERS.items())
def test_parameters_are_those_of_the_weights(name, parameters):
    assert find_source(name, None, SPECS).parameters() == parameters


@pytest.mark.parametrize("name", known_devices())
def test_profile(name):
    profile = find_device(name, None)
    assert isinstance(profile, DeviceProfile)
    assert profile.note
    assert all(profile.operations_per_second(dtype) > 0 for dtype in ("float32", "bfloat16", "int8", "int4"))


def test_three_models_need_no_hub():
    packaged = {name for name in known_models() if getattr(find_source(name, None, SPECS), "packages", None)}
    assert packaged == {"smollm2-135m-instruct", "gemma-3-270m", "qwen2.5-coder-1.5b-instruct"}


def test_hub_names_are_unique_and_found():
    found = [re.findall(r"^hub: (\S+)", path.read_text(), re.M) for path in (SPECS / "models").glob("*.yaml")]
    names = [name for each in found for name in each]
    assert len(names) == len(set(names)) > 5
    for name in names:
        assert find_source(name, None, SPECS).hub == name


@pytest.mark.parametrize(
    "name", [name for name in known_models() if getattr(find_source(name, None, SPECS), "base", None)]
)
def test_a_model_with_an_adapter_has_the_shape_of_its_base(name):
    card = find_source(name, None, SPECS)
    base = find_source(card.base, None, SPECS)
    assert isinstance(base, ModelCard)
    own = ("name", "base", "adapter", "fingerprint", "hub", "packages", "tokenizer_hashes", "obtain", "note")
    blank = dict.fromkeys(own)
    assert replace(base.with_tags(), **blank) == replace(card, **blank)
    assert card.adapter.resolve() == SPECS / "trained" / name


def test_parts_of_a_family_share_their_vocabulary():
    drafter, target = (find_source(name, None, SPECS) for name in ("pard-qwen2.5-0.5b", "qwen2.5-coder-1.5b-instruct"))
    assert drafter.vocabulary == target.vocabulary
    assert drafter.entries <= drafter.mask < drafter.vocab_size
    assert find_source("smollm2-135m-pasta", None, SPECS).vocabulary != "smollm2"


@pytest.mark.parametrize("path", sorted((SPECS / "models").glob("*.yaml")), ids=lambda path: path.stem)
def test_cards_of_the_shipped_form_can_be_copied(path, tmp_path):
    copy = tmp_path / "mine.yaml"
    copy.write_bytes(path.read_bytes())
    assert read_card(copy, "./mine.yaml").name == "mine"
