"""Give every word of a strategy its meaning: calls and names become the dataclasses of `strategy.py`, or diagnostics."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from ..grammar import Argument, Call, Diagnostic, Expr, List, Name, Number, Span, String, closest
from .signature_errors import (
    MissingArgument,
    NotAModel,
    OutOfRange,
    TooManyArguments,
    UnknownArgument,
    UnknownMethod,
    WrongArgument,
)
from .signatures import NEEDED, Parameter, Signature, Sort, signature, words_of
from .strategy import Autoregressive, ChainTree, Decoder, ModelName, SparseTree

_WORDY = (Sort.DECODER, Sort.DRAFT, Sort.TREE, Sort.ACCEPT, Sort.VOCAB, Sort.TAGS)


class _Bad(Exception):
    """A part that was answered with a diagnostic."""


def resolve(decode: Expr, models: Mapping[str, Span]) -> tuple[Decoder | None, tuple[Diagnostic, ...]]:
    """The decoder that an expression spells. `models` are the names of the plan's models, and where each stands."""
    resolver = _Resolver(models)
    try:
        made: Decoder = resolver.value(decode, Parameter("decode", (Sort.DECODER,), "how the plan decodes"))
    except _Bad:
        return None, tuple(resolver.found)
    return (None if resolver.found else made), tuple(resolver.found)


