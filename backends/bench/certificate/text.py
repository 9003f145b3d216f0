"""A certificate as people read it: the verdict and what it rests on, then every token or test behind it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from ....grammar import visible
from ..page import circumstances, page, rows, table
from ..pairing import LeftOut
from .certificate import COMPARED, DRIFT, Certificate, GreedyCertificate, Redrawn, SampledCertificate, Verdict
from .chi_square import FEWEST, LEVEL, Fit
from .greedy import NEAR, Departure

if TYPE_CHECKING:
    from rich.table import Table

_NOT_ITS_TARGETS = "the plan's law is not its target's, and nothing is certified"


def certificate_text(certificate: Certificate, width: int = 120) -> str:
    """The verdict, the table and the notes of a certificate, at most `width` columns wide."""
    match certificate:
        case GreedyCertificate():
            return page(_greedy_heading(certificate), _departures(certificate), _greedy_notes(certificate), width)
        case SampledCertificate():
            return page(_sampled_heading(certificate), _tests(certificate), _sampled_notes(certificate), width)


def _verdict(verdict: Verdict, reason: str) -> str:
    return f"{verdict.value.upper()}: {reason}"


def _counted(count: int, thing: str) -> str:
    return f"{count} {thing}{'s' * (count != 1)}"


def _greedy_heading(certificate: GreedyCertificate) -> Iterator[str]:
    setting = certificate.setting
    asked = f"{_counted(len(certificate.answers), 'prompt')}, up to {setting.max_new_tokens} new tokens"
    yield f"{setting.plan}: certificate of greedy identity, {asked}, {rows(setting)}"
    yield circumstances(setting)
    yield f"the graph says: {certificate.law}"
    yield ""
    yield _verdict(certificate.verdict, _greedy_reason(certificate))


def _greedy_reason(certificate: GreedyCertificate) -> str:
    if not certificate.tokens:
        return "no prompt was answered"
    said = _greedy_count(certificate)
    return f"{_NOT_ITS_TARGETS}; {said}" if certificate.approximate else said


def _greedy_count(certificate: GreedyCertificate) -> str:
    tokens, other = certificate.tokens, len(certificate.departures)
    if not other:
        return f"all {tokens} tokens are the target's own likeliest"
    near = sum(each.near for each in certificate.departures)
    return f"of {tokens} tokens {tokens - other} are the target's own likeliest and {other} not; near-ties among these: {near}"


def _departures(certificate: GreedyCertificate) -> Iterator[tuple[str, Table]]:
    if not certificate.departures:
        return
    found = table("prompt", "token", "said", "likeliest", "behind by", "units", "top-2 gap", "near-tie")
    for each in certificate.departures:
        found.add_row(visible(str(each.id)), *_departure(each))
    yield (
        "every token that is not the likeliest; differences of logits, in themselves and in units in the last place",
        found,
    )


def _departure(each: Departure) -> tuple[str, ...]:
    return (
        str(each.position + 1),
        str(each.token),
        str(each.argmax),
        f"{each.behind:.3g}",
        f"{each.units:.3g}",
        f"{each.gap:.3g}",
        "yes" if each.near else "NO",
    )


def _greedy_notes(certificate: GreedyCertificate) -> Iterator[str]:
    dtype = certificate.setting.dtype
    yield (
        "each token was held against one pass of transformers over its prompt and answer, the weights untouched; behind a "
        "token that differs, what follows is judged by the text as it was said"
    )
    yield (
        f"a near-tie is a token at most {NEAR[dtype]} units in the last place of the largest {dtype} logit behind it: about so "
        "much depends on the width of a pass, because sums are rounded in other orders"
    )
    yield from _left_out(certificate.left_out)


def _sampled_heading(certificate: SampledCertificate) -> Iterator[str]:
    drawn = f"{_counted(certificate.redraws, 'redraw')} behind each of {len(certificate.prefixes)} prefixes"
    yield f"{certificate.setting.plan}: certificate of sampling, {drawn}"
    yield circumstances(certificate.setting)
    yield f"the graph says: {certificate.law}"
    yield ""
    yield _verdict(certificate.verdict, _sampled_reason(certificate))


def _sampled_reason(certificate: SampledCertificate) -> str:
    p_values = certificate.p_values
    if not p_values:
        return "no law left anything to test"
    count = _counted(len(p_values), "test")
    said = (
        f"the smallest p of {count} is {min(p_values):.3g}; below {LEVEL / len(p_values):.3g} the law would be refuted "
        f"(Bonferroni, {LEVEL} for all tests together)"
    )
    if certificate.approximate:
        return f"{_NOT_ITS_TARGETS}; {said}"
    drifted = f"; laws are {certificate.distance:.2g} from the target's" if certificate.distance > DRIFT else ""
    return said + drifted


def _tests(certificate: SampledCertificate) -> Iterator[tuple[str, Table]]:
    if not certificate.prefixes:
        return
    found = table("prompt", "prefix", "token", "draws", "cells", "chi-square", "p", "impossible", "distance", "passes")
    for each in certificate.prefixes:
        for place, shown in enumerate(each.places, 1):
            found.add_row(
                *(_prefix(each) if place == 1 else ("", "")), str(place), *_fit(shown.fit), *_cost(each, place)
            )
    yield "tokens of a round beside the target's law; the second and third given the likeliest before them", found


def _prefix(each: Redrawn) -> tuple[str, str]:
    return visible(str(each.id)), f"{each.prompt_tokens}+{each.said}"


def _fit(fit: Fit) -> tuple[str, ...]:
    p = "-" if fit.p is None else f"{fit.p:.3g}"
    return str(fit.draws), str(fit.cells), f"{fit.statistic:.2f}", p, str(fit.impossible)


def _cost(each: Redrawn, place: int) -> tuple[str, str]:
    return (f"{each.distance:.1g}", str(each.passes)) if place == 1 else ("", "")


def _sampled_notes(certificate: SampledCertificate) -> Iterator[str]:
    yield (
        "prefix: tokens of the prompt and of the answer, up to where the target is least sure among the first steps; redraws go "
        "on from the same caches with draws of their own, in one row, by the program that decodes; what models say behind a "
        "text is worked out once (passes) and looked up"
    )
    yield (
        f"tokens that are expected less than {FEWEST:.0f} times share a cell; one cell tests nothing but that no impossible "
        "token was drawn, of which one refutes the law"
    )
    yield (
        f"distance: total variation between the laws looked up and those of transformers alone, up to {DRIFT} taken for "
        "rounding; how caches are kept is what the certificate of the same plan at temperature 0 is about"
    )
    for each in certificate.prefixes:
        if len(each.places) < COMPARED:
            told = _counted(len(each.places), "token")
            yield f"{visible(str(each.id))}: {told} compared, because no redraw went on behind the likeliest"
    yield from _left_out(certificate.left_out)


def _left_out(left: Iterable[LeftOut]) -> Iterator[str]:
    return (f"left out: prompt {visible(str(each.id))}, which was refused" for each in left)
