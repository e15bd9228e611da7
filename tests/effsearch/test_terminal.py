"""On a real terminal: the progress bar is drawn, tables are folded, and numbers are never torn."""

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

EVALUATOR = """
def evaluate(architecture):
    return int(architecture.id, 16) % 1000 / 1000
"""


def on_a_terminal(stream: str, arguments: list[str], folder: Path, columns: int) -> str:
    """What a command shows where `stdout` or `stderr` is a terminal; it has to end well."""
    ours, theirs = pty.openpty()
    others: dict[str, int] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen(
        [sys.executable, "-m", "effsearch.cli.app", *arguments],
        cwd=folder,
        env=os.environ | {"TERM": "xterm", "COLUMNS": str(columns)},
        **(others | {stream: theirs}),  # type: ignore[call-overload]
    )
    os.close(theirs)
    shown = b""
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:  # how Linux says that the other end was closed
            break
        if not part:
            break
        shown += part
    os.close(ours)
    assert process.wait(timeout=60) == 0, shown.decode()
    return shown.decode()


@pytest.mark.slow
def test_a_live_bar_is_drawn_on_a_terminal(tmp_path: Path) -> None:
    (tmp_path / "evaluator.py").write_text(EVALUATOR)
    command = ["baseline", "--target-flops", "400M", "-n", "6", "--workers", "1"]
    text = on_a_terminal(
        "stderr", [*command, "--evaluator", "evaluator.py:evaluate"], tmp_path, columns=160
    )
    assert "6/6" in text
    assert "best" in text
    assert "\x1b[" in text  # redrawn in place
    assert "Traceback" not in text


@pytest.mark.parametrize("columns", [40, 80, 120])
def test_no_number_of_a_table_is_torn_whatever_the_width(columns: int, tmp_path: Path) -> None:
    given = ["--baseline", "efficientnet-b0", "--coefficients", "1.2,1.1,1.15", "--phi", "7"]
    text = on_a_terminal("stdout", ["scale", *given], tmp_path, columns)
    header, row = (re.sub(r"\x1b\[[0-9;]*m", "", line) for line in text.splitlines())
    assert header.split()[-2:] == ["nominal", "measured"]
    assert row.split()[3:6] == ["596", "68,741,810", "39.66G"]


def test_long_text_is_folded_where_there_is_room_for_the_rest(tmp_path: Path) -> None:
    (tmp_path / "b.json").write_text('{"architecture": "stem_k3_s2_c8 ir_r1_k3_s2_e2_c8 head_c16"}')
    text = on_a_terminal("stdout", ["results", "diff", "b.json"], tmp_path, columns=80)
    assert all(len(re.sub(r"\x1b\[[0-9;]*m", "", line)) <= 80 for line in text.splitlines())
