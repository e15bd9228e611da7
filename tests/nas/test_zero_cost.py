"""Scores without training: what each is, what a search by them needs, and what it says of them."""

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from searches import write_space

from effsearch.nas.baseline import search_baseline
from effsearch.nas.config import make_config
from effsearch.nas.evaluators.zero_cost.evaluator import Scale, ZeroCostEvaluator, make_zero_cost
from effsearch.nas.evaluators.zero_cost.registry import DEFAULT, SCORES, score_of, scores_of
from effsearch.nas.evaluators.zero_cost.score import Probe
from effsearch.nas.evaluators.zero_cost.worth import chance, score_worths, worth_of
from effsearch.nas.options import only_estimates
from effsearch.nas.scored_run import score_run
from effsearch.nas.setup import make_plan
from effsearch.results.store.run import Run
from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.cost import cost
from effsearch.search_spaces.errors import InputError
from effsearch.search_spaces.network import build_network
from effsearch.search_spaces.notation import parse_architecture
from effsearch.search_spaces.operations import OPERATIONS
from effsearch.search_spaces.space_file import parse_space
from effsearch.training.recipes.seeds import build_seeded
from effsearch.training.trials.evaluator import Request

PROBE = Probe(
    images=torch.randn(8, 3, 8, 8, generator=torch.Generator().manual_seed(1)),
    labels=torch.arange(8) % 4,
    classes=4,
)
NETWORK = parse_architecture(
    "res8 act_silu stem_k3_s1_c8 ir_r2_k3_s2_e3_c16_se0.25 ir_r1_k5_s1_e3_c16 head_c32"
)
WIDER = parse_architecture(
    "res8 act_silu stem_k3_s1_c8 ir_r3_k3_s2_e6_c24_se0.25 ir_r2_k5_s1_e6_c24 head_c32"
)


def value(name: str, architecture: Architecture, probe: Probe = PROBE) -> float:
    return score_of(name).measure(architecture, probe)


@pytest.mark.parametrize("name", SCORES)
def test_a_score_is_a_finite_number_that_comes_again(name: str) -> None:
    found = value(name, NETWORK)
    assert math.isfinite(found)
    assert value(name, NETWORK) == found
    assert score_of(name).name == name


@pytest.mark.parametrize("name", ["params", "macs", "depth", "entropy", "zen", "synflow"])
def test_a_deeper_and_wider_network_scores_higher(name: str) -> None:
    assert value(name, WIDER) > value(name, NETWORK)


@pytest.mark.parametrize("name", SCORES)
@pytest.mark.parametrize("op", sorted(OPERATIONS))
def test_every_operation_can_be_scored(name: str, op: str) -> None:
    stage = {"op": op, "channels": 16, "stride": 2}
    document = {"resolution": 8, "stem": {"channels": 8, "stride": 1}, "stages": [stage]}
    assert math.isfinite(value(name, Architecture.from_dict(document)))


def test_closed_forms_are_what_is_counted() -> None:
    assert value("params", NETWORK) == pytest.approx(math.log(cost(NETWORK).params))
    assert value("macs", NETWORK) == pytest.approx(math.log(cost(NETWORK).macs))
    assert value("depth", NETWORK) == 9  # three blocks of three


def test_entropy_by_hand() -> None:
    network = parse_architecture("res8 act_relu stem_k3_s1_c8 cn_r1_k3_s2_c16 head_c0")
    at_eight = math.log(8 * 8 * 8) * math.log(3 * 9)
    at_four = math.log(4 * 4 * 16) * (math.log(3 * 9) + math.log(8 * 9))
    assert value("entropy", network) == pytest.approx(at_eight + 8 * at_four)


def test_synflow_of_a_chain_is_its_output_once_for_each_layer_of_weights() -> None:
    network = parse_architecture("res8 act_relu stem_k3_s1_c8 id_r1_k1_s1_c8 head_c0")
    built = build_seeded(lambda: build_network(network, classes=4), 0).double().eval()
    for parameter in built.parameters():
        parameter.data.abs_()
    total = built(torch.ones(1, 3, 8, 8, dtype=torch.float64)).sum().item()
    # Convolution, normalization's scale, classifier: each is linear in its weights.
    assert value("synflow", network) == pytest.approx(math.log(3 * total))


def test_naswot_cannot_tell_equal_images_apart() -> None:
    same = replace(PROBE, images=PROBE.images[:1].expand(8, 3, 8, 8).contiguous())
    assert value("naswot", NETWORK, same) == -math.inf


def test_a_score_that_is_not_finite_fails_its_network_alone() -> None:
    same = replace(PROBE, images=PROBE.images[:1].expand(8, 3, 8, 8).contiguous())
    evaluator = ZeroCostEvaluator({"naswot": Scale(0.0, 1.0)}, same)
    (found,) = evaluator.evaluate([Request(0, NETWORK, 1)])
    assert "the score naswot" in str(found["error"])
    assert "accuracy" not in found


