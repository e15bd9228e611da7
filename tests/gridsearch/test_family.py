"""Families: the published table and the formula's, written to a run and never mixed up."""

import csv
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from effsearch.gridsearch.family import FamilyResult, scale_family
from effsearch.gridsearch.scale_config import ScaleOptions
from effsearch.results.kinds.registry import kind_of
from effsearch.results.loading import load_run_data
from effsearch.results.store.files import write_json
from effsearch.results.store.run import Run
from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.cost import cost
from effsearch.search_spaces.errors import EffsearchError, InfeasibleError, InputError
from effsearch.search_spaces.zoo import resolve_architecture
from effsearch.training.runs.model import find_model

PAPER = "1.2,1.1,1.15"


def scaled(root: Path, *phis: float, **options: object) -> FamilyResult:
    values = {"baseline": "efficientnet-b0", "coefficients": PAPER, "phis": phis} | options
    return scale_family(ScaleOptions(**values), run_dir=root)  # type: ignore[arg-type]


def test_the_published_family_counts_what_is_published(root: Path) -> None:
    family = scale_family(ScaleOptions(family="published"), run_dir=root)
    assert [(one.cost.params, one.cost.macs) for one in family.members] == [
        (5_288_548, 385_814_752),
        (7_794_184, 686_802_832),
        (9_109_994, 993_561_872),
        (12_233_232, 1_827_141_392),
        (19_341_616, 4_393_771_024),
        (30_389_784, 10_266_384_752),
        (43_040_704, 19_067_593_536),
        (66_347_960, 37_745_884_192),
    ]
    assert family.coefficients is None
    assert "no phi reproduces" in family.notes[0]


def test_phi_one_and_seven_of_b0(root: Path) -> None:
    one, seven = scaled(root, 1, 7).members
    assert (one.cost.macs, one.resolution) == (992_629_472, 258)
    assert one.nominal_ratio == pytest.approx(1.92027)
    assert one.measured_ratio == pytest.approx(2.5728, abs=1e-4)
    assert seven.cost.params == 68_741_810


