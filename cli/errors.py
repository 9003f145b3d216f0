"""The catalogue of mistakes around the program: SP09xx, the command line, files and the environment."""

from __future__ import annotations

from typing import ClassVar

from ..grammar import Diagnostic, ExampleKind, Severity, did_you_mean


class CommandLineError(Diagnostic):
    """A mistake that says itself with which code the program ends."""

    exit_code: ClassVar[int] = 2
    example: ClassVar[ExampleKind] = "shell"


class NoSuchFile(CommandLineError):
    """A path that leads nowhere."""

    path: str
    others: tuple[str, ...] = ()

    code = "SP0901"
    title = "there is no file `{path}`"
    rule = (
        "A path on the command line names a file that exists, from the folder in which the command runs. `-` is "
        "standard input."
    )
    wrong = "specplan check plans/ngrm.yaml"
    right = "specplan check plans/ngram.yaml"

    def help(self) -> tuple[str, ...]:
        """The file that was probably meant."""
        return did_you_mean(self.path, self.others)


class IsFolder(CommandLineError):
    """A folder where a file is read."""

    path: str

    code = "SP0902"
    title = "`{path}` is a folder, and a file is wanted"
    rule = "Commands read one file. What `compile -o` wrote is read through the graph inside it."
    wrong = "specplan run build/"
    right = "specplan run build/graph.txt"

    def help(self) -> tuple[str, ...]:
        """The file in it that a compile would have written."""
        return (f"after `compile -o`, the graph is `{self.path.rstrip('/')}/graph.txt`",)


class CannotRead(CommandLineError):
    """The system refuses to let us read."""

    path: str
    reason: str

    code = "SP0903"
    title = "cannot read `{path}`: {reason}"
    rule = (
        "A file that a command reads must be readable for whoever runs it. The words behind the colon are the "
        "system's own."
    )
    wrong = "specplan check /root/plan.yaml"
    right = "specplan check plan.yaml"


class CannotWrite(CommandLineError):
    """The system refuses to let us write."""

    path: str
    reason: str

    code = "SP0904"
    title = "cannot write `{path}`: {reason}"
    rule = (
        "A result is written whole or not at all: nothing is left where it could not be finished. The words behind "
        "the colon are the system's own."
    )
    wrong = "specplan compile plan.yaml -o /proc/build"
    right = "specplan compile plan.yaml -o build"


class NotOurFolder(CommandLineError):
    """An output folder with something in it that we did not write."""

    path: str
    found: str

    code = "SP0905"
    title = "`{path}` holds `{found}`, which specplan did not write"
    rule = (
        "A folder that is written again is replaced as a whole. So it must be new, empty, or hold only what its "
        "manifest.json lists."
    )
    wrong = "specplan compile plan.yaml -o ~/Documents"
    right = "specplan compile plan.yaml -o build"

    def help(self) -> tuple[str, ...]:
        """Another folder, or the option that leaves the others' files alone."""
        return ("name another folder, or write beside what is there with --force",)


class IsFile(CommandLineError):
    """A file where a folder is written."""

    path: str

    code = "SP0913"
    title = "`{path}` is a file, and a folder is written here"
    rule = (
        "`compile -o` and `--dump-passes` write a folder: the graph, what the backend runs, and a manifest. A file that "
        "is there already is never replaced by it."
    )
    wrong = "specplan compile plan.yaml -o plan.yaml"
    right = "specplan compile plan.yaml -o build"

    def help(self) -> tuple[str, ...]:
        """The way to a single file."""
        return ("name a folder; for the graph alone, redirect what `compile` prints: `specplan compile PLAN > FILE`",)


class OneFolderTwice(CommandLineError):
    """Two results that would overwrite each other."""

    path: str

    code = "SP0914"
    title = "`-o` and `--dump-passes` both name the folder `{path}`"
    rule = "A folder that is written is replaced as a whole, so two results need two folders."
    wrong = "specplan compile plan.yaml -o build --dump-passes build"
    right = "specplan compile plan.yaml -o build --dump-passes passes"


class NotInstalled(CommandLineError):
    """A library of an extra that is not there."""

    library: str
    extra: str

    exit_code: ClassVar[int] = 3
    code = "SP0906"
    title = "this needs `{library}`, which is not installed"
    rule = (
        "The base install is the compiler alone: check, compile and explain. What runs a graph comes with an extra of"
        " the package, named after the engine, and what `bench` draws tables and pictures with is in the extra `bench`."
    )
    wrong = "pip install specplan && specplan run plan.yaml"
    right = "pip install 'specplan[eager]' && specplan run plan.yaml"

    def help(self) -> tuple[str, ...]:
        """The command that installs it."""
        return (f"pip install 'specplan[{self.extra}]'",)


