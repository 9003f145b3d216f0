"""How far training has come, as a file: what was learned, and the optimizer's memory."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...grammar import DiagnosticError
from .errors import FileDamaged
from .rows import refuse_other_run

if TYPE_CHECKING:
    from torch import Tensor

CHECKPOINT = "checkpoint.pt"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What training needs to go on, and the settings without which it would not go on to the same."""

    file: Path
    made_by: dict[str, Any]
    trained: dict[str, Tensor]
    optimizer: Any

    def save(self, done: int) -> None:
        """Write all of it, or, if that is interrupted, nothing."""
        import torch

        held = {name: each.detach() for name, each in self.trained.items()}
        state = {"done": done, "recipe": self.made_by, "trained": held, "optimizer": self.optimizer.state_dict()}
        fresh = self.file.with_suffix(".new")
        try:
            torch.save(state, fresh)
            os.replace(fresh, self.file)
        finally:
            fresh.unlink(missing_ok=True)

    def restore(self) -> int:
        """Put back what was saved; how many steps are done.

        Raises `DiagnosticError` where the file was made with other settings (SP0850), or nobody can read it (SP0859).
        """
        if not self.file.exists():
            return 0
        state = self._read()
        refuse_other_run(self.file, state["recipe"], self.made_by)
        try:
            return self._put_back(state)
        except (AttributeError, KeyError, RuntimeError, TypeError, ValueError) as error:
            raise self._damaged("what it holds does not fit the model") from error

    def discard(self) -> None:
        """Forget what was saved."""
        self.file.unlink(missing_ok=True)

    def _read(self) -> dict[str, Any]:
        import torch

        with self.file.open("rb") as file:
            try:
                state = torch.load(file, map_location="cpu", weights_only=True)
            except MemoryError:
                raise
            except Exception as error:  # bytes that others wrote: whatever else is raised, they are the cause
                raise self._damaged("it cannot be read") from error
        if not isinstance(state, dict) or not isinstance(state.get("recipe"), dict):
            raise self._damaged("it is no checkpoint")
        return state

    def _put_back(self, state: dict[str, Any]) -> int:
        import torch

        done = int(state["done"])
        with torch.no_grad():
            for name, each in self.trained.items():
                each.copy_(state["trained"][name])
        self.optimizer.load_state_dict(state["optimizer"])
        return done

    def _damaged(self, reason: str) -> DiagnosticError:
        return DiagnosticError([FileDamaged(None, str(self.file), reason, "its stage is trained again")])
