"""The front door, open before anything is loaded: a stop is one line from the first moment on."""

import errno
import io
import os
import sys

from effsearch.results.plain_text import plain_streams, terminal
from effsearch.results.store.signals import exit_code, stopping_on_signals


def console() -> None:
    """As `main`, for a process of its own, which ends at once where it was asked to stop.

    By then all is written and Ray is shut down. A stop can come in the middle of a call of Ray's,
    whose threads then crash the interpreter, or keep it waiting, as it takes itself down.
    """
    try:
        main()
    except SystemExit as left:
        if "ray" in sys.modules and isinstance(left.code, int) and left.code == exit_code():
            for stream in (sys.stdout, sys.stderr):
                stream.flush()
            os._exit(left.code)
        raise


def main() -> None:
    """Run a command and exit with its code."""
    _name_files_in_utf8()
    with plain_streams():
        code = _run()
    # Under `python -m`, where a stop broke off an exec() of text, by which dataclasses are made,
    # CPython ends by SIGINT whatever became of the stop; with the next such call it forgets that.
    exec("")
    sys.exit(code)


def _name_files_in_utf8() -> None:
    """Start anew where Python was told to take names of files for ASCII or Latin-1.

    Ray and others hand names on as UTF-8, and fail where these are none. What is printed keeps the
    encoding of its terminal.
    """
    if sys.getfilesystemencoding() == "utf-8" or sys.flags.utf8_mode or not sys.orig_argv[1:]:
        return
    encoding = getattr(sys.stdout, "encoding", None) or "ascii"
    os.environ.setdefault("PYTHONIOENCODING", f"{encoding}:backslashreplace")
    os.environ["PYTHONUTF8"] = "1"
    os.execv(sys.executable, [sys.executable, "-X", "utf8", *sys.orig_argv[1:]])


def _run() -> int:
    try:
        stdout = terminal(sys.stdout)
        if isinstance(stdout, io.TextIOWrapper):  # any name can be printed on any terminal
            stdout.reconfigure(errors="backslashreplace")
        with stopping_on_signals():
            from effsearch.cli.commands import run

            code = run()
        if sys.stdout:
            sys.stdout.flush()
    except KeyboardInterrupt:
        print("effsearch: stopped", file=sys.stderr)
        code = exit_code()
    except OSError as problem:
        if problem.errno not in (errno.EPIPE, errno.ENOSPC):
            raise
        if problem.errno == errno.ENOSPC:
            where = problem.filename or "to stdout"
            print(f"effsearch: cannot write {where}: {problem.strerror}", file=sys.stderr)
        # What is left in the buffer has nowhere to go, and Python would say so as it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 1
    return code


if __name__ == "__main__":
    console()
