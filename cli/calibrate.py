"""`specplan calibrate`: what compiling would like to know and cannot look up is counted once, and kept in a file."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import click

from ..backends.bench import rehearse, shipped_cases
from ..backends.models import (
    Named,
    Progress,
    TokenizerWords,
    count_pair,
    load_tokenizer,
    model_folder,
    shown_on,
)
from ..grammar import Diagnostic, DiagnosticError
from ..planner.cards import ModelCard, PromptsCard, find_source
from .errors import NoVocabulary, OneVocabulary
from .files import read_input, write_result
from .output import Output, speaks
from .prompts import read_prompts

_SHIPPED = "specs/prompts/quick.jsonl"


@click.group()
def command() -> None:
    """Count what plans are compiled with, into a file that a plan names under `calibration:`."""


@command.command("pair")
@click.argument("drafter")
@click.argument("target")
@click.option("--prompts", "file", metavar="FILE", help='The text to count on: {"prompt": ...} on each line.')
@click.option("-o", "--output", "result", metavar="FILE", default="-", help="Write into a file.")
@speaks("text")
def pair_command(drafter: str, target: str, file: str | None, result: str, output: Output) -> None:
    """Count what the vocabularies of DRAFTER and TARGET share, as `vocab=auto` and `explain` would like to know.

    Models are named as under `source:` of a plan. Tokens are compared by their bytes; shares of a text are counted on
    the sixty prompts that come with specplan, unless FILE has others. On the same text rounds are rehearsed: what right
    guesses come to be in the target's words, and how long spelling them takes on this machine.
    """
    cards = _card(drafter), _card(target)
    if cards[0].vocabulary == cards[1].vocabulary:
        raise DiagnosticError([OneVocabulary(None, drafter, target, cards[0].vocabulary)])
    texts, name = _texts(file)
    with shown_on(sys.stderr) as progress:
        mine, theirs = _words(drafter, cards[0], progress), _words(target, cards[1], progress)
    counted = count_pair(Named(cards[0].vocabulary, mine), Named(cards[1].vocabulary, theirs), texts, name)
    write_result(result, replace(counted, rehearsed=rehearse(mine, theirs, texts)).to_yaml())


def _card(source: str) -> ModelCard:
    card = find_source(source, None, Path())
    if isinstance(card, Diagnostic):
        raise DiagnosticError([card])
    if isinstance(card, PromptsCard):
        raise DiagnosticError([NoVocabulary(None, source)])
    return card


def _texts(file: str | None) -> tuple[list[str], str]:
    if file is None:
        return [case.prompt.text for case in shipped_cases()], _SHIPPED
    source = read_input(file)
    return [each.text for each in read_prompts(source.data, source.name)], source.name


def _words(source: str, card: ModelCard, progress: Progress) -> TokenizerWords:
    tokenizer = load_tokenizer(source, model_folder(source, progress=progress))
    return TokenizerWords(tokenizer, card.vocab_size, source=source)
