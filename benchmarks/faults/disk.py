"""A disk that is full, at every page that a command writes: nothing earlier is lost.

`python -m benchmarks.faults.disk` runs `train`, `lut build`, `report` and `coefficients` (with its
`study.db`) on a small file system of their own (tmpfs, so by root alone on Linux), that has room
for so many pages and no more: from none on, until the command ends well. Each failure has to be one
line; what the disk held before still holds; with room again the same command, or its resumption,
ends as it does on a large disk.
"""

import argparse
import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.faults.__main__ import _difference, _end_of, _said, _start
from benchmarks.faults.commands import EVALUATOR, OTHERS, SPACE, TINY, lines_kept
from benchmarks.machine import RESULTS, write_result

PAGE = 4  # KB
KEPT = RESULTS / "full_disk.jsonl"
RUNS = Path(__file__).parents[2] / "tests" / "data" / "runs"
_LARGE = 65_536  # KB
_LONGEST = 240.0
_CODES = (1, 4)  # failed, or a database that does not answer
_COEFFICIENTS, _, _, _, _LUT = OTHERS


@dataclass(frozen=True, kw_only=True)
class Writer:
    """A command that writes.

    Attributes:
        name: in the table.
        first, again: its words, and those that go on with it.
        where: what it writes, in the folder.
        evidence: what has to be the same at the end, of that.
        before: prepares the folder.
        pages: between two sizes of the disk.
    """

    name: str
    first: Sequence[str]
    again: Sequence[str]
    where: str
    evidence: Callable[[Path], Any]
    before: Callable[[Path], None] = lambda folder: None
    pages: int = 1


def _trained(run: Path) -> Any:
    found = OTHERS[2].evidence(run)
    return {**found, "files": [name for name in found["files"] if name != "report.html"]}


def _reported(folder: Path) -> Any:
    return (folder / "report.html").read_text(encoding="utf-8")


def _with_runs(folder: Path) -> None:
    shutil.copytree(RUNS / "runs" / "baseline" / "finished", folder / "runs/baseline/finished")


_REPORT = ("report", "baseline/finished", "--output", "report.html", "-q")

WRITERS: Sequence[Writer] = (
    Writer(name="lut build", first=_LUT.start, again=_LUT.start, where=".", evidence=_LUT.evidence),
    Writer(
        name="report", first=_REPORT, again=_REPORT, where=".", evidence=_reported,
        before=_with_runs, pages=8,
    ),
    Writer(
        name="train",
        first=("train", "--model", TINY, "--max-images", "100", "--epochs", "3", "--set",
               "threads=1", "--checkpoint-minutes", "0", "--device", "cpu", "-q", "--name", "one"),
        again=("train", "--resume", "train/one", "-q"),
        where="runs/train/one",
        evidence=_trained,
    ),
    Writer(
        name="coefficients", first=(*_COEFFICIENTS.start, "--name", "one"),
        again=("coefficients", "--resume", "coefficients/one", "-q"),
        where="runs/coefficients/one", evidence=_COEFFICIENTS.evidence,
    ),
)  # fmt: skip


@contextmanager
def small_disk() -> Iterator[tuple[Path, Callable[[int | None], None]]]:
    """A file system, and what gives it room for so many KB more than it holds, or for all."""
    with tempfile.TemporaryDirectory(prefix="effsearch-disk-") as name:
        folder = Path(name)
        _mount("-t", "tmpfs", "-o", f"size={_LARGE}k", "tmpfs", name)

        def room(more: int | None) -> None:
            usage = shutil.disk_usage(folder)
            size = _LARGE if more is None else usage.used // 1024 + more
            _mount("-o", f"remount,size={max(size, PAGE)}k", name)

        try:
            yield folder, room
        finally:
            subprocess.run(["umount", "-l", name], check=False)


def _mount(*words: str) -> None:
    subprocess.run(["mount", *words], check=True)