def test_a_mean_network_has_one_half_and_a_deviation_more_is_a_twentieth() -> None:
    evaluator = ZeroCostEvaluator({"depth": Scale(9.0, 2.0)}, PROBE)
    mean, more = evaluator.evaluate([Request(0, NETWORK, 1), Request(1, WIDER, 1)])
    assert mean == {"accuracy": 0.5, "depth": 9.0}
    assert more["accuracy"] == pytest.approx(0.5 + 0.05 * (more["depth"] - 9.0) / 2)  # type: ignore[operator]


def test_several_scores_count_alike() -> None:
    scales = {"depth": Scale(9.0, 2.0), "params": Scale(value("params", NETWORK) - 1.0, 0.5)}
    (found,) = ZeroCostEvaluator(scales, PROBE).evaluate([Request(0, NETWORK, 1)])
    assert found["accuracy"] == pytest.approx(0.5 + 0.05 * (0 + 2) / 2)


def test_names_as_they_are_written() -> None:
    assert [score.name for score in scores_of("zen, gradient-norm")] == ["zen", "gradient_norm"]
    assert tuple(score.name for score in scores_of("")) == DEFAULT
    assert only_estimates("zero-cost")
    assert only_estimates("zero-cost:zen")
    assert not only_estimates("proxy")


@pytest.mark.parametrize(
    ("text", "said"),
    [("zenn", "did you mean 'zen'"), ("zen,zen", "named twice"), (",", "unknown zero-cost score")],
)
def test_bad_names_are_refused(text: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        scores_of(text)


def test_a_score_that_ranks_nothing_is_refused() -> None:
    space = parse_space(
        "{resolution: [8, 16], stem: {channels: 8}, stages: [{op: conv, channels: 8}]}", "same"
    )
    with pytest.raises(InputError, match="the score depth is the same for 48"):
        make_zero_cost(["depth"], space, PROBE)


def test_the_worth_of_a_score_is_its_agreement_with_trainings() -> None:
    networks = [NETWORK, WIDER, replace(WIDER, head=replace(WIDER.head, channels=64))]
    by_name = {one.name: one for one in score_worths(networks, [0.3, 0.2, 0.1], PROBE)}
    assert by_name["params"].kendall_tau == pytest.approx(-1.0)
    assert by_name["params"].networks == 3
    assert worth_of("x", "x", [1.0, 2.0], [1.0, 2.0]).kendall_tau is None
    assert worth_of("x", "x", [1.0, math.inf, 2.0, 3.0], [1.0, 0.0, 2.0, 3.0]).networks == 3


def test_chance_is_the_deviation_of_tau_between_random_orders() -> None:
    from scipy.stats import kendalltau

    rng = np.random.default_rng(0)
    drawn = [kendalltau(rng.random(5), rng.random(5))[0] for _ in range(2000)]
    assert chance(5) == pytest.approx(float(np.std(drawn)), rel=0.05)


SEARCH: dict[str, Any] = {
    "strategy": "random",
    "samples": 6,
    "finalists": 3,
    "finalist_seeds": 1,
    "finalist_epochs": 1,
    "epochs": 1,
    "reference": "none",
    "max_images": 200,
    "target_flops": "60M",
    "workers": 1,
}


def test_its_finalists_are_trained_where_none_are_asked_for(tmp_path: Path) -> None:
    plan = make_plan(make_config({"space": write_space(tmp_path), "evaluator": "zero-cost:macs"}))
    assert plan.config.finalist_count == 5
    assert list(plan.references) == ["efficientnet-b0"]
    assert plan.finalist_recipe is not None
    assert plan.finalist_evaluator is not plan.evaluator


@pytest.mark.slow
def test_a_search_by_scores_trains_its_finalists_and_says_what_the_scores_were_worth(
    tmp_path: Path, ray_address: str
) -> None:
    options = SEARCH | {
        "space": write_space(tmp_path),
        "evaluator": "zero-cost:params,depth",
        "ray_address": ray_address,
    }
    result = search_baseline(make_config(options), run_dir=tmp_path / "runs", quiet=True)
    answer = json.loads((result.path / "baseline.json").read_text())
    assert answer["chosen_by"] == "finalists"
    assert answer["conditions"]["epochs"] == 1
    found = answer["estimates"]
    assert found["networks"] == 3
    assert found["rows"][0]["name"] == "zero-cost:params,depth"
    assert {row["name"] for row in found["rows"][1:]} == set(SCORES)
    assert all({"params", "depth"} <= trial.measurements.keys() for trial in result.trials)
    with pytest.raises(InputError, match="trained no networks in its search"):
        score_run(Run.load(result.path), 10)


@pytest.mark.slow
def test_scores_are_held_against_the_trainings_of_a_run(tmp_path: Path, ray_address: str) -> None:
    options = SEARCH | {
        "space": write_space(tmp_path),
        "samples": 4,
        "finalists": 0,
        "ray_address": ray_address,
    }
    result = search_baseline(make_config(options), run_dir=tmp_path / "runs", quiet=True)
    assert result.answer["estimates"] is None
    found = score_run(Run.load(result.path), 3)
    assert found["networks"] == 3
    assert {row["name"] for row in found["rows"]} == set(SCORES)
