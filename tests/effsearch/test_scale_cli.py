"""`effsearch scale`, `coefficients` and `compare-scaling` on the command line."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from effsearch.cli.app import main

Call = Callable[..., int]


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Call:
    """Run the command in a folder of its own; its exit code."""

    def run(*arguments: str) -> int:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "argv", ["effsearch", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        return int(ended.value.code or 0)

    return run


def test_scale_prints_the_published_family(
    call: Call, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert call("scale", "--family", "published") == 0
    shown = capsys.readouterr()
    lines = shown.out.splitlines()
    assert lines[1].split()[:6] == [
        "efficientnet-b0",
        "1.000",
        "1.000",
        "224",
        "5,288,548",
        "385.8M",
    ]
    assert lines[8].split()[:3] == ["efficientnet-b7", "3.100", "2.000"]
    assert lines[8].split()[3:6] == ["600", "66,347,960", "37.75G"]
    assert (tmp_path / "runs" / "family" / "001" / "family.csv").exists()


def test_scale_prints_phi_one_of_b0(call: Call, capsys: pytest.CaptureFixture[str]) -> None:
    given = ("--baseline", "efficientnet-b0", "--coefficients", "1.2,1.1,1.15")
    assert call("scale", "--phi", "1", *given) == 0
    shown = capsys.readouterr()
    row = shown.out.splitlines()[1].split()
    assert (row[3], row[5]) == ("258", "992.6M")
    assert row[-2:] == ["1.92x", "2.57x"]
    assert "coefficients: 1.2,1.1,1.15" in shown.err


def test_scale_as_json_is_one_document_of_whole_counts(
    call: Call, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("scale", "--phi", "-1,0.5", "--json", "-q") == 0
    shown = capsys.readouterr()
    members = json.loads(shown.out)["members"]
    assert [one["phi"] for one in members] == [-1, 0.5]
    assert all(isinstance(one["macs"], int) for one in members)
    assert shown.err == ""


def test_a_dry_run_of_the_grid_counts_and_writes_nothing(
    call: Call, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    network = "res64 act_relu stem_k3_s2_c8 ir_r1_k3_s2_e2_c8 ir_r1_k3_s2_e2_c16 head_c32"
    given = ("--baseline", network, "--proxy-resolution", "8", "--max-images", "60")
    assert call("coefficients", "--dry-run", "--json", *given) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["triples"] == 108
    assert 1 < document["networks"] == document["trainings"] < 108
    assert document["estimated_seconds"] >= 0
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ("scale --baseline efficientnet-b9", 2, "unknown network 'efficientnet-b9'"),
        ("scale --phi one", 2, "'one' is neither a number nor a range of whole numbers such as"),
        ("scale --phi 1,x", 2, "'x' in '1,x' is neither a number nor a range"),
        ("scale --phi 3..1", 2, "the range 3..1 falls: write 1..3"),
        ("scale --target-flops 1k", 3, "no phi reaches 1.0k MACs: the closest network"),
        ("scale --coefficients 1.2,x,1", 2, "not three numbers"),
        ("scale --coefficients missing.json", 2, "cannot read missing.json"),
        ("scale --target-flops 0", 2, "more than zero"),
        ("scale --phi -20", 2, "below what the strides allow"),
        ("coefficients --phi 0", 2, "phi = 0 scales nothing"),
        ("coefficients --step 0", 2, "step must be"),
        ("coefficients --step -0.05", 2, "step must be"),
        ("coefficients --beta-bounds 1,1e9", 2, "narrow the bounds"),
        ("coefficients --storage study.db", 2, "'study.db' is not a database URL"),
        ("coefficients --storage sqlite:////none/study.db", 4, "does not answer"),
        ("coefficients --pruning halving --epochs 1", 2, "needs trainings of at least 2 epochs"),
        ("coefficients --alpha-bounds 0.5,2", 2, "bounds of alpha start at 1"),
        ("coefficients --gamma-bounds 1.2", 2, "gamma_bounds must be two numbers such as 1,1.5"),
        ("coefficients --step 0.3 --tolerance 0.01", 3, "smallest --tolerance that has one is"),
        ("coefficients --baseline mobilenet-v9", 2, "did you mean 'mobilenet-v"),
        ("coefficients --data nowhere/at/all", 2, "does not exist"),
        ("coefficients --gpus-per-trial 64", 4, "GPUs were asked for"),
        ("coefficients --resume coefficients/007", 2, "there is no run"),
        ("coefficients --resume x --dry-run", 2, "--resume cannot be combined"),
        ("compare-scaling --budgets 2,-4", 2, "-4"),
        ("compare-scaling --baseline resnet", 2, "unknown network 'resnet'"),
        ("compare-scaling --resume comparison/007", 2, "there is no run"),
    ],
)
def test_bad_input_is_one_line_with_the_right_exit_code(
    call: Call,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    arguments: str,
    code: int,
    message: str,
) -> None:
    assert call(*arguments.split(" ")) == code
    shown = capsys.readouterr()
    assert shown.out == ""
    assert message in shown.err
    assert shown.err.count("\n") == 1
    assert not (tmp_path / "runs").exists()