class NoPrompt(CommandLineError):
    """Nothing to answer."""

    code = "SP0907"
    title = "there is no prompt"
    rule = (
        "`run` answers what --prompt says, the lines of a --prompts file, or the text on standard input, which is not"
        " waited for on a terminal."
    )
    wrong = "specplan run plan.yaml"
    right = "specplan run plan.yaml --prompt 'Why is the sky blue?'"

    def help(self) -> tuple[str, ...]:
        """How to say one."""
        return ("say it with --prompt TEXT, with --prompts FILE.jsonl, or on standard input",)


class StdinTwice(CommandLineError):
    """Two things that both want standard input."""

    code = "SP0908"
    title = "standard input cannot be both the plan and the prompts"
    rule = "`-` is standard input, and it can be read once."
    wrong = "cat plan.yaml | specplan run - --prompts -"
    right = "cat plan.yaml | specplan run - --prompts prompts.jsonl"


class BadPromptLine(CommandLineError):
    """A line of a prompts file that is no prompt."""

    reason: str

    exit_code: ClassVar[int] = 1
    code = "SP0909"
    title = "this line is no prompt: {reason}"
    label = "{reason}"
    rule = (
        "A prompts file has a JSON object per line, with the text under `prompt` and, if you like, a text or "
        'whole number under `id`, which no other line has (1 and "1" are the same), and a text under `category`; other '
        "fields are left alone, and so are empty lines. Without an `id` the number of the line is taken."
    )
    wrong = """echo '{"promt": "Hello"}' | specplan run plan.yaml --prompts -"""
    right = """echo '{"prompt": "Hello"}' | specplan run plan.yaml --prompts -"""


class NoSuchCode(CommandLineError):
    """A code that no diagnostic has."""

    name: str
    known: tuple[str, ...]

    code = "SP0910"
    title = "no diagnostic has the code `{name}`"
    rule = (
        "Codes are SP and four digits, as diagnostics show them in brackets. `specplan explain-code` alone lists them"
        " all."
    )
    wrong = "specplan explain-code SP9999"
    right = "specplan explain-code SP0901"

    def help(self) -> tuple[str, ...]:
        """The code that was probably meant."""
        return (*did_you_mean(self.name, self.known), "`specplan explain-code` alone lists them all")


class NoSuchPass(CommandLineError):
    """A word that names no pass."""

    name: str
    known: tuple[str, ...]

    code = "SP0911"
    title = "no pass is called `{name}`"
    rule = (
        "`--stop-after` names the last pass to run, any pass there is, whether or not it changes this plan; `lower` "
        "stands for what there is before the first."
    )
    wrong = "specplan compile plan.yaml --stop-after fuse_prompt"
    right = "specplan compile plan.yaml --stop-after fuse_prompts"

    def help(self) -> tuple[str, ...]:
        """The pass that was probably meant, or all of them."""
        return (*did_you_mean(self.name, self.known), f"the passes are {', '.join(self.known)}")


class EngineCannotRun(CommandLineError):
    """A graph with nodes that its engine has no code for."""

    engine: str

    exit_code: ClassVar[int] = 3
    code = "SP0912"
    title = "the {engine} engine cannot run this yet"
    rule = (
        "Every plan can be checked, compiled and explained; an engine runs the nodes that it knows. A note at each "
        "node that it does not know names the engines that do."
    )
    wrong = "specplan run specs/plans/pasta.yaml --prompt 'Name three metals.'"
    right = "specplan run specs/plans/ngram.yaml --prompt 'Name three metals.'"

    def help(self) -> tuple[str, ...]:
        """Where the reasons stand."""
        return ("the notes above say which nodes, and which engines can",)


class ToyTables(CommandLineError):
    """A run whose text means nothing."""

    severity = Severity.WARNING
    code = "SP0915"
    title = "the reference engine runs toy tables in the place of models: its text and its numbers are no model's"
    rule = (
        "The reference engine puts small tables of probabilities in the place of models, and a shrunk graph in the place "
        "of the plan's, so that any plan can be watched and proved. Real models are run by the other engines."
    )
    wrong = "specplan run plan.yaml --engine reference --prompt 'Why is the sky blue?'"
    right = "specplan run plan.yaml --engine eager --prompt 'Why is the sky blue?'"


