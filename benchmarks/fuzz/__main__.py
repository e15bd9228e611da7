"""Run the campaign: `python -m benchmarks.fuzz --inputs 5000 --seed 0 --kept results/fuzz.jsonl`.

Prints a table, and ends with 1 where anything is wrong. With `--kept` every hundred inputs are a
line of that file, it goes on after the last of them, and `results/fuzz.json` sums them up;
`--minutes` ends it early. One input is run again with `--only NUMBER`.
"""

import argparse
import gc
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

PIECE = 100  # inputs to a line of what is kept
ONE_IN = 25  # inputs that are run by a Python started anew


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


def attempt(given: Input, anew: bool = False) -> Outcome:
    """Run one input in a folder of its own."""
    with (
        tempfile.TemporaryDirectory(prefix="effsearch-fuzz-") as root,
        working_folder(Path(root), given) as folder,
    ):
        return run_input(given, folder, anew)


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
    gc.collect()
    gc.freeze()  # or each forked process copies what its first collection looks through


def main() -> None:
    """Draw, run, count."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--inputs", type=int, default=5000)
    parser.add_argument("--first", type=int, default=0, help="number of the first input")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", type=int, help="run one input and show what it says")
    parser.add_argument("--kept", type=Path, help="file of what has been run")
    parser.add_argument("--minutes", type=float, default=1e9)
    options = parser.parse_args()
    load_everything()
    if options.only is not None:
        _show(draw(options.seed, options.only))
        return
    deadline = time.monotonic() + 60 * options.minutes
    pieces = _read(options.kept, options.seed) if options.kept else []
    first = max([options.first, *(piece["first"] + piece["inputs"] for piece in pieces)])
    while first < options.first + options.inputs and time.monotonic() < deadline:
        pieces.append(_run(options.seed, first, min(PIECE, options.first + options.inputs - first)))
        first += PIECE
        if options.kept:
            with options.kept.open("a", encoding="utf-8") as file:
                file.write(json.dumps(pieces[-1]) + "\n")
    result = _summary(options.seed, pieces)
    print(json.dumps({**result, "wrong": len(result["wrong"])}))
    if options.kept:
        write_result("fuzz", result)
    if result["wrong"]:
        raise SystemExit(1)


def _read(kept: Path, seed: int) -> list[dict[str, Any]]:
    if not kept.exists():
        return []
    pieces = [json.loads(line) for line in kept.read_text(encoding="utf-8").splitlines()]
    return [piece for piece in pieces if piece["seed"] == seed]


def _run(seed: int, first: int, count: int) -> dict[str, Any]:
    """Run some inputs, and tell what is wrong as it is seen."""
    areas, codes, wrongs = Counter[str](), Counter[str](), []
    slowest, started = 0.0, 0
    for number in range(first, first + count):
        given = draw(seed, number)
        anew = number % ONE_IN == 0 and given.starts_nothing
        outcome = attempt(given, anew)
        if outcome.hung:  # a dry run times a training: a busy machine is not told from a hang
            outcome = attempt(given, anew)
        started += anew
        areas[given.area] += 1
        codes[str(outcome.code)] += 1
        slowest = max(slowest, outcome.seconds)
        if (wrong := outcome.wrong(given)) is not None:
            wrongs.append({"input": number, "area": given.area, "what": given.what, "wrong": wrong})
            print(f"{number} {given.area} ({given.what}): {wrong}", flush=True)
    return {
        "seed": seed,
        "first": first,
        "inputs": count,
        "started_anew": started,
        "areas": dict(areas),
        "exit_codes": dict(codes),
        "slowest_seconds": round(slowest, 1),
        "wrong": wrongs,
    }


def _summary(seed: int, pieces: list[dict[str, Any]]) -> dict[str, Any]:
    """All pieces as one."""
    sums = {key: Counter[str]() for key in ("areas", "exit_codes")}
    for piece in pieces:
        for key, count in sums.items():
            count.update(piece[key])
    return {
        "seed": seed,
        "inputs": sum(piece["inputs"] for piece in pieces),
        "started_anew": sum(piece["started_anew"] for piece in pieces),
        **{key: dict(count) for key, count in sums.items()},
        "slowest_seconds": max((piece["slowest_seconds"] for piece in pieces), default=0.0),
        "wrong": [wrong for piece in pieces for wrong in piece["wrong"]],
    }


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
