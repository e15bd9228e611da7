"""The site is built without a warning, loads nothing from elsewhere, and knows every command."""

import re
import subprocess
import sys
from os import environ
from pathlib import Path

import pytest
from written import ROOT

from effsearch import __all__ as public


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built as `make docs` builds it."""
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "-d", str(folder)],
        cwd=ROOT,
        env=environ | {"PYTHONPATH": "src", "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.mark.slow
def test_nothing_is_loaded_from_elsewhere(site: Path) -> None:
    loaded = re.compile(r'<(?:script|img|iframe|link)[^>]*?\b(?:src|href)="(https?:[^"]+)"')
    for page in site.rglob("*.html"):
        found = set(loaded.findall(page.read_text())) - {""}
        assert not [url for url in found if "canonical" not in url], page.name


@pytest.mark.slow
def test_the_references_are_in_step(site: Path) -> None:
    commands = (site / "reference" / "commands.html").read_text()
    hooks = _hooks()
    for path, command in hooks["commands"]():
        assert f">{path}<" in commands
        options = [one for one in command.params if one.param_type_name == "option"]
        for parameter in options:
            assert all(flag in commands for flag in parameter.opts), (path, parameter.opts)
    names = (site / "reference" / "api.html").read_text()
    assert [name for name in public if f'id="effsearch.{name}"' not in names] == []


@pytest.mark.slow
def test_the_search_knows_every_page(site: Path) -> None:
    index = (site / "search" / "search_index.js").read_text()
    assert all(
        page.relative_to(site).as_posix() in index
        for page in site.rglob("*.html")
        if page.name != "404.html"
    )


def test_every_marker_stands_for_something_generated() -> None:
    hooks = _hooks()
    for page in (ROOT / "docs").rglob("*.md"):
        assert set(hooks["MARKER"].findall(page.read_text())) <= set(hooks["GENERATED"])


def _hooks() -> dict:
    names: dict = {"__file__": str(ROOT / "docs" / "hooks.py"), "__name__": "hooks"}
    exec((ROOT / "docs" / "hooks.py").read_text(), names)
    return names
