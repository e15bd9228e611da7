"""Writes down what effsearch prints and leaves behind today, to be compared with tomorrow's.

    python tests/golden/make_golden.py OUTDIR                     run all cases, write their outputs
    python tests/golden/make_golden.py --compare EXPECTED ACTUAL  a unified diff; exit code 1 if any
    python tests/golden/make_golden.py --gone EXPECTED ACTUAL     files, keys and columns lost

Only the command line is used, so it works on any version of the program. See `README.md`.
"""

import argparse
import difflib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from cases import CASES, Command
from gone import gone
from normalise import Normaliser, skeleton

INPUTS = Path(__file__).parent / "inputs"
_TIMEOUT = 1800.0


def program() -> list[str]:
    """What runs effsearch: `$EFFSEARCH`, else this Python's command, the path's, or the module."""
    if told := os.environ.get("EFFSEARCH"):
        return shlex.split(told)
    beside = Path(sys.executable).with_name("effsearch")
    found = str(beside) if beside.exists() else shutil.which("effsearch")
    return [found] if found else [sys.executable, "-m", "effsearch.cli.app"]


def environment() -> dict[str, str]:
    """One thread, no colour and 100 columns, whatever this terminal is."""
    settings = {
        "COLUMNS": "100",
        "LINES": "40",
        "TERM": "dumb",
        "NO_COLOR": "1",
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
        "PYTHONHASHSEED": "0",
        "OMP_NUM_THREADS": "1",
        "CUDA_VISIBLE_DEVICES": "",
    }
    return {key: value for key, value in os.environ.items() if key != "FORCE_COLOR"} | settings


def run_case(name: str, folder: Path, out: Path) -> None:
    """Run the commands of a case one after the other; write what each printed, then all files."""
    shutil.copytree(INPUTS, folder, dirs_exist_ok=True)
    before = set(folder.rglob("*"))
    normaliser = Normaliser(folder)
    out.mkdir(parents=True)
    for number, command in enumerate(CASES[name], start=1):
        done = subprocess.run(
            [*program(), *shlex.split(command.line)],
            cwd=folder,
            env=environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT,
        )
        target = out / f"{number:02d}-{_slug(command.line)}.txt"
        target.write_text(_transcript(command, done, normaliser))
    _write_files(folder, before, out / "files", normaliser)


def _transcript(
    command: Command, done: "subprocess.CompletedProcess[str]", normaliser: Normaliser
) -> str:
    printed, said = done.stdout, normaliser.lines(done.stderr)
    if command.measures:
        printed, said = json.dumps(skeleton(json.loads(printed))), re.sub(r"\d", "#", said)
        said = re.sub(r"^effsearch: noisy machine: .*\n", "", said, flags=re.MULTILINE)
    return (
        f"$ effsearch {command.line}\nexit code {done.returncode}\n"
        f"\n--- stdout\n{normaliser.output(printed)}\n--- stderr\n{said}"
    )


def _write_files(folder: Path, before: set[Path], out: Path, normaliser: Normaliser) -> None:
    """The names of the files that the case has left, and the content of those that are text."""
    found = sorted(path for path in set(folder.rglob("*")) - before if path.is_file())
    if not found:
        return
    out.mkdir()
    names = [path.relative_to(folder) for path in found]
    (out / "names.txt").write_text("".join(f"{name}\n" for name in names))
    for path, name in zip(found, names, strict=True):
        text = normaliser.file(path)
        if text is not None:
            target = out / f"{name}.txt"
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)


def _slug(line: str) -> str:
    words = re.findall(r"[a-z0-9-]+", line.split(" --")[0].split("'")[0])
    return "-".join(word.strip("-") for word in words[:4]) or line.strip("-")


def make(out: Path, names: list[str], workers: int) -> None:
    """Run cases side by side, each in a temporary folder, and write them below `out`."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="golden-") as scratch:

        def run(name: str) -> None:
            shutil.rmtree(out / name, ignore_errors=True)
            begun = time.monotonic()
            run_case(name, Path(scratch) / name, out / name)
            print(f"{name}: {time.monotonic() - begun:.0f} s", file=sys.stderr, flush=True)

        with ThreadPoolExecutor(workers) as pool:
            list(pool.map(run, names))
    print(f"{out}: {time.monotonic() - started:.0f} s", file=sys.stderr)


def compare(expected: Path, actual: Path) -> int:
    """Print how two trees differ, and count the files that do."""
    different = 0
    for name in sorted(_files(expected) | _files(actual)):
        old, new = (_read(root / name) for root in (expected, actual))
        if old == new:
            continue
        different += 1
        diff = difflib.unified_diff(old, new, str(expected / name), str(actual / name), n=2)
        sys.stdout.writelines(line if line.endswith("\n") else f"{line}\n" for line in diff)
    return different


def _files(root: Path) -> set[Path]:
    return {path.relative_to(root) for path in root.rglob("*") if path.is_file()}


def _read(path: Path) -> list[str]:
    return path.read_text().splitlines(keepends=True) if path.exists() else []


def main() -> int:
    """Parse the command line, then make or compare."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("out", nargs="?", type=Path, help="Folder to write to.")
    parser.add_argument("--compare", nargs=2, type=Path, metavar=("EXPECTED", "ACTUAL"))
    parser.add_argument("--gone", nargs=2, type=Path, metavar=("EXPECTED", "ACTUAL"))
    parser.add_argument("--case", action="append", choices=sorted(CASES), help="These alone.")
    parser.add_argument("--workers", type=int, default=2, help="Cases at a time [2].")
    told = parser.parse_args()
    if sum(one is not None for one in (told.out, told.compare, told.gone)) != 1:
        parser.error("give OUTDIR, or --compare or --gone with EXPECTED ACTUAL")
    if told.gone:
        lost = gone(*told.gone)
        print("\n".join(lost) or "nothing is gone")
        return bool(lost)
    if told.compare:
        different = compare(*told.compare)
        print(f"{different} files differ", file=sys.stderr)
        return min(different, 1)
    make(told.out, told.case or list(CASES), told.workers)
    return 0


if __name__ == "__main__":
    sys.exit(main())
