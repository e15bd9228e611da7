"""What the project says of itself says the same in every place."""

import re
import tomllib
from itertools import chain
from pathlib import Path

import pytest
import yaml
from written import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
CITATION = yaml.safe_load((ROOT / "CITATION.cff").read_text())


def test_the_licence_is_the_one_that_is_named() -> None:
    text = (ROOT / "LICENSE").read_text()
    assert PROJECT["license"] == "Apache-2.0" == CITATION["license"]
    assert "Apache License" in text
    assert "Version 2.0, January 2004" in text
    assert (ROOT / "README.md").read_text().rstrip().endswith("Apache-2.0.")


def test_one_version_and_one_home() -> None:
    home = PROJECT["urls"]["Homepage"]
    assert PROJECT["version"] == CITATION["version"]
    assert CITATION["repository-code"] == home
    assert f'link: "{home}"' in (ROOT / "mkdocs.yml").read_text()
    assert all(url.startswith(home) for url in PROJECT["urls"].values())


def test_names_in_the_citation_are_the_authors() -> None:
    assert [author["name"] for author in PROJECT["authors"]] == [
        author["name"] for author in CITATION["authors"]
    ]


def test_the_workflow_runs_what_ci_runs() -> None:
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())
    steps = workflow["jobs"]["test"]["steps"]
    assert steps[-1] == {"run": ".ci/run"}
    assert (ROOT / ".ci" / "run").stat().st_mode & 0o111
    python = next(step["with"] for step in steps if "python" in step.get("uses", ""))
    assert f">={python['python-version']}" == PROJECT["requires-python"]


@pytest.mark.parametrize("path", sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml")))
def test_issue_templates_can_be_read(path: Path) -> None:
    document = yaml.safe_load(path.read_text())
    assert {"name", "description", "body"} <= set(document) or "contact_links" in document


def test_what_make_installs_is_pinned() -> None:
    pins = {_plain(line.split("==")[0]) for line in (ROOT / "constraints.txt").read_text().split()}
    extras = PROJECT["optional-dependencies"]
    (own,) = (text for text in extras["dev"] if text.startswith("effsearch["))
    named = [extra.strip() for extra in own.removeprefix("effsearch[").rstrip("]").split(",")]
    wanted = chain(PROJECT["dependencies"], extras["dev"], *(extras[extra] for extra in named))
    assert {_plain(re.split(r"[\[<>=!~;]", text)[0]) for text in wanted} - {"effsearch"} <= pins


def _plain(name: str) -> str:
    return name.strip().lower().replace("_", "-")


LINK = re.compile(r"\[[^]]*\]\(([^)#\s]+)(?:#[\w-]+)?\)")


@pytest.mark.parametrize("page", sorted(ROOT.glob("*.md")), ids=lambda page: page.name)
def test_files_that_the_root_links_to_exist(page: Path) -> None:
    targets = [link for link in LINK.findall(page.read_text()) if "://" not in link]
    assert [target for target in targets if not (ROOT / target).exists()] == []
