"""What people and programs read of a certificate."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from specplan.backends.bench import GreedyCertificate, LeftOut, SampledCertificate, Setting, Verdict, certificate_text
from specplan.backends.bench.certificate.certificate import Place, Redrawn
from specplan.backends.bench.certificate.chi_square import Fit
from specplan.backends.bench.certificate.greedy import Departure, Identity

Golden = Callable[[str, str], None]


@pytest.fixture
def greedy(setting: Setting) -> GreedyCertificate:
    near = Departure("code-2", 6, token=284, argmax=198, behind=1.9e-6, gap=1.9e-6, unit=1.9e-6, near=True)
    answers = (Identity("code-1", 10, ()), Identity("code-2", 8, (near,)))
    left_out = (LeftOut("list-3", "ngram", ()),)
    return GreedyCertificate(setting, "exact by exact_match", approximate=False, answers=answers, left_out=left_out)


@pytest.fixture
def sampled(setting: Setting) -> SampledCertificate:
    first = Place(tuple(range(20)), 7, Fit(5000, 0, 12, 9.51, 0.575))
    second = Place((*range(20), 7), 9, Fit(2143, 0, 4, 1.2, 0.753))
    third = Place((*range(20), 7, 9), 4, Fit(2143, 0, 1, 0.0, None))
    prefixes = (
        Redrawn("code-1", 17, 3, (first, second, third), 2e-6, 131),
        Redrawn("code-2", 19, 1, (first,), 4e-6, 77),
    )
    return SampledCertificate(
        replace(setting, greedy=False),
        "exact by rejection",
        approximate=False,
        redraws=5000,
        prefixes=prefixes,
        left_out=(),
    )


def test_a_greedy_certificate(greedy: GreedyCertificate, golden: Golden) -> None:
    golden("bench/greedy_certificate.txt", certificate_text(greedy))


def test_a_certificate_of_sampling(sampled: SampledCertificate, golden: Golden) -> None:
    golden("bench/sampled_certificate.txt", certificate_text(sampled))


def test_verdicts_of_greedy_answers(greedy: GreedyCertificate) -> None:
    (near,) = greedy.departures
    far = Identity("list-3", 4, (replace(near, near=False),))
    assert greedy.verdict is Verdict.NEAR_TIES
    assert replace(greedy, answers=greedy.answers[:1]).verdict is Verdict.EXACT
    assert replace(greedy, answers=()).verdict is Verdict.NOTHING
    bent = replace(greedy, answers=greedy.answers[:1], approximate=True)
    assert bent.verdict is Verdict.APPROXIMATE and not bent.to_json()["certified"]
    assert "nothing is certified; all 10 tokens are the target's own likeliest" in certificate_text(bent)
    refuted = replace(greedy, answers=(*greedy.answers, far))
    assert refuted.verdict is Verdict.NOT_EXACT
    assert "NOT EXACT: of 22 tokens 20 are the target's own likeliest and 2 not; near-ties among these: 1" in (
        certificate_text(refuted)
    )


def refuting(certificate: SampledCertificate, **facts: Any) -> SampledCertificate:
    """The certificate with another first prefix."""
    first, *others = certificate.prefixes
    return replace(certificate, prefixes=(replace(first, **facts), *others))


def test_verdicts_of_redraws(sampled: SampledCertificate) -> None:
    place = sampled.prefixes[0].places[0]
    unlikely = replace(place, fit=replace(place.fit, p=0.004))
    assert sampled.verdict is Verdict.LOSSLESS
    assert refuting(sampled, places=(unlikely,)).verdict is Verdict.NOT_LOSSLESS
    assert refuting(sampled, distance=0.2).verdict is Verdict.NOT_LOSSLESS
    assert "laws are 0.2 from the target's" in certificate_text(refuting(sampled, distance=0.2))
    assert replace(sampled, approximate=True).verdict is Verdict.APPROXIMATE
    assert "nothing is certified" in certificate_text(replace(sampled, approximate=True))
    assert replace(sampled, prefixes=()).verdict is Verdict.NOTHING
    assert "NOTHING WAS COMPARED" in certificate_text(replace(sampled, prefixes=()))
    # One of three tests below a hundredth is nothing special: 0.004 is above a third of it.
    assert refuting(sampled, places=(replace(place, fit=replace(place.fit, p=0.0051)),)).verdict is Verdict.LOSSLESS


def test_json_of_greedy_answers(greedy: GreedyCertificate) -> None:
    value = json.loads(json.dumps(greedy.to_json()))
    assert (value["format_version"], value["verdict"], value["certified"]) == (1, "exact up to near-ties", True)
    assert (value["tokens"], value["identical"], value["near_tie_units"]) == (18, 17, 32)
    assert value["departures"] == [
        {
            "id": "code-2", "position": 6, "token": 284, "argmax": 198, "behind": 1.9e-6, "gap": 1.9e-6, "unit": 1.9e-6,
            "near": True, "units": 1.0,
        }
    ]  # fmt: skip
    assert value["left_out"] == [{"id": "list-3", "reasons": []}]


def test_json_of_redraws(sampled: SampledCertificate) -> None:
    value = json.loads(json.dumps(sampled.to_json()))
    assert (value["verdict"], value["tests"], value["smallest_p"]) == ("lossless", 3, 0.575)
    assert value["bonferroni_p"] == 1.0
    places = value["prefixes"][0]["places"]
    assert [each["given"] for each in places] == [[], [7], [7, 9]]
    assert places[2] == {
        "given": [7, 9], "likeliest": 4, "draws": 2143, "impossible": 0, "cells": 1, "statistic": 0.0, "p": None
    }  # fmt: skip
