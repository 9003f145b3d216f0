"""Plans: every field typed and placed, every mistake of a run in one go, and the schema says what the reader does."""

from dataclasses import dataclass
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from specplan.grammar import (
    Boolean,
    Choice,
    Integer,
    ListOf,
    Located,
    MapOf,
    Nested,
    OneOf,
    Plan,
    RealNumber,
    Record,
    Size,
    Text,
    document,
    has_errors,
    json_schema,
    key,
    plan_schema,
    read_file,
    read_plan,
    render,
)

FULL = b"""\
specplan: 1
models:
  target:  {source: qwen2.5-coder-1.5b-instruct, dtype: bfloat16, tags: pasta}
  drafter: {source: smollm2-135m-instruct, mask: 3, context: 512}
  prompts: {source: ./ppd-qwen, rides: target}
decode: |
  speculate(target,
    draft  = draft_model(drafter, num_speculative_tokens=5, vocab=tli),
    accept = rejection)
prompt: {template: none, system: Be brief.}
stop: {strings: ["\\n\\n", END], token_ids: [2, 7], ignore_eos: true}
sampling: {temperature: 0.7, top_k: 40, top_p: 0.95, min_p: 0.05, seed: 7}
limits: {max_new_tokens: 64, context: 1024, batch: 4, memory: 1.5GiB}
guard: {min_speedup: 1.1, window: 8}
calibration: here.yaml
backend: {engine: reference, device: h200, ranks: 2}
"""
SMALL = b"specplan: 1\nmodels: {target: {source: x}}\ndecode: autoregressive(target)\n"


def read(data: bytes) -> Plan:
    plan, mistakes = read_plan(data, "plan.yaml")
    assert plan is not None, render(mistakes, colour=False)
    assert mistakes == ()
    return plan


def codes(data: str) -> list[str]:
    _, mistakes = read_plan(data.encode(), "plan.yaml")
    assert has_errors(mistakes)
    return sorted(each.code for each in mistakes)


def test_everything_that_a_plan_can_say() -> None:
    plan = read(FULL)
    assert [*plan.models] == ["target", "drafter", "prompts"]
    assert plan.models["prompts"].rides.value == "target" and plan.models["drafter"].mask.value == 3
    assert [each.value for each in plan.stop.strings.value] == ["\n\n", "END"]
    assert [each.value for each in plan.stop.token_ids.value] == [2, 7]
    assert plan.stop.ignore_eos.value is True and plan.prompt.template.value == "none"
    assert plan.sampling.temperature.value == 0.7 and plan.sampling.top_k.value == 40
    assert plan.limits.memory.value == 3 * 2**29 and plan.limits.memory.span.text == "1.5GiB"
    assert plan.guard is not None and plan.guard.window.value == 8
    assert plan.backend.ranks.value == 2 and plan.calibration.value == "here.yaml"
    assert plan.source.name == "plan.yaml" and plan.decode.span.line == 7


def test_defaults() -> None:
    plan = read(SMALL)
    assert (plan.limits.max_new_tokens.value, plan.limits.context.value, plan.limits.batch.value) == (256, 2048, 1)
    assert (plan.sampling.temperature.value, plan.sampling.top_p.value, plan.sampling.seed.value) == (0.0, None, 0)
    assert (plan.prompt.template.value, plan.backend.engine.value, plan.backend.device.value) == (
        "chat",
        "eager",
        "cpu",
    )
    assert plan.guard is None and plan.calibration.value is None and plan.stop.strings.value == ()
    assert not plan.limits.given and not plan.limits.batch.given and plan.limits.batch.span.line == 1


def test_a_default_stands_where_its_section_does() -> None:
    plan = read(SMALL + b"limits: {batch: 2}\n")
    assert plan.limits.given and not plan.limits.context.given and plan.limits.context.span.line == 4


