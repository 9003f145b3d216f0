"""The catalogue of mistakes about what is known of models and devices: SP0400 to SP0449."""

from __future__ import annotations

from typing import ClassVar

from ...grammar import Diagnostic, ExampleKind, Label, Severity, closest, did_you_mean

_PLAN = """\
specplan: 1
models:
  target: {{source: {source}}}
decode: autoregressive(target)
"""
_RIGHT = _PLAN.format(source="smollm2-135m-instruct")


class UnknownModelName(Diagnostic):
    """A name that no card has."""

    name: str
    known: tuple[str, ...]

    code = "SP0400"
    title = "no model `{name}` is known here"
    label = "there is no such card"
    rule = (
        "A source is the name of a card that comes with specplan, a card or a folder beside the plan (`./my.yaml`, "
        "`./my-model`), a GGUF file (`my.gguf`), or a hub name (`org/name`) that some card carries."
    )
    wrong = _PLAN.format(source="smollm-135m-instruct")
    right = _RIGHT

    def help(self) -> tuple[str, ...]:
        """The name that was probably meant, and what else there is."""
        near = did_you_mean(self.name, self.known)
        return near or (f"known are {', '.join(f'`{each}`' for each in self.known)}",)


class NoSuchModelFile(Diagnostic):
    """A path to nothing."""

    path: str
    beside: tuple[str, ...] = ()

    code = "SP0401"
    title = "there is nothing at `{path}`"
    label = "no file and no folder"
    rule = (
        "A source that begins with `.` or `/`, or ends in `.gguf` or `.yaml`, is a path. Paths are counted from the "
        "folder that the plan is in."
    )
    wrong = _PLAN.format(source="./no-such-folder")
    right = _RIGHT

    def help(self) -> tuple[str, ...]:
        """The neighbour that was probably meant."""
        return did_you_mean(self.path.rpartition("/")[2], self.beside)


class NotAModelPath(Diagnostic):
    """A path to something else."""

    path: str
    found: str

    code = "SP0402"
    title = "`{path}` is {found}, and no model can be read from that"
    label = "a card, a folder with a `config.json`, or a GGUF file is wanted"
    rule = (
        "Three kinds of files say what a model is: a card (`.yaml`), a folder with the `config.json` of the Hugging "
        "Face formats, and a GGUF file (`.gguf`)."
    )
    wrong = "models: {target: {source: ./a-folder-without-config-json}}"
    right = "models: {target: {source: ./a-folder-with-config-json}}"
    example: ClassVar[ExampleKind] = "none"


class CannotReadModelFile(Diagnostic):
    """The system refuses, or the file is far too large for what it should be."""

    path: str
    reason: str

    code = "SP0403"
    title = "cannot read `{path}`: {reason}"
    label = "named here"
    rule = (
        "The files that say what a model is must be readable for whoever runs the compiler, and of a size that such "
        "files have. The words behind the colon are the system's own."
    )
    wrong = "models: {target: {source: ./a-folder-of-someone-else}}"
    right = "models: {target: {source: ./a-folder-of-mine}}"
    example: ClassVar[ExampleKind] = "none"


class BrokenConfig(Diagnostic):
    """A config.json that is not JSON."""

    path: str
    reason: str

    code = "SP0404"
    title = "`{path}` is not the JSON of a model's configuration: {reason}"
    label = "named here"
    rule = (
        "A model's folder holds a `config.json`: one JSON object in UTF-8, with `model_type` and the sizes of the "
        "model. A file that git-lfs or an interrupted download left behind is not one."
    )
    wrong = "models: {target: {source: ./half-downloaded}}"
    right = "models: {target: {source: ./downloaded-anew}}"
    example: ClassVar[ExampleKind] = "none"


