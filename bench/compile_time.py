"""How long compiling takes in a process that has warmed up: `python bench/compile_time.py`.

A figure to read on a quiet machine, and no test: the median over all shipped plans should stay below 50 ms.
"""

from collections.abc import Iterator
from pathlib import Path
from statistics import median
from time import perf_counter

from specplan.planner import compile_source

PLANS = sorted((Path(__file__).parents[1] / "specs" / "plans").glob("*.yaml"))
RUNS = 9


def milliseconds(file: Path) -> Iterator[float]:
    data = file.read_bytes()
    for _ in range(RUNS):
        start = perf_counter()
        compile_source(data, file.name, file.parent)
        yield 1e3 * (perf_counter() - start)


def main() -> None:
    first = next(milliseconds(PLANS[0]))
    medians = {file.stem: median(milliseconds(file)) for file in PLANS}
    for name, each in sorted(medians.items(), key=lambda item: item[1]):
        print(f"{each:8.1f} ms  {name}")
    print(
        f"{median(medians.values()):8.1f} ms  median of {len(medians)} plans; the first of a process takes {first:.0f} ms"
    )


if __name__ == "__main__":
    main()