def main() -> None:
    """Fill, fail, go on, compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=1e9)
    parser.add_argument("--command", help="only this one")
    parser.add_argument("--kept", type=Path, default=KEPT)
    options = parser.parse_args()
    deadline = time.monotonic() + 60 * options.minutes
    for writer in WRITERS:
        if options.command in (None, writer.name):
            _until_it_fits(writer, options.kept, deadline)
    _tell(options.kept)


def _read(kept: Path) -> list[dict[str, Any]]:
    if not kept.exists():
        return []
    return [json.loads(line) for line in kept.read_text(encoding="utf-8").splitlines()]


def _until_it_fits(writer: Writer, kept: Path, deadline: float) -> None:
    """One size after the other, each a line of what is kept."""
    done = [one for one in _read(kept) if one["command"] == writer.name]
    if any(one["fits"] for one in done):
        return
    whole = None
    step = writer.pages * PAGE
    kilobytes = max((one["kb"] for one in done), default=-step) + step
    fits = False
    while not fits and time.monotonic() < deadline:
        whole = whole if whole is not None else _whole(writer)
        found = _try(writer, kilobytes, whole)
        fits = found["fits"]
        line = {"command": writer.name, "kb": kilobytes, **found}
        print(json.dumps(line), flush=True)
        with kept.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        kilobytes += step


def _prepare(writer: Writer, folder: Path) -> None:
    (folder / "tiny.yaml").write_text(SPACE, encoding="utf-8")
    (folder / "measure.py").write_text(EVALUATOR, encoding="utf-8")
    # What is said takes no room: it lies elsewhere.
    (folder / "stderr").symlink_to(tempfile.mkstemp(prefix="effsearch-said-")[1])
    writer.before(folder)


def _whole(writer: Writer) -> Any:
    with small_disk() as (folder, _):
        _prepare(writer, folder)
        if code := _end_of(
            _start(writer.first, folder, anew=writer.name == "coefficients"), _LONGEST
        ):
            raise SystemExit(f"{writer.name}: {code}: {_said(folder)}")
        return writer.evidence(folder / writer.where)


def _try(writer: Writer, kilobytes: int, whole: Any) -> dict[str, Any]:
    wrong = []
    with small_disk() as (folder, room):
        _prepare(writer, folder)
        where = folder / writer.where
        if writer.name == "report":  # an earlier report has to survive
            (folder / "report.html").write_text("earlier", encoding="utf-8")
        room(kilobytes)
        code = _end_of(_start(writer.first, folder, anew=writer.name == "coefficients"), _LONGEST)
        said = [line for line in _said(folder).splitlines() if line.startswith("effsearch: ")]
        fits = code == 0
        if not fits and (code not in _CODES or len(said) != 1):
            wrong.append(f"{code}: {_said(folder)}")
        if writer.name == "report" and not fits and _reported(folder) != "earlier":
            wrong.append("the earlier report is gone")
        before = lines_kept(where)
        room(None)
        begun = (where / "run.json").exists() or writer.where == "."
        if not fits and (
            again := _end_of(
                _start(
                    writer.again if begun else writer.first,
                    folder,
                    anew=writer.name == "coefficients",
                ),
                _LONGEST,
            )
        ):
            wrong.append(f"again: {again}: {_said(folder)}")
        elif (found := writer.evidence(where)) != whole:
            wrong.append(f"differs: {_difference(whole, found)}")
        lost = sum((before - lines_kept(where)).values())
    return {"fits": fits, "code": code, "said": said[:1], "lost": lost, "wrong": wrong}


def _tell(kept: Path) -> None:
    rows: dict[str, dict[str, int]] = {}
    for one in _read(kept):
        row = rows.setdefault(one["command"], {"full": 0, "lost": 0, "wrong": 0, "ended_well": 0})
        row["full"] += not one["fits"]
        row["lost"] += one["lost"]
        row["wrong"] += bool(one["wrong"])
        row["ended_well"] += one["fits"]
    for name, row in rows.items():
        print(f"{name:22}", "  ".join(f"{key} {value}" for key, value in row.items()))
    write_result("full_disk", {"commands": rows}, ("torch", "optuna", "safetensors"))
    if any(row["lost"] or row["wrong"] for row in rows.values()):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