class ModelFactsMissing(Diagnostic):
    """A configuration or header without something we need."""

    path: str
    keys: tuple[str, ...]

    code = "SP0405"
    title = "`{path}` does not say {missing}"
    label = "named here"
    rule = (
        "To check a plan, the compiler must know a model's layers, heads, sizes, vocabulary and longest context. A "
        "decoder-only model's `config.json` or GGUF header has them all."
    )
    wrong = "models: {target: {source: ./a-vision-encoder}}"
    right = "models: {target: {source: ./a-language-model}}"
    example: ClassVar[ExampleKind] = "none"

    def message(self) -> str:
        """The keys, spelled as they would be in the file."""
        return self.title.format(path=self.path, missing=", ".join(f"`{key}`" for key in self.keys))

    def help(self) -> tuple[str, ...]:
        """The way round."""
        return ("a card of your own (`source: ./my-model.yaml`) can say what a file does not",)


class ModelFactWrong(Diagnostic):
    """A value that cannot be."""

    path: str
    key: str
    reason: str

    code = "SP0406"
    title = "`{key}` in `{path}` cannot be: {reason}"
    label = "named here"
    rule = (
        "Sizes are whole numbers above zero, token ids lie inside the vocabulary, and the number of key-value heads "
        "divides the number of heads. A model that says otherwise would not load."
    )
    wrong = "models: {target: {source: ./config-with-minus-2-layers}}"
    right = "models: {target: {source: ./config-with-2-layers}}"
    example: ClassVar[ExampleKind] = "none"


class NotThisKindOfModel(Diagnostic):
    """Encoders, mixtures of experts, recurrent layers."""

    path: str
    kind: str

    code = "SP0407"
    title = "`{path}` is {kind}, which no plan can decode yet"
    label = "named here"
    rule = (
        "Plans are about decoder-only transformers with a cache of keys and values: guesses are checked in one masked "
        "pass and then taken back row by row, which recurrent states do not allow. The memory and cost of mixtures of "
        "experts and of quantized folders are not known to the cost model yet."
    )
    wrong = "models: {target: {source: ./t5}}"
    right = "models: {target: {source: ./llama}}"
    example: ClassVar[ExampleKind] = "none"


class NotAGgufFile(Diagnostic):
    """Another kind of file under that name."""

    path: str

    code = "SP0408"
    title = "`{path}` is not a GGUF file"
    label = "named here"
    rule = "A GGUF file begins with the four letters GGUF. A page that says `not found` or a git-lfs pointer does not."
    wrong = "models: {target: {source: ./a-web-page.gguf}}"
    right = "models: {target: {source: ./model.gguf}}"
    example: ClassVar[ExampleKind] = "none"

    def help(self) -> tuple[str, ...]:
        """The usual reason."""
        return ("was the download cut short, or is this the page that leads to it?",)


class GgufHeaderDamaged(Diagnostic):
    """A header that ends too early or claims too much."""

    path: str
    reason: str

    code = "SP0409"
    title = "the header of `{path}` is damaged: {reason}"
    label = "named here"
    rule = (
        "The counts and lengths in a GGUF header must fit into the file, which must be of version 2 or 3 and "
        "little-endian. Nothing is read from a file whose header contradicts itself."
    )
    wrong = "models: {target: {source: ./cut-short.gguf}}"
    right = "models: {target: {source: ./whole.gguf}}"
    example: ClassVar[ExampleKind] = "none"


class NoCardForHubName(Diagnostic):
    """A hub name that no card carries; compiling never asks a hub."""

    name: str
    known: tuple[str, ...]

    code = "SP0410"
    title = "no card knows the hub model `{name}`"
    label = "compiling asks no hub"
    rule = (
        "The same plan gives the same bytes on every machine, so compiling reads only the plan, the cards that come "
        "with specplan and files that the plan names. A hub name is found through a card that carries it as `hub:`."
    )
    wrong = _PLAN.format(source="somebody/some-model")
    right = _PLAN.format(source="HuggingFaceTB/SmolLM2-135M-Instruct")

    def help(self) -> tuple[str, ...]:
        """The two ways, and the name that was probably meant."""
        near = closest(self.name, self.known)
        return (
            *(() if near is None else (f"did you mean `{near}`?",)),
            "download the model and name its folder: `source: ./my-model`",
            f"or write a card, `source: ./my-model.yaml`, with `hub: {self.name}` and what its config.json says",
        )


