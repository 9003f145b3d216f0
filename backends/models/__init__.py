"""Real models: the packaged ones and how they are fetched, loading, tokenizers, text that streams."""

from .cache import ModelCache, model_cache
from .declared import load_declared, torch_device
from .errors import DeviceMissing, NoChatTemplate, TextNotUnicode
from .fetch import ListedModel, fetch, list_models, path
from .load import Dtype, load_model, load_tokenizer
from .loaded import LoadedModel
from .manifest import sha256_of
from .out_of_memory import asked_for, is_out_of_memory
from .packaged import PackagedModel, packaged_models
from .pair import Named, count_pair
from .progress import Lines, Progress, Silent, shown_on
from .quiet import quiet_transformers
from .source import model_folder
from .stop_strings import StopStrings
from .tags import add_tags, has_tags, tag_ids
from .text_stream import Detokenizer, TextStream
from .tokenizer import ChatEncoder, Template, eos_ids
from .words import TokenizerWords

__all__ = [
    "ChatEncoder",
    "Detokenizer",
    "DeviceMissing",
    "Dtype",
    "Lines",
    "ListedModel",
    "LoadedModel",
    "ModelCache",
    "Named",
    "NoChatTemplate",
    "PackagedModel",
    "Progress",
    "Silent",
    "StopStrings",
    "Template",
    "TextNotUnicode",
    "TextStream",
    "TokenizerWords",
    "add_tags",
    "asked_for",
    "count_pair",
    "eos_ids",
    "fetch",
    "has_tags",
    "is_out_of_memory",
    "list_models",
    "load_declared",
    "load_model",
    "load_tokenizer",
    "model_cache",
    "model_folder",
    "packaged_models",
    "path",
    "quiet_transformers",
    "sha256_of",
    "shown_on",
    "tag_ids",
    "torch_device",
]
