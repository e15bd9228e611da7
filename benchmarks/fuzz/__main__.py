"""Run the campaign: `python -m benchmarks.fuzz --inputs 5000 --seed 0`.

Prints a table, writes `results/fuzz.json`, and ends with 1 where anything is wrong. One input is
run again with `--only NUMBER`.
"""

import argparse
import importlib
import json
import os
import pkgutil
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

os.environ |= {
    "OMP_NUM_THREADS": "1",
    "CUDA_VISIBLE_DEVICES": "",
    "HF_HUB_OFFLINE": "1",
    "COLUMNS": "100",
}

from benchmarks.fuzz.areas import AREAS, RUNS
from benchmarks.fuzz.trial import Input, Outcome, run_input
from benchmarks.machine import write_result


def draw(seed: int, number: int) -> Input:
    """The input of a number, the same whichever others are drawn."""
    rng = random.Random(f"{seed}:{number}")
    names = list(AREAS)
    name = rng.choices(names, [AREAS[one][1] for one in names])[0]
    return AREAS[name][0](rng)


@contextmanager
def working_folder(root: Path, given: Input) -> Iterator[Path]:
    """A folder with the runs that an input is about, and what some inputs name."""
    folder = root / "a" / "b" / "work"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(RUNS, folder)
    (folder / "zero").symlink_to("/dev/zero")
    os.mkfifo(folder / "pipe")
    yield folder


def attempt(given: Input) -> Outcome:
    """Run one input in a folder of its own."""
    with (
        tempfile.TemporaryDirectory(prefix="effsearch-fuzz-") as root,
        working_folder(Path(root), given) as folder,
    ):
        return run_input(given, folder)


def load_everything() -> None:
    """Import what commands import, and keep Ray from starting: what precedes it is tried here."""
    import effsearch

    for module in pkgutil.walk_packages(effsearch.__path__, "effsearch."):
        if module.name.endswith("__main__"):
            continue
        with suppress(ImportError, RuntimeError):  # what needs an extra
            importlib.import_module(module.name)
    for name in ("matplotlib.figure", "pandas", "pyarrow.parquet", "scipy.stats", "safetensors"):
        importlib.import_module(name)
    from effsearch.search_spaces.errors import MissingResourceError
    from effsearch.training.trials import cluster

    def no_ray(resources: object) -> None:
        raise MissingResourceError("no Ray in this campaign")

    cluster._start_ray = no_ray


def main() -> None:
    """Draw, run, count."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--inputs", type=int, default=5000)
    parser.add_argument("--first", type=int, default=0, help="number of the first input")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", type=int, help="run one input and show what it says")
    parser.add_argument("--write", action="store_true", help="write results/fuzz.json")
    options = parser.parse_args()
    load_everything()
    if options.only is not None:
        _show(draw(options.seed, options.only))
        return
    counts, wrongs, start = Counter[str](), [], time.monotonic()
    codes: Counter[str] = Counter()
    slowest = 0.0
    for number in range(options.first, options.first + options.inputs):
        given = draw(options.seed, number)
        outcome = attempt(given)
        counts[given.area] += 1
        codes[str(outcome.code)] += 1
        slowest = max(slowest, outcome.seconds)
        if (wrong := outcome.wrong(given)) is not None:
            wrongs.append({"input": number, "area": given.area, "what": given.what, "wrong": wrong})
            print(f"{number} {given.area} ({given.what}): {wrong}", flush=True)
    result: dict[str, Any] = {
        "seed": options.seed,
        "inputs": dict(counts),
        "exit_codes": dict(codes),
        "slowest_seconds": round(slowest, 1),
        "wrong": wrongs,
    }
    print(json.dumps({**result, "wrong": len(wrongs)}), f"{time.monotonic() - start:.0f} s")
    if options.write:
        write_result("fuzz", result)
    if wrongs:
        raise SystemExit(1)


def _show(given: Input) -> None:
    outcome = attempt(given)
    shown = [word if len(word) < 200 else f"{word[:60]}…({len(word)})" for word in given.arguments]
    print(given.area, given.what, shown, sep="\n")
    for name, data in given.files.items():
        print(f"--- {name}: {len(data)} bytes\n{data[:3000]!r}")
    print(f"--- exit {outcome.code}, {outcome.seconds:.1f} s, {outcome.wrong(given)}")
    print(outcome.out[-3000:])
    print(outcome.err[-3000:], file=sys.stderr)


if __name__ == "__main__":
    main()