class BrokenCard(Diagnostic):
    """A card, a device profile or a pair with mistakes of its own."""

    path: str
    mistakes: tuple[Diagnostic, ...]

    code = "SP0411"
    title = "`{path}` cannot be used: {first}"
    label = "named here"
    rule = (
        "Cards of models and prompts, profiles of devices and pairs of vocabularies are YAML files with fixed keys, "
        "each with its type. The files in `specs/` are examples of all of them."
    )
    wrong = "models: {target: {source: ./a-card-without-layers.yaml}}"
    right = "models: {target: {source: ./a-whole-card.yaml}}"
    example: ClassVar[ExampleKind] = "none"

    def message(self) -> str:
        """The first of the mistakes; the others are shown in their place."""
        return self.title.format(path=self.path, first=self.mistakes[0].message())

    def related(self) -> tuple[Label, ...]:
        """Each mistake in the file that has it."""
        return tuple(
            Label(each.span, f"{each.code}: {each.label_text() or each.message()}")
            for each in self.mistakes[:8]
            if each.span is not None
        )

    def help(self) -> tuple[str, ...]:
        """What the mistakes themselves suggest."""
        return tuple(dict.fromkeys(words for each in self.mistakes[:8] for words in each.help()))


class CardFactWrong(Diagnostic):
    """Values on a card that do not go together."""

    key: str
    reason: str

    code = "SP0412"
    title = "`{key}` on this card cannot be: {reason}"
    label = "cannot be: {reason}"
    rule = (
        "What a card says must go together: token ids lie inside the vocabulary, entries within its rows, key-value "
        "heads divide heads, and accuracies are `depth` rows of `top` numbers between 0 and 1 that add up to at most 1."
    )
    wrong = "heads: 9\nkv_heads: 2"
    right = "heads: 9\nkv_heads: 3"
    example: ClassVar[ExampleKind] = "none"


class UnknownDevice(Diagnostic):
    """A device without a profile."""

    name: str
    known: tuple[str, ...]

    code = "SP0413"
    title = "no profile of a device `{name}` is known"
    label = "there is no such profile"
    rule = (
        "A plan is compiled for a named profile of a device, never for the machine that happens to compile it. "
        "`auto` means the default profile, `cpu`, and binds to what is there when the plan runs."
    )
    wrong = _RIGHT + "backend: {engine: eager, device: h2000}\n"
    right = _RIGHT + "backend: {engine: eager, device: h200}\n"

    def help(self) -> tuple[str, ...]:
        """The profile that was probably meant, and all there are."""
        return (*did_you_mean(self.name, self.known), f"known are {', '.join(f'`{each}`' for each in self.known)}")


class NoSuchAdapter(Diagnostic):
    """An adapter that is no folder."""

    path: str
    beside: tuple[str, ...] = ()

    code = "SP0414"
    title = "there is no adapter's folder at `{path}`"
    label = "no folder"
    rule = (
        "An adapter is a folder beside the plan, `./my-adapter`, as peft's `save_pretrained` and `specplan train` write it. "
        "Compiling asks no hub: one of a hub is downloaded first."
    )
    wrong = "models: {target: {source: smollm2-135m-instruct, adapter: somebody/some-adapter}}"
    right = "models: {target: {source: smollm2-135m-instruct, adapter: ./some-adapter}}"
    example: ClassVar[ExampleKind] = "none"

    def help(self) -> tuple[str, ...]:
        """The neighbour that was probably meant; paths begin with a dot."""
        near = closest(self.path.rpartition("/")[2], self.beside)
        way = "write the path of its folder, `adapter: ./dir`; it is counted from the plan's own"
        return (*(() if near is None else (f"did you mean `./{near}`?",)), way)


class NotAnAdapter(Diagnostic):
    """A folder without an adapter's files, or with files of other kinds."""

    path: str
    reason: str

    code = "SP0415"
    title = "`{path}` is no adapter: {reason}"
    label = "named here"
    rule = (
        "An adapter's folder holds `adapter_config.json` and the weights as `adapter_model.safetensors`. Reading a pickle "
        "can run any code that its author put there, so pickles are not opened."
    )
    wrong = "models: {target: {source: smollm2-135m-instruct, adapter: ./a-folder-with-adapter_model.bin}}"
    right = "models: {target: {source: smollm2-135m-instruct, adapter: ./a-folder-with-adapter_model.safetensors}}"
    example: ClassVar[ExampleKind] = "none"


