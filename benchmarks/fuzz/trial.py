"""One input: the program in a forked process, in a folder of its own, and what came of it."""

import os
import random
import re
import resource
import signal
import sys
import time
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

PATIENCE_SECONDS = 20
"""Of the processor; what waits, or has a busy machine, gets more by the clock."""

_WALL_SECONDS = 120.0
CODES = range(5)
_MEMORY = 6 << 30  # bytes of address space on top of what the parent has
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")


@dataclass(frozen=True, kw_only=True)
class Input:
    """A command line, and the files that are damaged before it runs, by path in the folder.

    Attributes:
        area: what kind of input it is.
        what: the damage, in a few words.
        shows: text that has to stand on stdout where the command ends well.
    """

    area: str
    what: str
    arguments: Sequence[str]
    files: Mapping[str, bytes] = field(default_factory=dict)
    shows: str = ""

    @property
    def starts_nothing(self) -> bool:
        """Whether it only reads and plans, so that no Ray needs to be kept from starting."""
        only_reads = self.arguments[0] in ("results", "spaces", "profile", "scale", "lut")
        return self.area != "command lines" and (only_reads or "--dry-run" in self.arguments)


@dataclass(frozen=True)
class Outcome:
    """How the program ended: its exit code, or minus the signal; None where it hung."""

    code: int | None
    out: str
    err: str
    seconds: float

    @property
    def hung(self) -> bool:
        """Whether it did not end within `PATIENCE_SECONDS`."""
        return self.code in (None, -signal.SIGXCPU)

    def wrong(self, given: Input) -> str | None:
        """What is wrong with it; None for nothing."""
        if self.hung:
            return f"hang: no end within {PATIENCE_SECONDS} s"
        if "Traceback (most recent call last)" in self.err + self.out:
            return "traceback: " + self.err.rstrip().rpartition("\n")[2][:200]
        if self.code not in CODES:
            return f"crash: exit code {self.code}"
        tells = given.arguments[:1] == ["doctor"]  # what is wrong is what it was asked for
        if self.code and not tells and not _said_once(self.err):
            return f"silence: exit code {self.code} without one line that says why"
        if found := _CONTROL.search(self.err):
            return f"control: {found.group()!r} on stderr"
        if "--json" not in given.arguments and (found := _CONTROL.search(self.out)):
            return f"control: {found.group()!r} on stdout"
        if self.code == 0 and given.shows and given.shows not in self.out:
            return f"hidden: '{given.shows}' is not shown"
        return None


def _said_once(err: str) -> bool:
    """Whether errors are one line, and one of them is there."""
    lines = [line for line in err.splitlines() if line.startswith("effsearch: ")]
    return len(lines) == 1 or "Usage:" in err


def run_input(given: Input, folder: Path, anew: bool = False) -> Outcome:
    """Write the damaged files into a folder, and run the program there.

    Args:
        anew: by a Python that is started for it, and not by this one, forked.
    """
    for name, data in given.files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    out, err = folder.parent / "stdout", folder.parent / "stderr"
    start = time.monotonic()
    child = os.fork()
    if child == 0:
        _be_the_program(given.arguments, folder, out, err, anew)
    code = _ended(child, start + _WALL_SECONDS)
    return Outcome(
        code,
        out.read_bytes().decode("utf-8", "replace"),
        err.read_bytes().decode("utf-8", "replace"),
        time.monotonic() - start,
    )


def _ended(child: int, deadline: float) -> int | None:
    while time.monotonic() < deadline:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.003)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None


def _be_the_program(
    arguments: Sequence[str], folder: Path, out: Path, err: Path, anew: bool
) -> None:
    """As `effsearch ARGUMENTS` would be in a process that was started anew."""
    code = 70
    try:
        os.setpgid(0, 0)
        _bound_what_it_takes()
        for number, path in ((1, out), (2, err)):
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            os.dup2(descriptor, number)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        if anew:
            os.chdir(folder)
            words = [sys.executable, "-m", "effsearch.cli.app", *arguments]
            os.execv(sys.executable, words)
        sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
        sys.stderr = open(2, "w", encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115
        os.chdir(folder)
        sys.argv = ["effsearch", *arguments]
        random.seed()
        from effsearch.cli.app import main

        try:
            main()
        except SystemExit as left:
            code = left.code if isinstance(left.code, int) else 0 if left.code is None else 1
        except BaseException:
            traceback.print_exc()
            code = 71
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code)


def _bound_what_it_takes() -> None:
    """What asks for endless memory or time fails here, and not the machine."""
    resource.setrlimit(resource.RLIMIT_CPU, (PATIENCE_SECONDS, PATIENCE_SECONDS + 5))
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + _MEMORY, used + _MEMORY))
