"""`tests`: the project's tests that need a card."""

import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from benchmarks.gpu.leg import Leg, TimeIsUpError

_ROOT = Path(__file__).parents[2]
_MARK = "mark.cuda"


def run(leg: Leg) -> None:
    """File by file, so that one whose imports are missing here does not stop the others."""
    files = sorted(path for path in _ROOT.glob("tests/**/*.py") if _MARK in path.read_text("utf-8"))
    rows = [leg.once(path.name, lambda path=path: _tested(path, leg), seconds=5) for path in files]
    totals = {key: sum(row[key] for row in rows) for key in ("passed", "failed", "skipped")}
    leg.conclude(**totals)


def _tested(path: Path, leg: Leg) -> dict[str, Any]:
    report = leg.folder / "tests.xml"
    report.unlink(missing_ok=True)
    command = [sys.executable, "-m", "pytest", "-m", "cuda", "-p", "no:cacheprovider", "-q"]
    try:
        done = subprocess.run(
            [*command, f"--junitxml={report}", str(path)],
            cwd=_ROOT,
            capture_output=True,
            text=True,
            timeout=leg.left,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise TimeIsUpError from None
    if not report.exists():
        return {"passed": 0, "failed": 1, "skipped": 0, "error": done.stdout[-2000:]}
    suite = ElementTree.parse(report).getroot()[0]
    report.unlink()
    tests, skipped = int(suite.attrib["tests"]), int(suite.attrib["skipped"])
    failed = int(suite.attrib["failures"]) + int(suite.attrib["errors"])
    found = {"passed": tests - skipped - failed, "failed": failed, "skipped": skipped}
    return found | ({"error": done.stdout[-2000:]} if failed else {})
