"""Real models: the packaged ones and how they are fetched, loading, tokenizers, text that streams."""

from .cache import ModelCache, model_cache
from .errors import TextNotUnicode
from .fetch import ListedModel, fetch, list_models, path
from .load import Dtype, LoadedModel, load_model, load_tokenizer
from .packaged import PackagedModel, packaged_models
from .progress import Lines, Progress, Silent, shown_on
from .source import model_folder
from .stop_strings import StopStrings
from .text_stream import Detokenizer, TextStream
from .tokenizer import ChatEncoder, Template, eos_ids

__all__ = [
    "ChatEncoder",
    "Detokenizer",
    "Dtype",
    "Lines",
    "ListedModel",
    "LoadedModel",
    "ModelCache",
    "PackagedModel",
    "Progress",
    "Silent",
    "StopStrings",
    "Template",
    "TextNotUnicode",
    "TextStream",
    "eos_ids",
    "fetch",
    "list_models",
    "load_model",
    "load_tokenizer",
    "model_cache",
    "model_folder",
    "packaged_models",
    "path",
    "shown_on",
]