class _Resolver:
    def __init__(self, models: Mapping[str, Span]) -> None:
        self.models = tuple(models)
        self.places = models
        self.found: list[Diagnostic] = []

    def bad(self, diagnostic: Diagnostic) -> _Bad:
        self.found.append(diagnostic)
        return _Bad()

    def value(self, expr: Expr, parameter: Parameter) -> Any:
        """What an expression means as that argument."""
        match expr:
            case Call() | Name():
                return self._word(expr, parameter)
            case Number():
                return self._number(expr, parameter)
            case List():
                return self._list(expr, parameter)
            case String():
                raise self._wrong(expr.span, "a string", parameter)

    def _wrong(self, span: Span, found: str, parameter: Parameter) -> _Bad:
        wanted = " or ".join(dict.fromkeys(sort.value for sort in parameter.sorts))
        return self.bad(WrongArgument(span, found, parameter.name, wanted, parameter.doc))

    def _word(self, expr: Call | Name, parameter: Parameter) -> Any:
        name = expr.function if isinstance(expr, Call) else expr
        for sort in parameter.sorts:
            found = signature(name.text, sort) if sort in _WORDY else None
            if found is not None:
                return self._call(expr, found)
        if Sort.WORD in parameter.sorts and isinstance(expr, Name):
            if expr.text in parameter.words:
                return expr.text
            raise self.bad(UnknownMethod(expr.span, expr.text, f"a word for `{parameter.name}`", parameter.words))
        wordy = [sort for sort in parameter.sorts if sort in _WORDY]
        if Sort.MODEL in parameter.sorts and isinstance(expr, Name) and (expr.text in self.models or not wordy):
            return self._model(expr, parameter)
        if not wordy:
            raise self._wrong(
                expr.span, f"`{name.text}(...)`" if isinstance(expr, Call) else f"`{name.text}`", parameter
            )
        known = [word for sort in wordy for word in words_of(sort)]
        known += self.models if Sort.MODEL in parameter.sorts else ()
        wanted = " or ".join(sort.value for sort in parameter.sorts)
        known = [*dict.fromkeys(known)]
        if Sort.DECODER in parameter.sorts and isinstance(expr, Name) and expr.text in self.models:
            raise self.bad(UnknownMethod(name.span, name.text, wanted, tuple(known), f"autoregressive({name.text})"))
        raise self.bad(UnknownMethod(name.span, name.text, wanted, tuple(known)))

    def _model(self, name: Name, parameter: Parameter) -> Any:
        if name.text not in self.models:
            raise self.bad(NotAModel(name.span, name.text, self.models, next(iter(self.places.values()))))
        model = ModelName(name=name.text, span=name.span)
        return Autoregressive(model=model, span=name.span) if Sort.DECODER in parameter.sorts else model

    def _number(self, expr: Number, parameter: Parameter) -> Any:
        whole = isinstance(expr.value, int)
        if not (Sort.NUMBER in parameter.sorts or (whole and Sort.INTEGER in parameter.sorts)):
            raise self._wrong(
                expr.span, "a number" if Sort.INTEGER not in parameter.sorts else f"{expr.value}", parameter
            )
        self._bounded(expr, parameter)
        return expr.value if Sort.INTEGER in parameter.sorts else float(expr.value)

    def _bounded(self, expr: Number, parameter: Parameter) -> None:
        low, high = parameter.low, parameter.high
        if (
            not math.isfinite(expr.value)
            or (low is not None and expr.value < low)
            or (high is not None and expr.value > high)
        ):
            raise self.bad(OutOfRange(expr.span, str(expr.value), f"`{parameter.name}`", f"{low:g} to {high:g}"))

    def _item(self, item: Expr, parameter: Parameter) -> int:
        assert parameter.items is not None, f"the items of `{parameter.name}` have bounds"
        low, high = parameter.items
        if not isinstance(item, Number) or not isinstance(item.value, int):
            raise self._wrong(item.span, f"a list with `{item}`", parameter)
        if not low <= item.value <= high:
            place = f"an item of `{parameter.name}`"
            raise self.bad(OutOfRange(item.span, str(item.value), place, f"{low} to {high}"))
        return item.value

    def _list(self, expr: List, parameter: Parameter) -> Any:
        if Sort.TREE in parameter.sorts:
            return self._written_out(expr, parameter)
        if Sort.INTEGERS not in parameter.sorts:
            raise self._wrong(expr.span, "a list", parameter)
        if not expr.items:
            raise self._wrong(expr.span, "an empty list", parameter)
        low, high = parameter.low or 1, parameter.high or len(expr.items)
        if not low <= len(expr.items) <= high:
            length = f"the length of `{parameter.name}`"
            raise self.bad(OutOfRange(expr.span, str(len(expr.items)), length, f"{low:g} to {high:g}"))
        return tuple(self._item(item, parameter) for item in expr.items)

    def _written_out(self, expr: List, parameter: Parameter) -> SparseTree:
        """A tree as its rank paths: `[[0], [1], [0, 0]]`."""
        paths = []
        for item in expr.items:
            if not isinstance(item, List) or not item.items:
                raise self._wrong(
                    item.span, f"a list with `{item}`; a tree is written out as `[[0], [1], [0, 0]]`", parameter
                )
            paths.append(tuple(self._item(rank, parameter) for rank in item.items))
        return SparseTree(max_nodes=None, paths=tuple(paths), span=expr.span)

    def _call(self, expr: Call | Name, found: Signature) -> Any:
        arguments = expr.arguments if isinstance(expr, Call) else ()
        given: dict[str, Any] = {}
        bad = False
        for parameter, argument in self._placed(found, arguments):
            try:
                value = self.value(argument.value, parameter)
            except _Bad:
                bad = True
                given.setdefault(parameter.name, ())
                continue
            given[parameter.name] = (*given.get(parameter.name, ()), value) if parameter.many else value
        for parameter in found.parameters:
            if parameter.name not in given:
                try:
                    given[parameter.name] = self._default(parameter, found, expr)
                except _Bad:
                    bad = True
        if bad:
            raise _Bad
        return found.build(span=expr.span, **given)

    def _placed(self, found: Signature, arguments: Iterable[Argument]) -> list[tuple[Parameter, Argument]]:
        """Each argument with the parameter that it is for."""
        by_name = {parameter.name: parameter for parameter in found.parameters}
        places = list(found.parameters)
        placed: list[tuple[Parameter, Argument]] = []
        taken: set[str] = set()
        crowd = 0
        for argument in arguments:
            name = None if argument.name is None else argument.name.text
            if argument.name is not None and name not in by_name:
                self.found.append(UnknownArgument(argument.name.span, argument.name.text, found.word, tuple(by_name)))
                name = closest(argument.name.text, by_name)  # so that a slip is not also an argument that is missing
                if name is None or name in taken:
                    continue
            parameter = by_name[name] if name else next((p for p in places if p.name not in taken), None)
            if parameter is None or parameter.name in taken:
                self.found.append(TooManyArguments(argument.span, found.word, str(found)))
                continue
            crowd += parameter.many
            if not parameter.many or crowd == parameter.high:
                taken.add(parameter.name)
            placed.append((parameter, argument))
        return placed

    def _default(self, parameter: Parameter, found: Signature, expr: Call | Name) -> Any:
        if parameter.default is NEEDED or parameter.many:
            raise self.bad(MissingArgument(expr.span, parameter.name, found.word, parameter.doc, str(found)))
        if not isinstance(parameter.default, str) or Sort.WORD in parameter.sorts:
            return parameter.default
        if Sort.TREE in parameter.sorts:
            is_chain = parameter.default == "chain"
            return ChainTree(span=expr.span) if is_chain else SparseTree(max_nodes=60, span=expr.span)
        default = next(item for sort in parameter.sorts if (item := signature(parameter.default, sort)))
        return default.build(span=expr.span)