class NoSuchBaseline(CommandLineError):
    """A rival that is neither a baseline nor a file."""

    name: str
    known: tuple[str, ...]

    code = "SP0916"
    title = "`{name}` is neither a baseline nor a plan's file"
    rule = (
        "`bench --against` takes the name of a baseline, or the path of another plan or graph, which has a dot or a slash "
        "in it."
    )
    wrong = "specplan bench plan.yaml --against autoregresive"
    right = "specplan bench plan.yaml --against autoregressive"

    def help(self) -> tuple[str, ...]:
        """The baseline that was probably meant, and all of them."""
        return (*did_you_mean(self.name, self.known), f"the baselines are {', '.join(self.known)}")


class NotTogether(CommandLineError):
    """An option that would be ignored, or spoil what another one asks for."""

    option: str
    other: str
    instead: str

    code = "SP0917"
    title = "`{option}` does not go {other}"
    rule = (
        "`bench --certify` times nothing, so it takes no --against, --repeats, --warmup or --plot; --redraws counts what the "
        "certificate of a plan that samples is made of, and goes with nothing else. `run --svg` draws what `--show forks` "
        "shows. `run --format json` gives the text both with its tags and without, so there is nothing for --keep-annotations to "
        "choose. Standard output has the result, so a picture goes into a file."
    )
    wrong = "specplan bench plan.yaml --certify --repeats 3"
    right = "specplan bench plan.yaml --certify --redraws 10000"

    def help(self) -> tuple[str, ...]:
        """What to type."""
        return (self.instead,)


class OneVocabulary(CommandLineError):
    """A pair of models that have one vocabulary."""

    drafter: str
    target: str
    vocabulary: str

    exit_code: ClassVar[int] = 1
    code = "SP0918"
    title = "`{drafter}` and `{target}` have one vocabulary, {vocabulary}, so there is no pair to count"
    rule = (
        "`calibrate pair` counts what two vocabularies share. Models of one vocabulary share all of it, and draft for each "
        "other without any translation."
    )
    wrong = "specplan calibrate pair smollm2-135m-instruct smollm2-135m-pard"
    right = "specplan calibrate pair smollm2-135m-instruct qwen2.5-coder-1.5b-instruct"


class NoVocabulary(CommandLineError):
    """Prompt tokens where a model is wanted."""

    name: str

    exit_code: ClassVar[int] = 1
    code = "SP0919"
    title = "`{name}` is prompt tokens that ride a model, and has no vocabulary of its own"
    rule = "`calibrate pair` takes two models, named as under `source:` of a plan; what rides a model has its words."
    wrong = "specplan calibrate pair ppd-smollm2-135m qwen2.5-coder-1.5b-instruct"
    right = "specplan calibrate pair smollm2-135m-instruct qwen2.5-coder-1.5b-instruct"


class NeverForks(CommandLineError):
    """Forks are to be shown of a plan that has none."""

    option: str
    plan: str

    code = "SP0920"
    title = "`{option}` has nothing to show: `{plan}` never forks"
    rule = (
        "`run --show forks` draws the threads of an answer, and --keep-annotations prints the tags that open them. Only "
        "plans with `fork_join` have threads, and only models that were trained to write tags open any."
    )
    wrong = "specplan run ngram.yaml --show forks --prompt 'List five uses of copper.'"
    right = "specplan run pasta.yaml --show forks --prompt 'List five uses of copper.'"

    def help(self) -> tuple[str, ...]:
        """How a plan comes to fork."""
        return ("a plan forks with `decode: fork_join(pasta(max_forks=8), ...)`, on a model with `tags: pasta`",)


class OptionUnused(CommandLineError):
    """An option that another one leaves without a use."""

    option: str
    other: str

    code = "SP0921"
    title = "`{option}` has no use with `{other}`"
    rule = (
        "`train` ignores nothing that was said: prompts that are given are not counted out, whole weights have no rank, and "
        "without rounds nothing is preferred."
    )
    wrong = "specplan train pasta -o my-pasta --full --rank 8"
    right = "specplan train pasta -o my-pasta --rank 8"

    def help(self) -> tuple[str, ...]:
        """What to type."""
        return ("leave one of the two out",)
