"""Runs read once, and what is worked out from them: front, standing, stages, differences."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from making import asked, finished_run, make_run, small_search, told, write_ledger

from effsearch.results.architecture_diff import compare_costs, compare_parts
from effsearch.results.incumbents import common_budget, differences, incumbents
from effsearch.results.loading import load_run_data
from effsearch.results.pareto import find_trial, front_of, pareto_trials
from effsearch.results.stages import stage_summaries
from effsearch.results.store.run_data import RunData
from effsearch.results.store.table import rows_csv
from effsearch.results.store.trials import Trial, join_trials
from effsearch.search_spaces.cost import cost
from effsearch.search_spaces.errors import InputError
from effsearch.search_spaces.notation import parse_architecture
from effsearch.search_spaces.zoo import load_zoo, zoo_names


def trial(number: int, accuracy: float, macs: int) -> Trial:
    told_values = {"accuracy": accuracy}
    [made] = join_trials(
        [asked(number, costs={"macs": macs}), told(number, measurements=told_values)]
    )
    return made


points = st.lists(
    st.tuples(st.integers(0, 20).map(lambda value: value / 20), st.integers(1, 20)), max_size=30
)


@given(points)
def test_the_front_is_what_no_other_network_beats(drawn: list[tuple[float, int]]) -> None:
    trials = [trial(place, accuracy, macs) for place, (accuracy, macs) in enumerate(drawn)]
    kept = {(one.accuracy, one.costs["macs"]) for one in pareto_trials(trials)}
    beaten = {
        (accuracy, macs)
        for accuracy, macs in drawn
        if any(a >= accuracy and m <= macs and (a, m) != (accuracy, macs) for a, m in drawn)
    }
    assert kept == set(drawn) - beaten


def test_the_front_goes_over_any_cost_and_names_those_there_are() -> None:
    trials = join_trials(small_search())
    assert [one.number for one in pareto_trials(trials, "params")] == [3]
    with pytest.raises(InputError, match=r"unknown cost 'parms': did you mean 'params'\?"):
        pareto_trials(trials, "parms")


def test_a_training_that_came_to_nothing_is_not_on_the_front_for_its_cost() -> None:
    found = front_of([trial(0, 0.34, 360), trial(1, 0.90, 380), trial(2, 0.97, 399)])
    assert [one.number for one in found.trials] == [1, 2]
    assert [one.number for one in found.left_out] == [0]
    left_out, narrow = found.notes
    assert left_out.startswith("left out: trial 0, with less than half the best accuracy")
    assert "this is no trade-off of accuracy and cost" in narrow


def test_a_front_of_many_costs_keeps_its_cheap_end_and_needs_no_note() -> None:
    found = front_of([trial(0, 0.34, 100), trial(1, 0.97, 399)])
    assert [one.number for one in found.trials] == [0, 1]
    assert (found.left_out, found.notes) == ([], ())


def test_a_measured_latency_is_a_cost() -> None:
    fast = told(0, measurements={"accuracy": 0.5, "latency_ms": 3.5})
    [found] = pareto_trials(join_trials([asked(0), fast]), "latency_ms")
    assert found.number == 0


def test_a_trial_is_found_by_number_and_by_network() -> None:
    trials = join_trials(small_search())
    assert find_trial(trials, "3").number == 3
    assert find_trial(trials, trials[2].arch_id).number == 2
    with pytest.raises(InputError, match="no trial '77': the run has trials 0 to 5"):
        find_trial(trials, "77")


@pytest.mark.parametrize("name", zoo_names())
def test_stages_add_up_to_the_network(name: str) -> None:
    network = load_zoo(name)
    rows = stage_summaries(network)
    whole = cost(network)
    assert sum(row.macs for row in rows) == whole.macs
    assert sum(row.params for row in rows) == whole.params
    assert sum(row.layers for row in rows) == len(network.blocks) + 2


def test_efficientnet_b0_reads_as_in_its_paper() -> None:
    rows = stage_summaries(load_zoo("efficientnet-b0"))
    assert [(row.operator, row.in_size, row.channels, row.layers) for row in rows] == [
        ("Conv 3x3", 224, 32, 1),
        ("MBConv1 3x3", 112, 16, 1),
        ("MBConv6 3x3", 112, 24, 2),
        ("MBConv6 5x5", 56, 40, 2),
        ("MBConv6 3x3", 28, 80, 3),
        ("MBConv6 5x5", 14, 112, 3),
        ("MBConv6 5x5", 14, 192, 4),
        ("MBConv6 3x3", 7, 320, 1),
        ("Conv 1x1, pool, FC", 7, 1280, 1),
    ]


def test_a_network_differs_from_itself_nowhere() -> None:
    network = load_zoo("mnasnet-a1")
    assert all(part.same for part in compare_parts(network, network))
    assert {row.ratio for row in compare_costs(network, network)} == {1.0}


def test_a_missing_stage_is_a_difference() -> None:
    whole = load_zoo("efficientnet-b0")
    short = replace(whole, stages=whole.stages[:-1])
    different = [part for part in compare_parts(short, whole) if not part.same]
    assert [(part.name, part.left) for part in different] == [("stage 7", "-")]


def load(root: Path) -> RunData:
    return load_run_data(finished_run(root))


def test_a_torn_ledger_is_read_up_to_the_tear(tmp_path: Path) -> None:
    run = finished_run(tmp_path)
    with run.paths.ledger.open("a") as stream:
        stream.write('{"event": "to')
    data = load_run_data(run)
    assert len(data.trials) == 6
    assert [one.number for one in data.done] == [0, 1, 2, 3]
    assert data.winner is not None
    assert data.winner.number == 3


def test_runs_are_compared_at_the_evaluations_all_have(tmp_path: Path) -> None:
    long = load(tmp_path)
    with make_run(tmp_path) as run:
        write_ledger(run.paths.ledger, [asked(0), asked(1), told(0), told(1)])
    short = load_run_data(run)
    assert common_budget([long, short]) == 2
    first, second = incumbents([long, short], 2)
    assert (first.reward, second.reward) == (0.41, 0.41)
    assert first.final_reward == 0.43
    with pytest.raises(InputError, match="has ended 2 evaluations, not 5: give --budget 2"):
        common_budget([long, short], 5)


def test_runs_of_other_data_are_not_comparable(tmp_path: Path) -> None:
    one, other = load(tmp_path), load(tmp_path)
    assert differences([one, other]) == []
    other.record["data"] = {"name": "cifar10"}
    assert differences([one, other]) == ["data"]


def test_rows_as_csv_have_a_column_a_key_and_no_formula() -> None:
    assert rows_csv([{"a": 1}, {"b": "=1+1"}]) == "a,b\n1,\n,'=1+1\n"


def test_a_network_without_layers_has_no_ratio_to_divide_by() -> None:
    nothing = parse_architecture("stem_k3_s2_c32 id_r1_k1_s1_c32")
    [layers, *_] = compare_costs(load_zoo("efficientnet-b0"), nothing)
    assert (layers.right, layers.ratio) == (0, None)