def test_everything_wrong_in_one_run() -> None:
    found = codes(
        "specplan: 2\nmodels: {t: {sorce: a}}\ndecode: f(a b\nbatch: 1\nlimits: {context: many, batch: 0}\n"
        "backend: {engine: egaer}\n"
    )
    assert " ".join(found) == "SP0121 SP0122 SP0122 SP0123 SP0124 SP0124 SP0125 SP0212 SP0214"


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("limits: {batch: 1.0}", "SP0121"),
        ("limits: {batch: 010}", "SP0121"),
        ("limits: {batch: '1'}", "SP0121"),
        ("limits: {batch: 0x10}", "SP0121"),
        ("limits: {batch: }", "SP0121"),
        ("limits: {batch: [1]}", "SP0121"),
        ("limits: {batch: 99999999999999999999}", "SP0124"),
        ("limits: {memory: lots}", "SP0121"),
        ("limits: {memory: 0}", "SP0124"),
        ("limits: {memory: 999999999TiB}", "SP0124"),
        ("limits: 3", "SP0121"),
        ("limits:", "SP0121"),
        ("limits: []", "SP0121"),
        ("sampling: {temperature: .nan}", "SP0121"),
        ("sampling: {temperature: 1e999}", "SP0124"),
        ("sampling: {temperature: -1}", "SP0124"),
        ("sampling: {top_p: 0}", "SP0124"),
        ("stop: {ignore_eos: yes}", "SP0121"),
        ("stop: {strings: END}", "SP0121"),
        ("stop: {strings: ['']}", "SP0121"),
        ("stop: {token_ids: [a, -1]}", "SP0121 SP0124"),
        ("prompt: {system: null}", "SP0121"),
        ("prompt: {template: Chat}", "SP0125"),
        ("calibration: ~", "SP0121"),
        ("temperature: 1", "SP0122"),
        ("guard:{window: 1}", "SP0117"),
    ],
)
def test_mistakes(line: str, found: str) -> None:
    assert " ".join(codes(SMALL.decode() + line + "\n")) == found


@pytest.mark.parametrize(
    ("written", "size"), [("1", 1), ("8GiB", 2**33), ("1.5 MB", 1_500_000), ("2KiB", 2048), ("1TB", 10**12)]
)
def test_sizes(written: str, size: int) -> None:
    assert read(SMALL + f"limits: {{memory: {written}}}".encode()).limits.memory.value == size


def test_models_are_needed() -> None:
    assert codes("specplan: 1\nmodels: {}\ndecode: a\n") == ["SP0121"]
    assert codes("specplan: 1\nmodels: {a-b: {source: x}}\ndecode: a\n") == ["SP0126"]
    (none,) = read_plan(b"specplan: 1\nmodels: {}\ndecode: a\n", "plan.yaml")[1]
    assert none.message() == "`models` takes a mapping of names, at least one, not an empty one"
    assert codes("[]") == ["SP0121"] and codes("x") == ["SP0121"] and codes("a:b") == ["SP0117"]


def test_a_wrong_model_keeps_its_name_and_hides_no_other() -> None:
    plan, found = read_plan(b"specplan: 1\nmodels: {a: {source: [x]}, b: {source: y}}\ndecode: a\n", "plan.yaml")
    assert plan is not None and [each.code for each in found] == ["SP0121"]
    assert [*plan.models] == ["b"] and {name: span.column for name, span in plan.models.places.items()} == {
        "a": 10,
        "b": 28,
    }


def test_an_empty_text_is_called_so() -> None:
    (empty,) = read_plan(SMALL + b"stop: {strings: ['']}\n", "plan.yaml")[1]
    assert empty.message() == "`stop.strings[0]` takes a text, not an empty text"


def test_help_knows_the_right_section() -> None:
    _, (mistake,) = read_plan(SMALL + b"temperature: 1\n", "plan.yaml")
    assert mistake.help() == ("`temperature` belongs under `sampling:`",)


def test_a_comment_that_cuts_the_strategy() -> None:
    assert codes("specplan: 1\nmodels: {t: {source: x}}\ndecode: f(t,  # the end\n") == ["SP0116"]


def test_a_mistake_in_the_strategy_has_its_place_in_the_file() -> None:
    _, (mistake,) = read_plan(FULL.replace(b"vocab=tli", b"vocab:tli"), "plan.yaml")
    assert mistake.span is not None and (mistake.span.line, mistake.span.column) == (8, 66)


