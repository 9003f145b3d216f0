"""Where a trained model goes: into a folder of its own, whole or not at all."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any


def publish(model: Any, tokenizer: Any | None, folder: Path) -> None:
    """Write what `save_pretrained` writes into a folder; the files of an older one are replaced.

    With a tokenizer it is a whole model; without, an adapter: the additions and the trained rows alone.
    """
    fresh = folder.with_name(f".{folder.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    # An adapter of a model that has new rows would be saved with all rows, old ones too.
    model.save_pretrained(fresh, **({"save_embedding_layers": False} if tokenizer is None else {}))
    (fresh / "README.md").unlink(missing_ok=True)  # a form to be filled in; ours is written by itself
    if tokenizer is not None:
        tokenizer.save_pretrained(fresh)
    folder.mkdir(parents=True, exist_ok=True)
    for file in sorted(fresh.iterdir()):
        os.replace(file, folder / file.name)
    fresh.rmdir()
