"""Real models: the packaged ones and how they are fetched, loading, tokenizers, text that streams."""

from .cache import ModelCache, model_cache
from .fetch import ListedModel, fetch, list_models, path
from .load import Dtype, LoadedModel, load_model, load_tokenizer
from .packaged import PACKAGED, PackagedModel
from .progress import Lines, Progress, Silent, shown_on
from .source import model_folder

__all__ = [
    "PACKAGED",
    "Dtype",
    "Lines",
    "ListedModel",
    "LoadedModel",
    "ModelCache",
    "PackagedModel",
    "Progress",
    "Silent",
    "fetch",
    "list_models",
    "load_model",
    "load_tokenizer",
    "model_cache",
    "model_folder",
    "path",
    "shown_on",
]
