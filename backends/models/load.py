"""Load a model for decoding: weights in the dtype and on the device that were asked for, checked and frozen."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ...grammar import Diagnostic, DiagnosticError, Span
from .adapters import put_on
from .cache import needing
from .choosing import adapters_of
from .errors import (
    CustomCode,
    DeviceMissing,
    ModelDamaged,
    NotDecoderOnly,
    SamplingDefaultsIgnored,
    TokenizerUnreadable,
    WeightsIncomplete,
    WeightsUnreadable,
)
from .loaded import LoadedModel
from .manifest import FILE, damage
from .out_of_memory import is_out_of_memory
from .progress import Progress
from .quiet import quiet_transformers
from .source import model_folder
from .tags import add_tags
from .tokenizer import eos_ids

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

Dtype = Literal["float32", "bfloat16", "float16"]

# What generation_config may hold that changes which token comes next, and the value that changes nothing.
_SAMPLING_DEFAULTS: dict[str, object] = {
    "do_sample": False,
    "temperature": 1.0,
    "top_k": 0,
    "top_p": 1.0,
    "min_p": 0.0,
    "typical_p": 1.0,
    "repetition_penalty": 1.0,
    "encoder_repetition_penalty": 1.0,
    "no_repeat_ngram_size": 0,
    "bad_words_ids": None,
    "suppress_tokens": None,
    "begin_suppress_tokens": None,
    "forced_bos_token_id": None,
    "forced_eos_token_id": None,
    "sequence_bias": None,
    "guidance_scale": 1.0,
    "num_beams": 1,
    "penalty_alpha": 0.0,
    "min_new_tokens": 0,
    "min_length": 0,
}


def load_model(
    source: str,
    *,
    dtype: Dtype = "float32",
    device: str = "cpu",
    attention: str = "sdpa",
    base: Path | None = None,
    progress: Progress | None = None,
    span: Span | None = None,
    adapter: str | None = None,
    tags: bool = False,
) -> LoadedModel:
    """Load a packaged model, a folder, a GGUF file or a hub model, in evaluation mode and without gradients.

    `device` is what torch calls it, or `auto`: the first GPU, else the CPU. `adapter` is a folder as peft writes it; with
    `tags` the model is given PASTA's six words, if it lacks them. No code that comes with the weights is run. Raises
    `DiagnosticError` with `span` as the place (SP0414 to SP0418, SP0701 to SP0732, SP0743).
    """
    with _told_at(span):
        with needing("running a model"):
            import torch
        place = _device(device)
        folder = model_folder(source, base=base, progress=progress)
        chosen = [*adapters_of(source, adapter, dtype=dtype, tags=tags, base=base)]
        model = _load_weights(source, folder, getattr(torch, dtype), attention).eval().requires_grad_(False)
        loaded = _described(source, folder, model, load_tokenizer(source, folder), place, span)
        for each in chosen:
            loaded = put_on(loaded, each.adapter, tags=each.tags)
    if tags:
        loaded = add_tags(loaded)
    model.to(place)  # now, so that sums are rounded alike on every device
    return loaded


@contextmanager
def _told_at(span: Span | None) -> Iterator[None]:
    """Whatever is wrong in here is wrong at this place of the plan."""
    try:
        yield
    except DiagnosticError as error:
        if span is None:
            raise
        raise DiagnosticError([replace(each, span=span) for each in error.diagnostics]) from error


def _described(
    source: str,
    folder: Path,
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    place: torch.device,
    span: Span | None,
) -> LoadedModel:
    """A model that will be on a device, and what its files say of it."""
    return LoadedModel(
        source=source,
        folder=folder,
        model=model,
        tokenizer=tokenizer,
        device=place,
        dtype=model.dtype,
        vocab_size=model.get_output_embeddings().weight.shape[0],
        context=getattr(model.config.get_text_config(decoder=True), "max_position_embeddings", None),
        eos_ids=eos_ids(tokenizer, _configured_eos(model)),
        notes=_notes(source, model, span),
    )


def load_tokenizer(source: str, folder: Path) -> PreTrainedTokenizerBase:
    """The tokenizer in a model's folder; needs no torch. Raises `DiagnosticError` (SP0722, SP0743)."""
    with needing("reading a tokenizer"):
        from transformers import AutoTokenizer
    with quiet_transformers():
        try:
            return AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        except Exception as error:  # files that others wrote: whatever is raised, they are the cause
            if "trust_remote_code" in str(error):
                raise DiagnosticError([CustomCode(None, source, "its tokenizer is a Python file")]) from error
            raise DiagnosticError([TokenizerUnreadable(None, source, _first_line(error))]) from error


def _device(device: str) -> torch.device:
    import torch

    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        place = torch.device(device)
        torch.empty(0, device=place)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise DiagnosticError([DeviceMissing(None, device, _first_line(error))]) from error
    return place


def _load_weights(source: str, folder: Path, dtype: torch.dtype, attention: str) -> PreTrainedModel:
    # The sums are compared while the weights load; both read the same pages, and there is a core to spare.
    with ThreadPoolExecutor(1) as pool:
        check = pool.submit(damage, folder, sums=True) if (folder / FILE).exists() else None
        failure: DiagnosticError | None = None
        try:
            model = _read_weights(source, folder, dtype, attention)
        except DiagnosticError as error:
            failure = error
        reason = check.result() if check else None
    if reason is not None:
        fetched = folder.name == source  # else it was made of somebody's own file or card
        raise DiagnosticError([ModelDamaged(None, source, reason, None if fetched else str(folder))])
    if failure is not None:
        raise failure
    return model


def _read_weights(source: str, folder: Path, dtype: torch.dtype, attention: str) -> PreTrainedModel:
    from transformers import AutoConfig, AutoModelForCausalLM
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING

    local: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
    with quiet_transformers():
        try:
            config = AutoConfig.from_pretrained(folder, **local)
            if config.is_encoder_decoder or type(config) not in MODEL_FOR_CAUSAL_LM_MAPPING:
                raise DiagnosticError([NotDecoderOnly(None, source, config.model_type)])
            model, report = AutoModelForCausalLM.from_pretrained(
                folder,
                dtype=dtype,
                attn_implementation=attention,
                use_safetensors=True,
                output_loading_info=True,
                **local,
            )
        except DiagnosticError:
            raise
        except Exception as error:  # files that others wrote: whatever else is raised, they are the cause
            if is_out_of_memory(error):
                raise
            raise DiagnosticError([WeightsUnreadable(None, source, _first_line(error))]) from error
    absent = sorted({*report["missing_keys"], *(str(each[0]) for each in report["mismatched_keys"])})
    if absent:
        raise DiagnosticError([WeightsIncomplete(None, source, tuple(absent))])
    return model


def _configured_eos(model: PreTrainedModel) -> int | list[int] | None:
    return None if model.generation_config is None else model.generation_config.eos_token_id


def _notes(source: str, model: PreTrainedModel, span: Span | None) -> tuple[Diagnostic, ...]:
    """What the checkpoint suggests and nobody will do."""
    suggested = model.generation_config.to_diff_dict() if model.generation_config is not None else {}
    defaults = tuple(
        f"{key}={value}"
        for key, value in sorted(suggested.items())
        if key in _SAMPLING_DEFAULTS and value is not None and value != _SAMPLING_DEFAULTS[key]
    )
    return (SamplingDefaultsIgnored(span, source, defaults),) if defaults else ()


def _first_line(error: BaseException) -> str:
    text = str(error).strip() or type(error).__name__
    return text.splitlines()[0]