WHOLE_MATRIX = "a whole matrix"


class AdapterNotPlain(Diagnostic):
    """An adapter that does more than add low-rank products to linear layers and replace rows of tokens."""

    path: str
    key: str
    value: str

    code = "SP0416"
    title = "`{path}` is a kind of adapter that is not put on models here: `{key}` is {value}"
    label = "named here"
    rule = (
        "Low-rank additions to linear layers (LoRA) and rows of single tokens are merged into a model's weights. What else "
        "peft offers (DoRA, trained biases, whole modules, prompts) would be left out silently, so it is refused."
    )
    wrong = 'adapter_config.json: {"peft_type": "LORA", "use_dora": true}'
    right = 'adapter_config.json: {"peft_type": "LORA", "use_dora": false}'
    example: ClassVar[ExampleKind] = "none"

    def help(self) -> tuple[str, ...]:
        """Peft can merge it, or leave away what was not trained."""
        merge = "merge it with peft (`merge_and_unload`), save the model, and name its folder: `source: ./dir`"
        if self.value != WHOLE_MATRIX:
            return (merge,)
        return ("if it was not trained, save the adapter with `save_embedding_layers=False`", merge)


class AdapterDamaged(Diagnostic):
    """Files of an adapter that contradict themselves or each other."""

    path: str
    reason: str

    code = "SP0417"
    title = "the adapter `{path}` is damaged: {reason}"
    label = "named here"
    rule = (
        "The header of an adapter's weights must be whole, every tensor must be a half of a low-rank addition or the rows of "
        "tokens, and ranks, scales and tokens must be those of `adapter_config.json`."
    )
    wrong = "head -c 100000 adapter_model.safetensors > part; mv part adapter_model.safetensors"
    right = "sha256sum adapter_model.safetensors  # compare with the publisher's, and use the whole file"
    example: ClassVar[ExampleKind] = "none"


class AdapterOfOther(Diagnostic):
    """An adapter and a model that were not made for each other."""

    path: str
    model: str
    reason: str
    way: str | None = None

    code = "SP0418"
    title = "the adapter `{path}` does not fit `{model}`: {reason}"
    label = "made for another model"
    rule = (
        "An adapter is added to the very weights that it was trained on, and speaks the tokens of their tokenizer. On others "
        "it would load and talk nonsense. What specplan trains says which they are, in `trained.yaml`; of any other adapter, "
        "the shapes must fit."
    )
    wrong = "models: {target: {source: qwen2.5-coder-1.5b-instruct, adapter: ./trained-on-smollm2}}"
    right = "models: {target: {source: smollm2-135m-instruct, adapter: ./trained-on-smollm2}}"
    example: ClassVar[ExampleKind] = "none"

    def help(self) -> tuple[str, ...]:
        """The model that it is for."""
        return () if self.way is None else (self.way,)


class AdapterOtherDtype(Diagnostic):
    """Weights in a type that cannot hold those that an adapter was trained on."""

    path: str
    dtype: str
    trained: str

    code = "SP0419"
    severity: ClassVar[Severity] = Severity.WARNING
    title = "the adapter `{path}` was trained on weights of {trained}, and the plan runs them in {dtype}"
    label = "rounds what it was trained on"
    rule = (
        "An adapter is added to the weights in the plan's type. Where that type cannot hold the numbers that it was trained "
        "on, both are rounded, and the model says something slightly different from what was measured."
    )
    wrong = "models: {target: {source: smollm2-135m-instruct, dtype: float16, adapter: ./trained-on-bfloat16}}"
    right = "models: {target: {source: smollm2-135m-instruct, dtype: bfloat16, adapter: ./trained-on-bfloat16}}"
    example: ClassVar[ExampleKind] = "none"

    def help(self) -> tuple[str, ...]:
        """A type that holds them."""
        return (f"write `dtype: {self.trained}`, or `dtype: float32`",)