def test_a_family_lies_in_a_run_of_its_own_and_each_member_can_be_read(root: Path) -> None:
    first, second = scaled(root, -1, 0.5), scaled(root, -1, 0.5)
    assert (first.run, second.run) == ("family/001", "family/002")
    with (first.path / "family.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert [row["member"] for row in rows] == ["phi-1", "phi0.5"]
    for row, member in zip(rows, first.members, strict=True):
        read = resolve_architecture(str(first.path / f"{member.name}.json"))
        assert read == member.architecture
        assert int(row["macs"]) == cost(read).macs
        assert float(row["measured_ratio"]) == pytest.approx(member.measured_ratio, abs=1e-6)
    assert Run.open(root, "family").status == "finished"
    assert json.loads((first.path / "family.json").read_text())["members"][0]["phi"] == -1


def test_a_target_finds_its_phi(root: Path) -> None:
    family = scaled(root, target_flops=2e9, target_memory=20e6)
    base, flops, memory = family.members
    assert base.phi == 0
    assert flops.cost.macs == pytest.approx(2e9, rel=0.03)
    assert memory.cost.memory_bytes == pytest.approx(20e6, rel=0.03)
    assert [target["metric"] for target in family.answer["targets"]] == ["macs", "memory_bytes"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("target", "message"),
    [
        ({"target_flops": 1.0}, r"no phi reaches 1 MACs: the closest network, at phi = -\d"),
        ({"target_flops": 1e30}, "no phi reaches .* MACs: the closest network, at phi = "),
        ({"target_memory": 1.0}, "no phi reaches 1B activation memory: the closest network"),
    ],
)
def test_a_target_out_of_reach_names_the_closest_network(
    root: Path, target: dict[str, float], message: str
) -> None:
    with pytest.raises(InfeasibleError, match=message):
        scaled(root, **target)
    assert not root.exists()


def test_half_a_family_is_not_left_behind(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, text: str) -> None:
        raise EffsearchError(f"cannot write {path}")

    monkeypatch.setattr("effsearch.gridsearch.family.write_atomically", full)
    with pytest.raises(EffsearchError, match=r"family\.csv"):
        scaled(root, 0, 1)
    assert list(root.glob("family/*")) == []


def test_members_of_nearly_equal_phi_keep_files_of_their_own(root: Path) -> None:
    family = scaled(root, 1, 1.0000001)
    assert [member.name for member in family.members] == ["phi1", "phi1.0000001"]
    assert all((family.path / f"{member.name}.json").exists() for member in family.members)


def phone(folder: Path) -> dict[str, Any]:
    """Stands in for a phone that takes 1 ms for every 50 kB of weights."""
    pytest.importorskip("onnx")
    script = folder / "phone.py"
    script.write_text("import os, sys; print(os.path.getsize(sys.argv[1]) / 5e4)")
    return {"latency_command": f"{sys.executable} {script} {{onnx}}", "latency_timeout": 30}


@pytest.mark.slow
def test_a_latency_finds_its_phi_by_measuring(root: Path, tmp_path: Path) -> None:
    said: list[str] = []
    options = ScaleOptions(
        baseline="efficientnet-b0",
        coefficients=PAPER,
        target_latency=600.0,
        **phone(tmp_path),
    )
    family = scale_family(options, run_dir=root, say=said.append)
    (found,) = family.answer["targets"]
    assert found["metric"] == "latency_ms"
    assert found["reached"] == pytest.approx(600, rel=0.05)
    assert found["measured"]["backend"] == "command"
    assert 1 < len(said) == len(found["measured"]["tried"]) <= 10
    assert family.members[-1].phi == found["phi"]
    assert f"phi = {found['phi']:g} comes closest to 600ms" in family.notes[-1]


def test_a_latency_out_of_reach_says_what_was_measured(root: Path, tmp_path: Path) -> None:
    with pytest.raises(InfeasibleError, match=r"no phi reaches 1e-06 ms: measured were .* at phi"):
        scaled(root, target_latency=1e-6, **phone(tmp_path))


def test_a_meter_without_a_latency_to_reach_is_refused(root: Path) -> None:
    with pytest.raises(InputError, match="measured only for --target-latency"):
        scaled(root, 1, latency_device="cuda")


def test_a_resolution_rounding_is_kept(root: Path) -> None:
    assert [one.resolution for one in scaled(root, 1, 2, resolution_rounding="32").members] == [
        256,
        288,
    ]


def test_the_newest_finished_runs_are_taken_and_named(root: Path, tiny: Architecture) -> None:
    for kind, answer in (
        ("baseline", {"architecture": tiny.to_dict()}),
        ("coefficients", {"alpha": 1.3, "beta": 1.1, "gamma": 1.1}),
    ):
        with Run.create(root, kind, command=["x"], config={}) as run:
            write_json(run.paths.answer, answer)
            run.finish("finished")
    family = scale_family(ScaleOptions(phis=(0,)), run_dir=root)
    assert family.baseline == tiny
    assert family.notes[0] == "baseline: run baseline/001"
    assert family.notes[1].startswith("using baseline/001, as none was named")
    assert family.notes[2].startswith("coefficients: run coefficients/001: alpha 1.3")


def test_with_no_run_the_published_ones_are_taken_and_named(root: Path) -> None:
    family = scale_family(ScaleOptions(phis=(1,)), run_dir=root)
    assert family.notes[0] == "baseline: efficientnet-b0 (no finished baseline run)"
    assert "the paper's (no finished coefficients run)" in family.notes[1]


def test_a_file_of_coefficients_can_be_written_by_hand(root: Path, tmp_path: Path) -> None:
    file = tmp_path / "mine.json"
    file.write_text('{"alpha": 1.2, "beta": 1.1, "gamma": 1.15}')
    family = scaled(root, 1, coefficients=str(file))
    assert family.members[0].cost.macs == 992_629_472


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ('{"alpha": 1.2, "gamma": 1.15}', "mine.json lacks beta"),
        ('{"alpha": 0.9, "beta": 1.1, "gamma": 1.15}', "alpha must be a finite number of at least"),
        ('{"alpha": "1.2", "beta": 1.1, "gamma": 1.15}', "alpha must be a finite number"),
        ('{"alpha": NaN, "beta": 1.1, "gamma": 1.15}', "not valid JSON"),
        ("[1.2, 1.1, 1.15]", 'no JSON object: write it as {"alpha": 1.2, '),
        ("", "not valid JSON .*: write it as"),
    ],
)
def test_a_broken_file_of_coefficients_is_named(
    root: Path, tmp_path: Path, document: str, message: str
) -> None:
    file = tmp_path / "mine.json"
    file.write_text(document)
    with pytest.raises(InputError, match=message):
        scaled(root, 1, coefficients=str(file))
    assert not root.exists()


