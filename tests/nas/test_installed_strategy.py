"""A strategy of somebody else's package, installed as a user installs it."""

import subprocess
import sys
from pathlib import Path

import pytest

import effsearch
from effsearch.cli.app import main
from effsearch.nas.strategies.registry import strategy_names, strategy_options

PACKAGE = Path(__file__).parents[2] / "examples" / "strategy_package"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that pip installed the package into, from its source and without a network."""
    place = tmp_path_factory.mktemp("site-packages")
    subprocess.run(
        [
            sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps",
            "--no-build-isolation", "--disable-pip-version-check", "--target", place, PACKAGE,
        ],
        check=True,
    )  # fmt: skip
    return place


def test_an_installed_package_brings_its_strategy(
    installed: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "greedy" not in strategy_names()
    monkeypatch.syspath_prepend(installed)
    assert "greedy" in strategy_names()
    assert strategy_options("greedy") == {"changes": 2}

    search = effsearch.ask_tell(strategy="greedy", target_flops="400M", seed=0)
    best = []
    for _ in range(4):
        networks = search.ask(4)
        search.tell(networks, [effsearch.cost(one).params / 1e8 for one in networks])
        best.append(search.best.accuracy)
    assert best[-1] > best[0]

    monkeypatch.setattr(sys, "argv", ["effsearch", "baseline", "--target-flops", "400M",
                                      "--strategy", "greedy", "--evaluator", "zero-cost",
                                      "--dry-run"])  # fmt: skip
    with pytest.raises(SystemExit) as left:
        main()
    assert not left.value.code
    assert "greedy" in capsys.readouterr().out
