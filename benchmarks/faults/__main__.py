"""Run the campaign: `python -m benchmarks.faults --chains 50 --seed 0`.

A chain is one run: stopped at random moments until it has been killed four times or has ended, gone
on with after each, and held against one that was never stopped. Chains that have ended are kept in
`results/faults.jsonl` and not repeated, so the campaign can be stopped itself; `--minutes` ends it
early. It ends with 1 where anything was lost, repeated or otherwise.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

from benchmarks.faults.commands import CHAINS, EVALUATOR, LOG, SPACE, Command, lines_kept
from benchmarks.faults.warm import Nursery, Program
from benchmarks.machine import RESULTS, write_result
from effsearch.results.store.ledger import Asked, iterate_events
from effsearch.search_spaces.errors import InputError

KEPT = RESULTS / "faults.jsonl"
WHOLE = Path("runs") / "faults"
"""What commands that were never stopped came to: it is the same at each start of the campaign."""

SIGNALS = ("SIGKILL", "SIGTERM", "SIGHUP", "SIGINT")
KILLS = 4  # to a chain
ANEW = 0.25  # of the starts are of a Python of their own, the others forked off one that is warm
_LONGEST = 400.0  # seconds of one start
_OBEYED = 60.0  # seconds that a stop may take
_CODES = {"SIGKILL": (-9,), "SIGTERM": (143, -15), "SIGHUP": (129, -1), "SIGINT": (130, -2)}
"""By a signal: obeyed, or the end it makes of a program that is still being read."""


def main() -> None:
    """Stop, go on, compare, count."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--chains", type=int, default=len(CHAINS))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--minutes", type=float, default=1e9)
    parser.add_argument("--command", help="only this one")
    parser.add_argument("--kept", type=Path, default=KEPT)
    options = parser.parse_args()
    deadline = time.monotonic() + 60 * options.minutes
    done = {(one["seed"], one["chain"]) for one in _kept(options.kept)}
    for number in range(options.chains):
        command = CHAINS[number % len(CHAINS)]
        if (options.seed, number) in done or options.command not in (None, command.name):
            continue
        if time.monotonic() > deadline:
            break
        whole = _never_stopped(command)
        found = _chain(command, random.Random(f"{options.seed}:{number}"), *whole)
        line = {"seed": options.seed, "chain": number, "command": command.name, **found}
        print(json.dumps(line), flush=True)
        with options.kept.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
    _tell(_kept(options.kept))


def _kept(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@contextmanager
def _folder() -> Iterator[Path]:
    """A folder to run in; what is left of its processes is ended with it."""
    with tempfile.TemporaryDirectory(
        prefix="effsearch-faults-", ignore_cleanup_errors=True
    ) as name:
        folder = Path(name)
        (folder / "tiny.yaml").write_text(SPACE, encoding="utf-8")
        (folder / "measure.py").write_text(EVALUATOR, encoding="utf-8")
        try:
            yield folder
        finally:
            for process in _processes(folder):
                with suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)


def _processes(folder: Path) -> list[int]:
    """Those that were started for a folder, by their environment."""
    mark, found = f"{LOG}={folder / 'log'}".encode(), []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if mark in (process / "environ").read_bytes().split(b"\0"):
                found.append(int(process.name))
    return found


