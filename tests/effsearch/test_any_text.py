"""Text that is no name, no path and no number where one is expected; and networks by any name."""

import json
from pathlib import Path

import pytest

LONG = "res32 stem_k3_s2_c8 " + " ".join(["ir_r1_k3_s1_e2_c8_se0.25_noskip"] * 12) + " head_c16"
"""A network in one line that is longer than a file name may be."""


@pytest.mark.parametrize(
    "arguments",
    [
        ("profile", LONG, "--json"),
        ("scale", "--baseline", LONG, "--phi", "0", "--json", "-q"),
        ("results", "diff", LONG, LONG, "--json", "-q"),
    ],
    ids=["profile", "scale", "diff"],
)
def test_a_line_of_notation_may_be_of_any_length(arguments: tuple[str, ...], cli) -> None:
    answer = cli(*arguments)
    assert (answer.code, answer.err) == (0, "")
    assert json.loads(answer.out)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("results", "show", LONG), "there is no run 'res32 stem"),
        (("results", "show", ""), "there is no run '' in runs"),
        (("scale", "--coefficients", LONG), "are not three numbers"),
        (("baseline", "--no-target", "--space", LONG), "unknown space 'res32 stem"),
        (("coefficients", "--resume", LONG), "there is no run 'res32 stem"),
        (("train", "--model", LONG[:-1] + "x"), "'head_c1x'"),
        (("train", "--data", LONG), "unknown dataset 'res32 stem"),
        (("train", "--data", f"hf:{LONG}"), "cannot load 'hf:res32 stem"),
        (("train", "--from", LONG), "there is no run 'res32 stem"),
        (("train", "--from", f"{LONG}.safetensors"), "checkpoint 'res32 stem"),
        (("evaluate", LONG), "there is no run 'res32 stem"),
        (("gradcam", LONG), "there is no run 'res32 stem"),
        (("export", LONG, "--format", "onnx"), "there is no run 'res32 stem"),
    ],
    ids=[
        *("show", "nothing", "coefficients", "space", "resume", "model", "data", "hub", "from"),
        *("from a file", "evaluate", "gradcam", "export"),
    ],
)
def test_text_that_is_too_long_for_a_path_is_refused_in_one_line(
    arguments: tuple[str, ...], message: str, cli, tmp_path: Path
) -> None:
    answer = cli(*arguments)
    assert message in answer.error
    assert (answer.code, answer.out) == (2, "")
    assert list(tmp_path.iterdir()) == []


def test_a_baseline_run_is_profiled_by_its_name(cli, tmp_path: Path) -> None:
    run = tmp_path / "runs" / "baseline" / "001"
    run.mkdir(parents=True)
    record = {"schema_version": 1, "kind": "baseline", "status": "finished", "config": {}}
    (run / "run.json").write_text(json.dumps(record | {"created_at": "2026-01-01"}))
    (run / "baseline.json").write_text(json.dumps({"architecture": LONG}))
    by_run, by_line = cli("profile", "baseline/001"), cli("profile", LONG)
    assert (by_run.code, by_run.out) == (0, by_line.out)
    assert "there is no run 'baseline/002'" in cli("profile", "baseline/002").error
