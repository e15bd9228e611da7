"""A search on a real terminal: the progress bar is drawn, and the search ends well."""

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

EVALUATOR = """
def evaluate(architecture):
    return int(architecture.id, 16) % 1000 / 1000
"""


@pytest.mark.slow
def test_a_live_bar_is_drawn_on_a_terminal(tmp_path: Path) -> None:
    (tmp_path / "evaluator.py").write_text(EVALUATOR)
    ours, theirs = pty.openpty()
    command = [
        *(sys.executable, "-m", "effsearch.cli.app", "baseline", "--target-flops", "400M"),
        *("-n", "6", "--workers", "1", "--evaluator", "evaluator.py:evaluate"),
    ]
    environment = os.environ | {"TERM": "xterm", "COLUMNS": "160"}
    process = subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=theirs, env=environment
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
    assert process.wait(timeout=60) == 0, shown.decode()
    text = shown.decode()
    assert "6/6" in text
    assert "best" in text
    assert "\x1b[" in text  # redrawn in place
    assert "Traceback" not in text