def test_many_mistakes_are_not_all_told() -> None:
    _, mistakes = read_plan(SMALL + b"".join(b"k%d: 1\n" % n for n in range(5000)), "plan.yaml")
    assert len(mistakes) == 50


values = st.recursive(
    st.text(max_size=6) | st.sampled_from(["1", "0.5", "true", "chat", "f(a, b)", "~", "", "8GiB"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
sections = ("specplan", "models", "decode", "prompt", "stop", "sampling", "limits", "guard", "calibration", "backend")
inner_keys = ("source", "dtype", "strings", "token_ids", "temperature", "top_k", "batch", "memory", "engine", "window")


@settings(max_examples=150, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(sections), values | st.dictionaries(st.sampled_from(inner_keys), values, max_size=3)
    )
)
def test_any_mapping_gives_a_plan_or_diagnostics(written: dict[str, Any]) -> None:
    plan, mistakes = read_plan(yaml.safe_dump(written, allow_unicode=True).encode(), "plan.yaml")
    assert plan is not None or mistakes
    assert render(mistakes, colour=True) or plan


def test_schema_is_a_schema_and_accepts_what_is_read() -> None:
    jsonschema.Draft202012Validator.check_schema(plan_schema())
    validator = jsonschema.Draft202012Validator(plan_schema())
    validator.validate(yaml.safe_load(FULL))
    validator.validate(yaml.safe_load(SMALL))


@pytest.mark.parametrize(
    "line",
    ["limits: {batch: 0}", "bach: 1", "sampling: {top_p: 1.5}", "backend: {engine: x}", "stop: {strings: x}"],
)
def test_schema_refuses_what_the_reader_refuses(line: str) -> None:
    assert codes(SMALL.decode() + line)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(yaml.safe_load(SMALL.decode() + line), plan_schema())


def test_schema_completes_words() -> None:
    properties = plan_schema()["properties"]
    assert properties["backend"]["properties"]["engine"]["enum"][0] == "eager"
    assert properties["limits"]["properties"]["batch"]["default"] == 1
    assert all(each["description"] for each in properties.values())


def test_document_names_every_key() -> None:
    text = document(Plan)
    assert "- `models.NAME.source` (" in text and "default 256" in text and "required" in text


@dataclass(frozen=True, slots=True)
class Heads(Record):
    """How attention is split."""

    count: Located[int] = key(Integer(minimum=1), doc="query heads")


@dataclass(frozen=True, slots=True)
class Card(Record):
    """A model card, to show that records serve other files."""

    name: Located[str] = key(Text(), doc="its name")
    layers: Located[int | tuple[Located[int], ...]] = key(OneOf((Integer(1), ListOf(Integer(1), 1))), doc="layers")
    heads: Heads = key(Nested(Heads), doc="heads")
    sizes: dict[str, Located[int]] = key(MapOf(Size()), default={}, doc="bytes per part")
    kind: Located[str] = key(Choice(("dense", "moe")), default="dense", doc="its kind")
    tied: Located[bool] = key(Boolean(), default=False, doc="tied embeddings")
    scale: Located[float] = key(RealNumber(above=0.0), default=1.0, doc="a factor")


def test_records_of_other_files() -> None:
    text = b"name: tiny\nlayers: [3, 4]\nheads: {count: 2}\nsizes: {a b: 1KiB}\n"
    card, source, mistakes = read_file(text, "tiny.yaml", Card)
    assert mistakes == () and card is not None and source.name == "tiny.yaml"
    assert isinstance(card.layers.value, tuple) and [each.value for each in card.layers.value] == [3, 4]
    assert card.heads.count.value == 2 and card.sizes["a b"].value == 1024 and not card.tied.given
    jsonschema.validate({"name": "x", "layers": 3, "heads": {"count": 1}}, json_schema(Card, "card"))
    assert [each.code for each in read_file(b"name: x\nlayers: 0\n", "x", Card)[2]] == ["SP0121", "SP0123"]