def test_a_product_far_from_two_is_a_warning(root: Path) -> None:
    notes = scaled(root, 1, coefficients="1.5,1.5,1.5").notes
    assert any("warning" in note and "7.594" in note for note in notes)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"baseline": "efficientnet-b9"}, "did you mean 'efficientnet-b"),
        ({"baseline": "baseline/007"}, "there is no run 'baseline/007'"),
        ({"coefficients": "1.2,1.1"}, "not three numbers"),
        ({"coefficients": "coefficients/007"}, "there is no run"),
        ({"family": "formla"}, "did you mean 'formula'"),
        ({"resolution_rounding": "7"}, "unknown resolution_rounding"),
        ({"phis": (-20.0,)}, "phi = -20: .*below what the strides allow"),
        ({"phis": (1e9,)}, "out of range"),
    ],
)
def test_bad_input_is_named_and_leaves_nothing(
    root: Path, options: dict[str, object], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        scaled(root, **options)
    assert not root.exists()


@pytest.mark.parametrize(
    "options", [{"baseline": "resnet-50"}, {"coefficients": PAPER}, {"target_flops": 1e9}]
)
def test_the_published_family_takes_nothing_of_the_formula(
    root: Path, options: dict[str, object]
) -> None:
    with pytest.raises(InputError, match="does not go with --family published"):
        scale_family(ScaleOptions(family="published", **options), run_dir=root)  # type: ignore[arg-type]


def test_the_published_family_has_no_member_between(root: Path) -> None:
    with pytest.raises(InputError, match=r"members 0 to 7, not 1\.5"):
        scale_family(ScaleOptions(family="published", phis=(1.5,)), run_dir=root)


def test_a_published_family_is_scaled_by_its_own_rule(root: Path) -> None:
    family = scale_family(ScaleOptions(family="mobilenetv2", width=0.35), run_dir=root)
    (member,) = family.members
    assert (member.cost.params, member.cost.macs) == (1_677_128, 59_285_808)
    assert family.answer["rule"]["head"] == "grown"
    step = kind_of("family").opening(load_run_data(Run.open(root, family.run))).steps[0]
    assert f"train --model {family.path}/d1-w0.35-r224.json" in step.command


def test_a_published_family_shows_its_members(root: Path) -> None:
    family = scale_family(ScaleOptions(family="efficientnet-lite"), run_dir=root)
    assert [member.cost.params for member in family.members] == [
        4_652_008, 5_416_680, 6_092_072, 8_197_096, 13_006_568,
    ]  # fmt: skip


def test_a_rule_of_one_s_own_scales_any_network(root: Path) -> None:
    options = ScaleOptions(baseline="resnet-50", rule="stem=fixed", phis=(1.0,), coefficients=PAPER)
    (member,) = scale_family(options, run_dir=root).members
    assert member.architecture.stem.channels == 64
    assert member.architecture.stages[0].channels == 280


def coefficients_under(rule: str | None, root: Path) -> Run:
    """A finished run of the paper's coefficients that was made under a rule."""
    config = {"seed": 0} if rule is None else {"seed": 0, "rule": rule}
    with Run.create(root, "coefficients", None, command=["x"], config=config) as run:
        write_json(run.paths.answer, {"alpha": 1.2, "beta": 1.1, "gamma": 1.15})
        run.finish("finished")
    return run


@pytest.mark.parametrize("named", ["coefficients/001", "file", None])
def test_coefficients_bring_the_rule_they_were_made_under(named: str | None, root: Path) -> None:
    run = coefficients_under("stem=fixed", root)
    text = str(run.paths.answer) if named == "file" else named
    options = ScaleOptions(baseline="resnet-50", phis=(1.0,), coefficients=text)
    family = scale_family(options, run_dir=root)
    assert family.members[0].architecture.stem.channels == 64
    assert [note for note in family.notes if "rule" in note] == [
        "rule: stem=fixed, as run coefficients/001 was made under it "
        "(--rule efficientnet for EfficientNet's)"
    ]
    own = scale_family(replace(options, rule="efficientnet"), run_dir=root)
    assert own.members[0].architecture.stem.channels == 72
    assert not any("made under" in note for note in own.notes)
    with pytest.raises(InputError, match="was made under the rule stem=fixed, and a target"):
        scale_family(replace(options, phis=(), target_flops=8e9), run_dir=root)


def test_a_training_scales_by_the_rule_of_the_coefficients(root: Path) -> None:
    coefficients_under("stem=fixed", root)
    found = find_model(root, "resnet-50", 1.0)
    assert found.architecture.stem.channels == 64
    assert found.source.endswith("under its rule stem=fixed")


def test_coefficients_made_under_no_rule_are_as_they_were(root: Path) -> None:
    coefficients_under(None, root)
    family = scaled(root, 1, coefficients="coefficients/001")
    assert family.answer["family"] == "formula"
    assert "rule" not in family.answer


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"family": "mobilenetv2", "target_flops": 1e9}, "leave --family, --rule"),
        ({"width": 0.5, "phis": (1.0,)}, "in place of --phi"),
        ({"family": "tinynet", "baseline": "resnet-50"}, "follow from efficientnet-b0"),
        ({"family": "tinynet", "resolution": 8}, "below what the strides allow"),
    ],
)
def test_what_does_not_go_with_a_rule_is_refused(
    root: Path, options: dict[str, object], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        scale_family(ScaleOptions(**options), run_dir=root)  # type: ignore[arg-type]
