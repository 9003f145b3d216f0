"""Real models for tests: fetched once into the user's cache, shared by all sessions that come later."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def smollm2_path() -> Path:
    """The prepared folder of smollm2-135m-instruct; the first session of a machine downloads it."""
    pytest.importorskip("torch")
    from specplan.backends.models import path

    return path("smollm2-135m-instruct")
