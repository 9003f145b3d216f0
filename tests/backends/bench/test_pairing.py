"""Who is measured when, on what, and what of it counts."""

from collections.abc import Sequence
from itertools import islice
from typing import Any

from specplan.backends.bench import Case, LeftOut, Round, rounds
from specplan.backends.bench.cases import Group, groups, shipped_cases, spread
from specplan.backends.models import Silent


class Counted(Silent):
    steps = 0
    total: int | None = None

    def stage(self, what: str, total: int | None = None, *, done: int = 0, of_bytes: bool = False) -> None:
        self.total = total

    def step(self, note: str = "") -> None:
        self.steps += 1


def play(contenders: Sequence[Any], of: Sequence[Group], *, repeats: int = 1, warmup: int = 0) -> list[Round | LeftOut]:
    return list(rounds(contenders, of, repeats=repeats, warmup=warmup, progress=Silent()))


def test_each_comes_first_in_turn_and_another_one_in_each_repeat(scripted: Any, alone: Any) -> None:
    order: list[str] = []

    class Loud(scripted):  # type: ignore[misc]
        def answer(self, prompts: Any) -> Any:
            order.append(self.name)
            return super().answer(prompts)

    contenders = [Loud("a"), Loud("b"), Loud("c")]
    found = play(contenders, alone[:3], repeats=2)
    assert "".join(order) == "abcbcacab" + "bcacababc"
    assert [set(each.answers) for each in found if isinstance(each, Round)] == [{"a", "b", "c"}] * 6


def test_repeats_go_round_all_prompts(scripted: Any, alone: Any) -> None:
    one = scripted("a")
    play([one], alone, repeats=2)
    ids = [each.prompts[0].id for each in alone]
    assert one.asked == [(each,) for each in ids * 2]


def test_the_warm_up_is_not_counted(scripted: Any, alone: Any) -> None:
    one, other = scripted("a"), scripted("b")
    counted = Counted()
    found = list(rounds([one, other], alone, repeats=1, warmup=2, progress=counted))
    assert len(found) == 4
    assert len(one.asked) == len(other.asked) == 6
    assert counted.total == counted.steps == 12


def test_what_one_refuses_is_left_out_for_all(scripted: Any, cases: tuple[Case, ...]) -> None:
    eager, picky = scripted("a"), scripted("b", refuses=frozenset({"code-2"}))
    found = play([eager, picky], groups(cases, 2), repeats=2)
    assert [(each.id, each.contender) for each in found if isinstance(each, LeftOut)] == [("code-2", "b")]
    measured = [[prompt.id for prompt in each.group.prompts] for each in found if isinstance(each, Round)]
    assert measured == [["code-1"], ["list-3", "list-4"]] * 2
    assert all(
        each.answers["a"].tokens.keys() == each.answers["b"].tokens.keys() for each in found if isinstance(each, Round)
    )


def test_a_group_of_which_nothing_is_left_is_no_round(scripted: Any, alone: Any) -> None:
    found = play([scripted("a", refuses=frozenset({"code-1"}))], alone[:1], repeats=2)
    assert [type(each) for each in found] == [LeftOut]


def test_whoever_stops_keeps_whole_rounds(scripted: Any, alone: Any) -> None:
    one, other = scripted("a"), scripted("b")
    found = list(islice(rounds([one, other], alone, repeats=1, warmup=0, progress=Silent()), 2))
    assert all(isinstance(each, Round) and len(each.answers) == 2 for each in found)
    assert len(one.asked) == len(other.asked) == 2


def test_a_few_of_the_shipped_prompts_are_of_all_kinds() -> None:
    everything = shipped_cases()
    assert len(everything) == 60
    assert len({each.category for each in spread(everything, 7)}) == 7
    assert spread(everything, None) == spread(everything, 99) == everything
    assert len(spread(everything, 1)) == 1


def test_a_group_has_a_category_if_all_of_it_has(cases: tuple[Case, ...]) -> None:
    assert [each.category for each in groups(cases, 2)] == ["code", "list"]
    assert [each.category for each in groups(cases, 3)] == [None, "list"]
