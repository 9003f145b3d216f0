"""Unpack a quantised GGUF file once into a folder that loads fast: safetensors, tokenizer, configuration."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ...grammar import DiagnosticError
from ...planner.cards import GgufDamaged, NotGguf, read_gguf_header
from .cache import ModelCache, Recipe, needing
from .errors import DiskFull, GgufUnreadable, GgufUnsupported
from .manifest import sha256_of
from .progress import Progress
from .quiet import quiet_transformers

_PURPOSE = "preparing a GGUF model"


def prepare(gguf: Path, into: Path, *, dtype: str, shown_as: str) -> None:
    """Write a sound GGUF file's model into the folder `into`, every tensor as `dtype` (`bfloat16`, ...).

    Raises `DiagnosticError` where the libraries do not know the architecture or the quantisation.
    """
    with needing(_PURPOSE):
        import accelerate  # noqa: F401  (transformers needs it here and says so less clearly)
        import gguf as _gguf  # noqa: F401
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    where: dict[str, Any] = {"gguf_file": gguf.name, "local_files_only": True, "trust_remote_code": False}
    with quiet_transformers():
        try:
            model = AutoModelForCausalLM.from_pretrained(
                gguf.parent, dtype=getattr(torch, dtype), quantization_config=GgufConfig(dequantize=True), **where
            )
            tokenizer = AutoTokenizer.from_pretrained(gguf.parent, **where)
        except Exception as error:  # of a file that others wrote, unless it is about memory or the disk
            if isinstance(error, MemoryError) or getattr(error, "errno", None) is not None:
                raise
            raise DiagnosticError([GgufUnsupported(None, shown_as, _first_line(error))]) from error
        try:
            model.save_pretrained(into)
            tokenizer.save_pretrained(into)
        except Exception as error:  # safetensors has an exception class of its own, and no errno in it
            if "No space left" not in str(error):
                raise
            raise DiagnosticError([DiskFull(None, shown_as, str(into), 2 * model.num_parameters(), 0)]) from error


def prepared_gguf(file: Path, cache: ModelCache, progress: Progress) -> Path:
    """The prepared folder of a user's own GGUF file, made on first use and found again by its contents."""
    dtype, numbers = _stored_dtype(file, file.name)
    progress.stage(f"reading {file.name}", file.stat().st_size, of_bytes=True)
    made_from = sha256_of(file)

    def make(result: Path, scratch: Path) -> str:
        progress.stage(f"unpacking {file.name} once")
        prepare(file, result, dtype=dtype, shown_as=file.name)
        return made_from

    width = 4 if dtype == "float32" else 2
    recipe = Recipe(f"gguf-{made_from[:32]}", file.name, numbers * width + (64 << 20), make)
    return cache.build(recipe, progress)


def _stored_dtype(file: Path, shown_as: str) -> tuple[str, int]:
    """The dtype that loses nothing of a GGUF file's matrices, and how many numbers they hold.

    Quantised blocks are a few bits and a scale: bfloat16 is theirs. Unquantised ones keep what they have.
    """
    with needing(_PURPOSE):
        from gguf import GGMLQuantizationType, GGUFReader
    try:
        read_gguf_header(file)  # the library trusts counts and lengths; ours does not
        reader = GGUFReader(file)
    except OSError as error:
        raise DiagnosticError([GgufUnreadable(None, shown_as, error.strerror or str(error))]) from error
    except NotGguf as error:
        raise DiagnosticError([GgufUnreadable(None, shown_as, "it does not begin with GGUF")]) from error
    except GgufDamaged as error:
        raise DiagnosticError([GgufUnreadable(None, shown_as, str(error))]) from error
    except (ValueError, IndexError, KeyError, OverflowError) as error:
        raise DiagnosticError([GgufUnreadable(None, shown_as, "it ends before its last tensor")]) from error
    kinds = {tensor.tensor_type for tensor in reader.tensors if len(tensor.shape) > 1}
    numbers = sum(int(tensor.n_elements) for tensor in reader.tensors)
    if GGMLQuantizationType.F32 in kinds:
        return "float32", numbers
    return ("float16" if GGMLQuantizationType.F16 in kinds else "bfloat16"), numbers


def _first_line(error: BaseException) -> str:
    text = str(error).strip() or type(error).__name__
    return text.splitlines()[0]
