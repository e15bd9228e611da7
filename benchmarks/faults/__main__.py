"""Run the campaign: `python -m benchmarks.faults --moments 200 --seed 0`.

What has ended is kept in `results/faults.jsonl` and not repeated, so it can be stopped itself.
`--minutes` ends it early. Ends with 1 where anything was lost, repeated or otherwise.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.faults.commands import COMMANDS, EVALUATOR, SPACE, Command
from benchmarks.machine import RESULTS, write_result
from effsearch.results.store.ledger import Asked, iterate_events

KEPT = RESULTS / "faults.jsonl"
SIGNALS = ("SIGKILL", "SIGTERM", "SIGHUP", "SIGINT")
_LONGEST = 900.0  # seconds of one start


def main() -> None:
    """Stop, go on, compare, count."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--moments", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--minutes", type=float, default=1e9)
    parser.add_argument("--command", help="only this one")
    parser.add_argument("--kept", type=Path, default=KEPT)
    options = parser.parse_args()
    deadline = time.monotonic() + 60 * options.minutes
    done = {(one["seed"], one["moment"]) for one in _kept(options.kept)}
    whole: dict[str, tuple[Any, float]] = {}
    for moment in range(options.moments):
        rng = random.Random(f"{options.seed}:{moment}")
        command = COMMANDS[moment % len(COMMANDS)]
        if (options.seed, moment) in done or options.command not in (None, command.name):
            continue
        if time.monotonic() > deadline:
            break
        if command.name not in whole:
            whole[command.name] = _never_stopped(command)
        found = _stopped(command, rng, *whole[command.name])
        line = {"seed": options.seed, "moment": moment, "command": command.name, **found}
        print(json.dumps(line), flush=True)
        with options.kept.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
    _tell(_kept(options.kept))


def _kept(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _prepared(folder: Path) -> Path:
    (folder / "tiny.yaml").write_text(SPACE, encoding="utf-8")
    (folder / "measure.py").write_text(EVALUATOR, encoding="utf-8")
    return folder


def _start(words: Sequence[str], folder: Path) -> "subprocess.Popen[bytes]":
    environment = {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    with (folder / "stderr").open("ab") as err:
        return subprocess.Popen(
            [sys.executable, "-m", "effsearch.cli.app", *words],
            cwd=folder,
            env=os.environ | environment | {"FAULTS_LOG": str(folder / "log")},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=err,
            start_new_session=True,
        )


def _where(command: Command, folder: Path) -> Path:
    return folder / "runs" / command.kind / "one" if command.kind else folder


def _first(command: Command) -> Sequence[str]:
    return (*command.start, "--name", "one") if command.kind else command.start


def _again(command: Command) -> Sequence[str]:
    if command.kind is None:
        return command.start
    return (command.start[0], "--resume", f"{command.kind}/one", "-q")


def _never_stopped(command: Command) -> tuple[Any, float]:
    """What the command comes to, and how long it takes."""
    with tempfile.TemporaryDirectory(prefix="effsearch-faults-") as name:
        folder = _prepared(Path(name))
        began = time.monotonic()
        process = _start(_first(command), folder)
        code = process.wait(_LONGEST)
        if code:
            raise SystemExit(f"{command.name}: {(folder / 'stderr').read_text()}")
        return command.evidence(_where(command, folder)), time.monotonic() - began


def _stopped(command: Command, rng: random.Random, whole: Any, seconds: float) -> dict[str, Any]:
    """Stop the command at a random moment, once or more, go on to its end, and compare."""
    with tempfile.TemporaryDirectory(prefix="effsearch-faults-") as name:
        folder = _prepared(Path(name))
        where, kills, words = _where(command, folder), [], _first(command)
        told: Counter[str] = Counter()
        for _ in range(rng.choice((1, 1, 2))):
            process = _start(words, folder)
            number, group = rng.choice(SIGNALS), rng.random() < 0.5
            after = rng.uniform(0.2, 0.95) * seconds
            kills.append(f"{number}{' group' if group else ''} {after:.1f} s")
            code = _stop(process, getattr(signal, number), group, after)
            kills[-1] += f": {code}"
            if (where / "run.json").exists() or command.kind is None:
                words = _again(command)
            if command.name.startswith("baseline"):
                told |= _told(folder, where)
        while (code := _start(words, folder).wait(_LONGEST)) != 0:
            kills.append(f"went on: {code}")
            if len(kills) > 6:
                break
        wrong = []
        if code:
            wrong.append((folder / "stderr").read_text(errors="replace")[-400:])
        elif (found := command.evidence(where)) != whole:
            wrong.append(f"differs: {_difference(whole, found)}")
        after_all = _told(folder, where) if told else told
        repeated = sum(after_all[one] > count for one, count in told.items())
        return {"kills": kills, "wrong": wrong, "repeated": repeated}


def _stop(process: "subprocess.Popen[bytes]", number: int, group: bool, after: float) -> int:
    try:
        return process.wait(after)
    except subprocess.TimeoutExpired:
        (os.killpg if group else os.kill)(process.pid, number)
    try:
        return process.wait(120)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return 999


def _told(folder: Path, where: Path) -> Counter[str]:
    """How often each evaluation was done that the ledgers hold the outcome of."""
    log, done = folder / "log", Counter[str]()
    if not log.exists():
        return done
    counts = Counter(log.read_text(encoding="utf-8").split("\n")[:-1])
    for ledger in where.glob("*.jsonl"):
        asked: dict[int, str] = {}
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
    return f"{place}: {str(one)[:80]} and {str(other)[:80]}"


def _tell(lines: Sequence[dict[str, Any]]) -> None:
    names = dict.fromkeys(line["command"] for line in lines)
    rows = {
        name: {
            "moments": len(own),
            "kills": sum(len(line["kills"]) for line in own),
            "otherwise": sum(bool(line["wrong"]) for line in own),
            "repeated": sum(line["repeated"] for line in own),
        }
        for name in names
        for own in [[line for line in lines if line["command"] == name]]
    }
    for name, row in rows.items():
        print(f"{name:22}", "  ".join(f"{key} {value}" for key, value in row.items()))
    write_result("faults", {"commands": rows, "moments": len(lines)}, ("ray", "torch", "optuna"))
    if any(row["otherwise"] or row["repeated"] for row in rows.values()):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
