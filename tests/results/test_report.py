"""The report as a file: what it says, what it escapes, and that it loads nothing."""

import base64
import hashlib
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import other_kinds
import pytest
from making import asked, failed, finished_run, make_run, told, write_ledger
from searched import search

from effsearch.results.loading import load_run_data
from effsearch.results.report.page import picture_page, report_page
from effsearch.results.report.summaries import summary
from effsearch.results.report.table import page_data, script_json
from effsearch.results.store.run_data import RunData

pytestmark = pytest.mark.slow  # together they take many seconds

EVIL = "</script><script>alert(1)</script><img src=x onerror=alert(2)>"


class Elements(HTMLParser):
    """The tags of a page, each with its attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> RunData:
    return search(tmp_path_factory.mktemp("runs"), 40)


@pytest.fixture(scope="module")
def page(whole: RunData) -> str:
    return report_page([whole])


def test_it_is_small_and_holds_every_picture_and_trial(whole: RunData, page: str) -> None:
    assert len(page) < 1_500_000
    assert page.count("<svg ") == 2 * 7  # for pages and phones; it has no finalists, no curves
    [embedded] = re.findall(r'<script type="application/json">(.*?)</script>', page)
    rows = json.loads(embedded)["rows"]
    assert [row[0] for row in rows] == [trial.number for trial in whole.trials]


def test_nothing_is_loaded_from_elsewhere(page: str) -> None:
    for tag, attributes in Elements(page).found:
        for name in ("src", "href", "action", "data", "poster"):
            value = attributes.get(name) or ""
            assert value.startswith(("#", "data:")) or not value, (tag, name, value)
    assert not re.search(r"url\((?!#)", page)
    assert "@import" not in page


def test_the_policy_allows_its_own_script_and_no_other(page: str) -> None:
    script = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    assert len(script) == 1
    digest = base64.b64encode(hashlib.sha256(script[0].encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in page
    assert "default-src 'none'" in page


def hostile_run(root: Path) -> RunData:
    with make_run(root) as run:
        events = [
            asked(0, arch_id=EVIL, architecture=EVIL),
            told(0, measurements={"accuracy": 0.5, EVIL: EVIL}),
            asked(1, costs={"macs": 1, EVIL: 2}),
            failed(1, error=EVIL, reason=EVIL),
        ]
        write_ledger(run.paths.ledger, events)
        run.finish("failed", error=EVIL)
        run.paths.plots.mkdir()
        (run.paths.plots / "<b>map.svg").write_text(EVIL)
    return load_run_data(run)


def test_html_in_names_and_errors_stays_text(tmp_path: Path) -> None:
    data = hostile_run(tmp_path)
    for page in (report_page([data]), report_page([data, data]), picture_page(data, ["front"])):
        assert "<script>alert" not in page
        assert "<b>" not in page
        tags = Elements(page).found
        assert not any("onerror" in attributes for _, attributes in tags)
        assert sum(tag == "script" and not attributes for tag, attributes in tags) == 1


def test_json_in_a_script_cannot_end_it() -> None:
    text = script_json({"a": EVIL, "b": "\u2028&"})
    assert "<" not in text
    assert "&" not in text
    assert json.loads(text) == {"a": EVIL, "b": "\u2028&"}


def test_an_empty_run_says_so(tmp_path: Path) -> None:
    with make_run(tmp_path) as run:
        data = load_run_data(run)
        page = report_page([data])
    assert "no finished trials yet" in page
    assert "still running" in page
    assert "effsearch results watch baseline/001" in page


def test_a_run_of_failures_alone_is_reported(tmp_path: Path) -> None:
    with make_run(tmp_path) as run:
        write_ledger(run.paths.ledger, [asked(0), failed(0)])
        run.finish("failed", error="none of 1 evaluations succeeded")
    page = report_page([load_run_data(run)])
    assert "This search failed: none of 1 evaluations succeeded." in page
    assert "Failed evaluations" in page


def test_several_runs_are_compared_first(whole: RunData, tmp_path: Path) -> None:
    other = load_run_data(finished_run(tmp_path))
    page = report_page([whole, other])
    assert page.index("2 runs side by side") < page.index('<section class="run">')
    assert "after 5 evaluations, as many as every run has" in page


def words(data: RunData) -> str:
    told_words = summary(data)
    steps = [f"{step.why}: {step.command}" for step in told_words.steps]
    return "\n".join([*told_words.sentences, *steps])


def test_without_finalists_nothing_is_claimed(whole: RunData) -> None:
    said = words(whole)
    assert "Budget: 400.0M multiply-adds" in said
    assert "40 networks were evaluated, 4 of them failed" in said
    assert "How sure: not known." in said
    assert "--resume baseline/001 --finalists 5" in said


def with_finalists(data: RunData, **changes: object) -> RunData:
    row = {
        "trial": 3,
        "accuracy": 0.8,
        "search_accuracy": 0.85,
        "seeds": [0.79, 0.81],
        "tied": True,
        "macs": 1,
        "low": 0.78,
        "high": 0.82,
    }
    verdict = {"low": 0.78, "high": 0.82, "confidence": 0.9, "rows": [row, row | {"trial": 7}]}
    fields = {name: getattr(data, name) for name in RunData.__dataclass_fields__}
    answer = {"accuracy": 0.8, "trial": 3, "finalists": verdict | changes}
    return RunData(**(fields | {"answer": answer}))


def test_finalists_give_an_interval_and_name_ties(whole: RunData) -> None:
    said = words(with_finalists(whole))
    assert "accuracy 80.00%" in said
    assert "between 78.00% and 82.00% (90% interval" in said
    assert "scored 85.00%, 5.0 points more" in said
    assert "Trial 7 is statistically tied with it." in said
    assert "--finalist-seeds 4" in said


def test_finalists_of_one_seed_have_no_interval(whole: RunData) -> None:
    assert "gives no interval" in words(with_finalists(whole, low=None, high=None))


def test_a_stopped_search_says_how_its_accuracy_was_measured_and_asks_for_no_other_finalists(
    tmp_path: Path,
) -> None:
    data = load_run_data(finished_run(tmp_path))
    measured = {"name": "digits", "validation_images": 287, "classes": 10}
    record = data.record | {
        "config": data.record["config"] | {"finalists": 3},
        "data": measured,
        "recipe": {"epochs": 3, "resolution": 16},
    }
    said = words(replace(data, record=record, status="interrupted", answer=None))
    assert "on 287 held-out images of digits (10 classes) at 16 px, 3 epochs, 1 seed." in said
    assert "--finalists 5" not in said


def test_an_interrupted_run_says_how_to_go_on(tmp_path: Path) -> None:
    with make_run(tmp_path) as run:
        write_ledger(run.paths.ledger, [asked(0), told(0)])
    said = words(load_run_data(run))
    assert "stopped before its end" in said
    assert "effsearch baseline --resume baseline/001" in said


def test_stages_are_listed_once(whole: RunData) -> None:
    document = page_data(whole)
    stages = [tuple(stage) for stage in document["stages"]]
    assert len(set(stages)) == len(stages) < 4 * len(whole.trials)
    macs = document["stageKeys"].index("macs")
    for trial, numbers in zip(whole.trials, document["networks"], strict=True):
        assert sum(stages[number][macs] for number in numbers) == trial.costs["macs"]


def test_a_picture_the_run_made_itself_is_taken_over(tmp_path: Path) -> None:
    run = finished_run(tmp_path)
    run.paths.plots.mkdir()
    (run.paths.plots / "heat_map.png").write_bytes(b"png")
    (run.paths.plots / "front.png").write_bytes(b"ours")
    page = report_page([load_run_data(run)])
    assert page.count('src="data:image/png;base64,') == 1
    assert "heat map" in page


def test_coefficients_are_told_with_their_ties(tmp_path: Path) -> None:
    data = other_kinds.coefficients(tmp_path, top=False)
    said = words(data)
    assert "alpha = 1.2, beta = 1.1, gamma = 1.15" in said
    assert "95.00% and costs 2.7 times" in said
    assert "4 triples of the grid come to 4 distinct networks" in said
    assert "between 93.00% and 97.00% (90% interval)" in said
    assert "statistically tied with the best: 2" in said
    assert "coefficients --resume coefficients/001 --top 5" in said
    assert "effsearch scale --coefficients coefficients/001" in said


def test_coefficients_are_told_with_what_was_expected_and_what_mattered(tmp_path: Path) -> None:
    moved = {"low": 224.0, "high": 314.0, "best": 291.0, "change": 0.021, "deviation": 0.004}
    unmoved = {"low": 16.0, "high": 32.0, "best": 16.0, "change": 0.002, "deviation": 0.005}
    data = other_kinds.coefficients(
        tmp_path,
        prefer="default",
        expected=0.948,
        depends_on=[
            {"dimension": "resolution", "told": True, **moved},
            {"dimension": "layers", "told": False, **unmoved},
        ],
    )
    said = words(data)
    assert "Chosen: the cheapest network within one posterior standard deviation" in said
    assert (
        "resolution 2.1 ± 0.4 points between 224 and 314 pixels, best at 291. "
        "Not distinguishable from noise: layers 0.2 ± 0.5 points" in said
    )
    assert "the accuracy is expected at 94.80% and lies between 93.00% and 97.00%" in said
    assert "cheapest of them was chosen" not in said


def test_a_grid_that_was_stopped_says_how_to_go_on(tmp_path: Path) -> None:
    with make_run(tmp_path, "coefficients") as run:
        write_ledger(run.paths.ledger, [asked(0), told(0)])
    said = words(load_run_data(run))
    assert "One training is done; the grid is decided when all are." in said
    assert "effsearch coefficients --resume coefficients/001" in said


def test_a_comparison_names_the_best_way_and_its_ties(tmp_path: Path) -> None:
    said = words(other_kinds.comparison(tmp_path))
    assert "efficientnet-b0 at 771.6M multiply-adds does best scaled by resolution alone" in said
    assert "80.00% [78.00%, 82.00%]; statistically tied with it: all three (compound)" in said
    assert "2 trainings with different seeds of each network; one training strays by 1.0" in said
    assert "One network could not be brought to the budget" in said
    assert "--seeds 4" in said
    one_seed = words(other_kinds.comparison(tmp_path, seeds=1))
    assert "How sure: not known. One training each gives no interval." in one_seed


def test_a_family_says_what_it_costs_and_what_was_trained(tmp_path: Path) -> None:
    data = other_kinds.family(tmp_path)
    said = words(data)
    assert "3 networks, from phi0 (300.8M multiply-adds, 3.5M parameters, 224 pixels)" in said
    assert "Coefficients: 1.2,1.1,1.15, alpha 1.2" in said
    assert "No member has been trained yet." in said
    assert "effsearch train --model family/001 --phi 0" in said
    other_kinds.training(tmp_path, model=f"{data.path}/phi0.json (member phi0)")
    said = words(data)
    assert "Accuracy as trained here: phi0 90.00% on digits." in said
    assert "--phi 1" in said


def test_a_training_says_how_good_and_how_sure(tmp_path: Path) -> None:
    said = words(other_kinds.training(tmp_path))
    assert "network f5d9815b2a8b (x) with 300.8M multiply-adds" in said
    assert "top-1 90.00% on the test images of digits, top-1 92.00% on the validation" in said
    assert "4 epochs in 14 seconds on cpu" in said
    # 0.9 ± 1.645·√(0.9·0.1/360)
    assert "360 images put it between 87.40% and 92.60%" in said
    assert "effsearch export train/001 --format onnx" in said


def test_a_training_that_was_stopped_says_how_far_it_was(tmp_path: Path) -> None:
    said = words(other_kinds.training(tmp_path, epochs=2, answer=False))
    assert "This training was stopped before its end" in said
    assert "epoch 2 of 4, training loss 1.0000; best top-1 so far 75.00%" in said
    assert "effsearch train --resume train/001" in said
    nothing = words(other_kinds.training(tmp_path, epochs=0, answer=False))
    assert "no finished epochs yet" in nothing


@pytest.mark.parametrize(
    ("kind", "pictures", "table"),
    [
        ("coefficients", 8, "The triples"),
        ("comparison", 3, "The networks compared"),
        ("family", 2, "The members"),
        ("training", 2, "The epochs"),
        ("bench", 1, "The strategies"),
    ],
)
def test_every_kind_of_run_has_its_pictures_and_table(
    tmp_path: Path, kind: str, pictures: int, table: str
) -> None:
    page = report_page([getattr(other_kinds, kind)(tmp_path)])
    assert page.count('<svg role="img"') == 2 * pictures  # for pages and for phones
    assert table in page
    assert ("All trials" in page) == (kind in ("coefficients", "comparison"))


def test_html_in_the_names_of_other_runs_stays_text(tmp_path: Path) -> None:
    comparison = other_kinds.comparison(tmp_path, name=EVIL)
    trained = other_kinds.training(tmp_path, model=EVIL)
    grid = other_kinds.coefficients(tmp_path, data={"name": EVIL})
    page = report_page([comparison, trained, grid])
    assert "<script>alert" not in page
    assert not any("onerror" in attributes for _, attributes in Elements(page).found)
