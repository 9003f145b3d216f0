"""How long `specplan check` takes as a whole process: `python bench/check_time.py`.

A figure to read on a quiet machine, and no test: every shipped plan should stay below 0.3 s. Runs take turns, so that what
else the machine does falls on all plans alike.
"""

import subprocess
import sys
from pathlib import Path
from statistics import median
from time import perf_counter

PLANS = sorted((Path(__file__).parents[1] / "specs" / "plans").glob("*.yaml"))
RUNS = 5


def seconds(file: Path) -> float:
    start = perf_counter()
    command = [sys.executable, "-m", "specplan", "check", str(file)]
    subprocess.run(command, check=True, capture_output=True, cwd="/")
    return perf_counter() - start


def main() -> None:
    taken: dict[Path, list[float]] = {file: [] for file in PLANS}
    for _ in range(RUNS):
        for file in PLANS:
            taken[file].append(seconds(file))
    for file, times in taken.items():
        print(f"{median(times):8.3f} s  {file.stem}")
    print(f"{median(median(times) for times in taken.values()):8.3f} s  median of {len(PLANS)} plans")


if __name__ == "__main__":
    main()
