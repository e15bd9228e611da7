"""Options of the command line and of Python: both follow from the configurations."""

import inspect
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import pytest
import typer
from typer.testing import CliRunner

import effsearch
from effsearch.cli.completion import (
    complete_networks,
    complete_plots,
    complete_runs,
    complete_spaces,
)
from effsearch.cli.from_config import options_of
from effsearch.cli.grouped_help import GroupedCommand
from effsearch.results.config import COUNT, Option, Settings
from effsearch.write_keywords import CONFIGS, keywords_text


@dataclass(frozen=True, kw_only=True)
class Mine(Settings):
    MAIN = ("budget",)
    rounds: Annotated[int, Option("Rounds.", "Length", flags=("--rounds", "-r"))] = 3
    budget: Annotated[float | None, Option("Budget, such as 4M.", "Money", "none", COUNT)] = None
    tags: Annotated[dict[str, Any], Option("More.", on_line=False)] = None  # type: ignore[assignment]


@pytest.fixture
def app() -> typer.Typer:
    made = typer.Typer(rich_markup_mode=None, add_completion=False)

    @made.command(cls=GroupedCommand)
    @options_of(Mine)
    def command(given: Mapping[str, Any], loud: bool = False) -> None:
        """Do it."""
        print(dict(given), loud)

    return made


def test_one_field_gives_a_flag(app: typer.Typer) -> None:
    done = CliRunner().invoke(app, ["-r", "5", "--budget", "4M", "--loud"])
    assert done.output == "{'budget': '4M', 'rounds': 5} True\n"
    assert CliRunner().invoke(app, []).output == "{} False\n"


def test_help_shows_the_main_options_first_then_titled_groups(app: typer.Typer) -> None:
    lines = CliRunner().invoke(app, ["--help"]).output.splitlines()
    titles = [line for line in lines if line.endswith(":") and not line.startswith(" ")]
    assert titles == ["Main options:", "Length:", "Options:", "Run and output:"]
    assert "  --budget AMOUNT     Budget, such as 4M [none]." in lines
    assert "  -r, --rounds N      Rounds [3]." in lines
    assert "--tags" not in "".join(lines)


def test_only_a_command_that_takes_a_latency_table_speaks_of_one(cli) -> None:
    searching, scaling = (" ".join(cli(one, "--help").out.split()) for one in ("baseline", "scale"))
    assert "its backend, number format, threads and batch are then a measurement's" in searching
    assert " table" not in scaling.split("Latency:")[1].split("Scaling:")[0]


def test_usage_names_arguments_plainly(cli) -> None:
    compare = cli("results", "compare", "--help").out
    assert "results compare [OPTIONS] RUN...\n" in compare
    assert "x>=" not in compare
    assert "report [OPTIONS] [RUN...]\n" in cli("report", "--help").out


def test_the_five_that_matter_stand_first_in_the_help_of_the_search(cli) -> None:
    text = cli("baseline", "--help").out
    first = text.split("Main options:")[1].split("\n\n")[0]
    flags = [word.strip(",") for word in first.split() if word.startswith("--")]
    assert flags == ["--target-flops", "--data", "--space", "--samples", "--strategy"]
    for title in ("Objective:", "Latency:", "Search:", "Finalists:", "Machine:"):
        assert f"\n{title}\n" in text


def test_commands_with_options_of_their_own_show_them_in_the_same_words(cli) -> None:
    ranking = " ".join(cli("results", "top", "--help").out.split())
    assert "Arguments: RUN A run's path, baseline/001" in ranking
    assert "Options: -n N How many trials [10]." in ranking
    assert "Run and output: --run-dir FOLDER Folder that holds the runs [runs]." in ranking
    building = " ".join(cli("lut", "build", "--help").out.split())
    assert "--space TEXT Shipped space or YAML file [mnasnet]. --device TEXT" in building


def test_networks_spaces_and_runs_complete(tmp_path: Path) -> None:
    (tmp_path / "baseline" / "001").mkdir(parents=True)
    (tmp_path / "baseline" / "001" / "run.json").write_text("{}")
    context = type("Context", (), {"params": {"run_dir": tmp_path}})()
    assert complete_runs("baseline")(context, "base") == ["baseline/001"]
    assert complete_runs("train")(context, "") == []
    assert "mobilenet-v2" in complete_networks(context, "mob")
    assert complete_spaces("mnas") == ["mnasnet", "mnasnet-timm"]
    assert complete_plots("heat") == ["heatmap"]


def test_strategies_complete_in_the_shell() -> None:
    asked = {"COMP_WORDS": "effsearch baseline --strategy lo", "COMP_CWORD": "3"}
    script = "import sys; sys.argv = ['effsearch']; from effsearch.cli.app import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=os.environ | asked | {"_EFFSEARCH_COMPLETE": "complete_bash"},
        capture_output=True,
        text=True,
    )
    assert done.stdout.split() == ["local_search"]


def test_the_keywords_of_python_are_in_step_with_the_options() -> None:
    file = Path(inspect.getfile(effsearch)).with_name("keywords.py")
    assert file.read_text() == keywords_text(), "python -m effsearch.write_keywords"
    assert set(CONFIGS) == {
        "AskTellKeywords",
        "BaselineKeywords", "BenchKeywords", "CoefficientsKeywords", "ComparisonKeywords",
        "ScaleKeywords", "TrainKeywords",
    }  # fmt: skip


def test_functions_show_their_keywords_one_by_one() -> None:
    shown = inspect.signature(effsearch.search_baseline).parameters
    assert shown["target_flops"].annotation == float | str | None
    assert (shown["samples"].default, shown["strategy"].default) == (100, "bayesian")
    assert not [one for one in shown.values() if one.kind is one.VAR_KEYWORD]
