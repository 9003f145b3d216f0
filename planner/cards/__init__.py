"""What is known of models, devices and pairs of vocabularies: read from specs, config.json and GGUF headers."""

from .adapted import adapted, misfits
from .adapter import CONFIG, MANIFEST, WEIGHTS, Adapter, Addition, Rows, read_adapter
from .card_files import Card, DeviceFile, ModelFile, PairFile, PromptsFile, read_card, read_device, read_pair
from .config_json import read_config_folder
from .device import DeviceProfile
from .dtypes import BITS, bytes_of
from .gguf import read_gguf
from .gguf_header import GgufDamaged, GgufHeader, NotGguf, read_gguf_header
from .model_card import TRAITS, ModelCard, Packages, PromptsCard, TokenizerKind, Traits
from .pair import Pair, Rehearsal
from .source import (
    DEFAULT_DEVICE,
    SPECS,
    find_adapter,
    find_device,
    find_pair,
    find_source,
    is_path,
    known_devices,
    known_models,
    pair_at,
    pair_file,
    resolve_source,
)
from .trained import Trained

__all__ = [
    "BITS",
    "CONFIG",
    "DEFAULT_DEVICE",
    "MANIFEST",
    "SPECS",
    "TRAITS",
    "WEIGHTS",
    "Adapter",
    "Addition",
    "Card",
    "DeviceFile",
    "DeviceProfile",
    "GgufDamaged",
    "GgufHeader",
    "ModelCard",
    "ModelFile",
    "NotGguf",
    "Packages",
    "Pair",
    "PairFile",
    "PromptsCard",
    "PromptsFile",
    "Rehearsal",
    "Rows",
    "TokenizerKind",
    "Trained",
    "Traits",
    "adapted",
    "bytes_of",
    "find_adapter",
    "find_device",
    "find_pair",
    "find_source",
    "is_path",
    "known_devices",
    "known_models",
    "misfits",
    "pair_at",
    "pair_file",
    "read_adapter",
    "read_card",
    "read_config_folder",
    "read_device",
    "read_gguf",
    "read_gguf_header",
    "read_pair",
    "resolve_source",
]