def _start(words: Sequence[str], folder: Path, *, anew: bool = True) -> Program:
    more = {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": "", LOG: str(folder / "log")}
    return _nursery().start(words, folder, more, anew=anew)


@cache
def _nursery() -> Nursery:
    return Nursery()


def _where(command: Command, folder: Path) -> Path:
    return folder / "runs" / command.kind / "one" if command.kind else folder


def _words(command: Command, folder: Path) -> Sequence[str]:
    """What starts it, or goes on with it where there is something to go on with."""
    if command.kind is None:
        return command.start
    if (_where(command, folder) / "run.json").exists():
        return (command.start[0], "--resume", f"{command.kind}/one", "-q")
    return (*command.start, "--name", "one")


def _never_stopped(command: Command) -> tuple[Any, float]:
    """What the command comes to, and how long it takes."""
    kept = WHOLE / f"{command.name.replace(' ', '-')}.json"
    if not kept.exists():
        with _folder() as folder:
            began = time.monotonic()
            if code := _end_of(
                _start(_words(command, folder), folder, anew=command.starts_ray), _LONGEST
            ):
                raise SystemExit(f"{command.name}: {code}: {_said(folder)}")
            found = command.evidence(_where(command, folder))
            document = {"evidence": found, "seconds": time.monotonic() - began}
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_text(json.dumps(document), encoding="utf-8")
    document = json.loads(kept.read_text(encoding="utf-8"))
    return document["evidence"], document["seconds"]


def _chain(command: Command, rng: random.Random, whole: Any, seconds: float) -> dict[str, Any]:
    """Stop a run at random moments, go on to its end, and compare."""
    kills: list[str] = []
    wrong: list[str] = []
    kept: Counter[str] = Counter()
    counts: Counter[str] = Counter()
    lost = 0
    with _folder() as folder:
        where = _where(command, folder)
        for _ in range(2 * KILLS):
            if len(kills) == KILLS:
                break
            words = _words(command, folder)
            anew = rng.random() < ANEW or command.starts_ray
            process = _start(words, folder, anew=anew)
            if not _at_a_moment(process, where, rng, seconds, command.writes):
                if process.returncode:
                    wrong.append(f"{words[1]}: {process.returncode}: {_said(folder)}")
                break
            name, group = rng.choice(SIGNALS), rng.random() < 0.5
            with suppress(ProcessLookupError):
                (os.killpg if group else os.kill)(process.pid, getattr(signal, name))
            code = _end_of(process)
            if code == 0:
                break  # it had done all
            kills.append(f"{name}{' group' if group else ''}{' anew' if anew else ''}: {code}")
            if code not in _CODES[name]:
                wrong.append(f"{kills[-1]}: {_said(folder)}")
            now = lines_kept(where)
            lost += sum((kept - now).values())
            kept = now
            counts |= _told(folder, where)
        words = _words(command, folder)
        if code := _end_of(_start(words, folder, anew=command.starts_ray), _LONGEST):
            wrong.append(f"{words[1]}: {code}: {_said(folder)}")
        elif (found := json.loads(json.dumps(command.evidence(where)))) != whole:
            wrong.append(f"differs: {_difference(whole, found)}")
        lost += sum((kept - lines_kept(where)).values())
        after = _told(folder, where)
        repeated = sum(after[one] > count for one, count in counts.items())
        left = _left(folder)
    if left:
        wrong.append(f"{left} processes are left")
    return {"kills": kills, "lost": lost, "repeated": repeated, "wrong": wrong}


def _at_a_moment(
    process: Program, where: Path, rng: random.Random, seconds: float, most: int
) -> bool:
    """Wait until some time has passed, or some things were written; False where it ended first."""
    deadline = time.monotonic() + _LONGEST
    by_time = rng.random() < 0.4
    after, writes = rng.uniform(0.2, 0.9) * seconds, rng.randint(1, most)
    until = time.monotonic() + (after if by_time else _LONGEST)
    size = _written(where)
    while time.monotonic() < until and writes:
        if process.poll() is not None:
            return False
        if not by_time and (now := _written(where)) != size:
            size, writes = now, writes - 1
        time.sleep(0.005)
    time.sleep(rng.uniform(0, 0.1))
    return process.poll() is None and time.monotonic() < deadline


def _written(where: Path) -> int:
    """Bytes of what grows in a run while it works."""
    total = 0
    for file in (*where.glob("*.jsonl"), *where.glob("*.csv"), *where.glob("checkpoints/*")):
        with suppress(OSError):
            total += file.stat().st_size + file.stat().st_mtime_ns % 1_000_003
    return total


def _end_of(process: Program, patience: float = _OBEYED) -> int:
    """Its exit code; 999 where it does not end."""
    try:
        return process.wait(patience)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(_OBEYED)
        return 999


def _said(folder: Path) -> str:
    return (folder / "stderr").read_text(errors="replace")[-500:]


def _left(folder: Path) -> int:
    """Processes that outlive the run: a second or two is theirs to end in."""
    deadline = time.monotonic() + 15
    while (left := len(_processes(folder))) and time.monotonic() < deadline:
        time.sleep(0.2)
    return left


def _told(folder: Path, where: Path) -> Counter[str]:
    """How often each evaluation was done that the ledgers hold the outcome of."""
    log, done = folder / "log", Counter[str]()
    if not log.exists():
        return done
    counts = Counter(log.read_text(encoding="utf-8").split("\n")[:-1])
    for ledger in where.glob("*.jsonl"):
        asked: dict[int, str] = {}
        with suppress(InputError):  # a file of something else than trials
            for event in iterate_events(ledger):
                if isinstance(event, Asked):
                    asked[event.trial] = f"{event.arch_id} {event.seed}"
                else:
                    done[asked[event.trial]] = counts[asked[event.trial]]
    return done


def _difference(one: Any, other: Any, place: str = "") -> str:
    if isinstance(one, dict) and isinstance(other, dict):
        for key in one.keys() | other.keys():
            if one.get(key) != other.get(key):
                return _difference(one.get(key), other.get(key), f"{place}/{key}")
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for number, (left, right) in enumerate(zip(one, other, strict=True)):
            if left != right:
                return _difference(left, right, f"{place}/{number}")
    return f"{place}: {str(one)[:300]} and {str(other)[:300]}"


def _tell(lines: Sequence[dict[str, Any]]) -> None:
    names = dict.fromkeys(line["command"] for line in lines)
    rows = {
        name: {
            "chains": len(own),
            "kills": sum(len(line["kills"]) for line in own),
            "lost": sum(line["lost"] for line in own),
            "repeated": sum(line["repeated"] for line in own),
            "otherwise": sum(bool(line["wrong"]) for line in own),
        }
        for name in names
        for own in [[line for line in lines if line["command"] == name]]
    }
    total = {
        key: sum(row[key] for row in rows.values())
        for key in ("chains", "kills", "lost", "repeated", "otherwise")
    }
    for name, row in {**rows, "all": total}.items():
        print(f"{name:22}", "  ".join(f"{key} {value}" for key, value in row.items()))
    signals = Counter(
        kill.partition(":")[0].removesuffix(" anew") for line in lines for kill in line["kills"]
    )
    document = {"commands": rows, "all": total, "signals": dict(sorted(signals.items()))}
    write_result("faults", document, ("ray", "torch", "optuna"))
    if total["lost"] or total["repeated"] or total["otherwise"]:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
