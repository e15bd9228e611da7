"""Times networks by a command of the user's: any device that runs an ONNX file and prints
milliseconds, such as a phone behind `adb shell`."""

import math
import os
import re
import shlex
import signal
import subprocess
from pathlib import Path

from effsearch.latency.base_meter import Setting
from effsearch.latency.onnx_program import write_onnx
from effsearch.latency.options import TIMEOUT
from effsearch.latency.program import Program
from effsearch.latency.timing import Run, Sampling, Timing, summary
from effsearch.latency.weights import random_weights
from effsearch.results.store.scratch import scratch_folder
from effsearch.search_spaces.errors import EffsearchError, InputError, MissingResourceError

PLACE = "{onnx}"
_MILLISECONDS = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)\s*(?:ms)?", re.IGNORECASE)


class CommandMeter:
    """A command that is given an ONNX file and prints milliseconds.

    Every line of its output that is a number (with or without `ms`) is a run, other lines are
    ignored. No shell reads the command.

    Args:
        command: with `{onnx}` where the file's path belongs.
        timeout: seconds one call may take; it is killed then, with all that it started.
        batch: images at a time; the file's input is (batch, channels, height, width).

    Raises:
        InputError: the command does not name `{onnx}`, or its quotes do not match.
    """

    def __init__(self, command: str, *, timeout: float = TIMEOUT, batch: int = 1) -> None:
        try:
            self._words = shlex.split(command)
        except ValueError as problem:
            raise InputError(f"latency command '{command}': {problem}") from None
        if not any(PLACE in word for word in self._words):
            raise InputError(
                f"latency command '{command}' must say {PLACE} where the path of the network's "
                f"file belongs, such as python phone.py {PLACE}"
            )
        self._timeout, self._batch = timeout, batch
        self.setting = Setting(backend="command", device=command, threads=0, batch=batch)

    def timing(self, program: Program, sampling: Sampling | None = None) -> Timing:
        """One call of the command: repeating is its own business, so `sampling` says nothing.

        Raises:
            EffsearchError: it fails, takes too long, or prints no milliseconds.
            MissingResourceError: the program it names is not there, or onnx is not installed.
        """
        model = write_onnx(program, random_weights(program), self._batch)
        with scratch_folder("latency") as folder:
            path = folder / "network.onnx"
            path.write_bytes(model.SerializeToString())
            output = self._call(path)
        return summary([Run(ms) for ms in self._read(output)])

    def _call(self, path: Path) -> str:
        """What it prints for the network's file."""
        words = [word.replace(PLACE, str(path)) for word in self._words]
        try:
            process = subprocess.Popen(
                words,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                errors="replace",
                start_new_session=True,  # so that what it starts can be killed with it
            )
        except OSError as problem:
            raise MissingResourceError(
                f"latency command '{words[0]}' cannot be started: {problem.strerror or problem}"
            ) from None
        try:
            output, talk = process.communicate(timeout=self._timeout)
        except subprocess.TimeoutExpired:
            said = _last_line(_kill(process).replace(str(path), PLACE))
            last = f" after saying '{said}'" if said else ""
            raise EffsearchError(
                f"latency command '{self.setting.device}' took more than {self._timeout:g} s and "
                f"was stopped{last}: is the device there, or does it need more time?"
            ) from None
        finally:
            if process.poll() is None:
                _kill(process)
        # The path is another each time: equal failures are told in equal words.
        output, talk = (text.replace(str(path), PLACE) for text in (output, talk))
        if process.returncode:
            raise EffsearchError(
                f"latency command '{self.setting.device}' failed with exit code "
                f"{process.returncode}: {_last_line(talk) or 'it said nothing on stderr'}"
            )
        return output

    def _read(self, output: str) -> list[float]:
        found = [_MILLISECONDS.fullmatch(line.strip()) for line in output.splitlines()]
        values = [float(match.group(1)) for match in found if match]
        if not values:
            last = _last_line(output)
            said = f"its last line was '{last}'" if last else "it printed nothing"
            raise EffsearchError(
                f"latency command '{self.setting.device}' must print milliseconds, a number a "
                f"line: {said}"
            )
        for value in values:
            if not 0 < value < math.inf:
                raise EffsearchError(
                    f"latency command '{self.setting.device}' printed {value:g} ms: a latency is "
                    "above zero"
                )
        return values


def _kill(process: "subprocess.Popen[str]") -> str:
    """Kill a command with all that it started; what it had said on stderr."""
    os.killpg(process.pid, signal.SIGKILL)
    return process.communicate()[1]


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1].strip()[:200] if lines else ""
