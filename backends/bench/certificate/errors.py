"""The catalogue of what stands in the way of a certificate: SP0820."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ....grammar import Diagnostic, ExampleKind


@dataclass(frozen=True)
class NoCertificate(Diagnostic):
    """A plan that there is nothing to hold against."""

    reason: str

    code: ClassVar[str] = "SP0820"
    title: ClassVar[str] = "there is no certificate for this: {reason}"
    rule: ClassVar[str] = (
        "A certificate holds what a plan says against the plan's target as transformers runs it, untouched. So the target "
        "is a real model, with weights that transformers runs; what toy tables say is proved by enumeration instead."
    )
    wrong: ClassVar[str] = "specplan bench plan.yaml --certify --engine reference"
    right: ClassVar[str] = "specplan bench plan.yaml --certify --engine eager"
    example: ClassVar[ExampleKind] = "none"
