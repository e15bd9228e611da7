"""The report in a headless Chromium: sort, filter, a trial's detail, and no request or error."""

from collections.abc import Iterator
from pathlib import Path

import other_kinds
import pytest
from searched import search
from webdriver import MISSING, Page, browser

from effsearch.results.report.page import report_page
from effsearch.results.store.run_data import RunData

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(MISSING is not None, reason=MISSING or ""),
    pytest.mark.xdist_group("browser"),
]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> RunData:
    return search(tmp_path_factory.mktemp("runs"), 80)


@pytest.fixture(scope="module")
def report(data: RunData, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(report_page([data]))
    return path


@pytest.fixture(scope="module")
def window(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with browser(tmp_path_factory.mktemp("profile"), width=1280) as page:
        yield page


@pytest.fixture
def page(window: Page, report: Path) -> Page:
    window.open(report)
    return window


NONE_IS_CUT = """
const all = [...document.querySelectorAll("figure svg")];
const seen = all.filter((one) => one.getClientRects().length);
const ends = seen.map((one) => one.getBoundingClientRect().right);
return 2 * seen.length === all.length && ends.every((end) => end <= window.innerWidth);
"""
"""That each picture is seen once, and that none goes on beyond the window's right edge."""


def column(page: Page, place: int) -> list[str]:
    cells: list[str] = page.script(
        "return [...document.querySelectorAll('tr.trial')]"
        ".map(row => row.children[arguments[0]].textContent)",
        place,
    )
    return cells


def status(page: Page) -> str:
    return str(page.script("return document.querySelector('[role=status]').textContent"))


def test_it_opens_with_the_best_on_top(page: Page, data: RunData) -> None:
    assert data.best is not None
    assert column(page, 0)[0] == str(data.best.number)
    assert status(page) == "80 of 80 trials, 50 shown"
    page.click("button.more")
    assert status(page) == "80 of 80 trials"


def test_a_click_on_a_header_sorts_and_another_turns_it_round(page: Page) -> None:
    page.click("thead th:nth-child(1) button")
    assert column(page, 0)[:3] == ["0", "1", "2"]
    page.click("thead th:nth-child(1) button")
    assert column(page, 0)[:3] == ["79", "78", "77"]
    page.click("thead th:nth-child(3) button")  # reward: failed trials have none, so come last
    rewards = [float(text) for text in column(page, 2) if text != "-"]
    assert rewards == sorted(rewards, reverse=True)
    sorted_by = page.script("return document.querySelector('[aria-sort]').textContent")
    assert sorted_by == "reward"


def test_a_filter_compares_columns_and_finds_words(page: Page, data: RunData) -> None:
    page.type("input", "accuracy>=0.7 c48")
    fitting = [
        str(one.number)
        for one in data.done
        if (one.accuracy or 0) >= 0.7 and "c48" in one.architecture
    ]
    assert sorted(column(page, 0)) == sorted(fitting)
    page.type("input", "nothing-like-this")
    assert status(page) == "0 of 80 trials"


def test_a_state_can_be_picked(page: Page) -> None:
    page.script(
        "const s = document.querySelector('select'); s.value = 'failed';"
        "s.dispatchEvent(new Event('change'))"
    )
    assert set(column(page, 1)) == {"failed"}
    assert status(page) == "8 of 80 trials"


def test_a_click_on_a_trial_shows_its_stages_and_costs(page: Page, data: RunData) -> None:
    assert data.best is not None
    page.click("tr.trial button")
    shown = str(page.script("return document.querySelector('tr.detail').textContent"))
    assert data.best.architecture in shown
    assert "MBConv" in shown
    assert "stem" in shown
    stages = page.script("return document.querySelectorAll('tr.detail tbody tr').length")
    assert stages == 5  # stem, two stages, head, sum
    page.click("tr.trial button")
    assert page.script("return document.querySelector('tr.detail')") is None


def test_a_click_on_a_mark_opens_its_trial_whatever_is_filtered(page: Page) -> None:
    page.type("input", "nothing-like-this")
    page.script(
        "document.querySelector('#run0-front [data-trial=\"7\"]')"
        ".dispatchEvent(new MouseEvent('click', {bubbles: true}))"
    )
    opened = page.script("return document.querySelector('tr.open').dataset.number")
    assert opened == "7"


def test_a_mark_names_its_network_under_the_pointer(page: Page, data: RunData) -> None:
    # In one script: the browser's own pointer may leave the mark in between.
    hint = str(
        page.script(
            "document.querySelector('#run0-progress [data-trial=\"7\"]')"
            ".dispatchEvent(new PointerEvent('pointerenter'));"
            "return document.getElementById('hint').textContent"
        )
    )
    assert data.trials[7].arch_id in hint
    assert "trial 7" in hint


@pytest.mark.parametrize("width", [1280, 390])
def test_no_error_no_request_and_nothing_wider_than_the_window(
    page: Page, report: Path, width: int
) -> None:
    page.resize(width)
    page.log("browser")
    page.requests()
    page.open(report)
    page.click("tr.trial button")
    assert page.log("browser") == []
    fetched = [url for url in page.requests() if not url.startswith(("data:", "chrome:"))]
    assert fetched == [report.resolve().as_uri()]
    assert page.script("return document.documentElement.scrollWidth <= window.innerWidth")
    assert page.script(NONE_IS_CUT)
    page.resize(1280)


@pytest.mark.parametrize("kind", ["coefficients", "comparison", "family", "training"])
def test_reports_of_other_runs_fit_and_say_nothing_to_the_console(
    window: Page, tmp_path: Path, kind: str
) -> None:
    path = tmp_path / "report.html"
    path.write_text(report_page([getattr(other_kinds, kind)(tmp_path)]))
    window.log("browser")
    for width in (1280, 390):
        window.resize(width)
        window.open(path)
        assert window.script("return document.documentElement.scrollWidth <= window.innerWidth")
        assert window.script(NONE_IS_CUT)
    window.resize(1280)
    assert window.log("browser") == []


def test_a_script_in_a_name_does_not_run(window: Page, tmp_path: Path) -> None:
    from test_report import hostile_run

    path = tmp_path / "hostile.html"
    path.write_text(report_page([hostile_run(tmp_path)]))
    window.log("browser")
    window.open(path)
    window.click("tr.trial button")
    assert window.script("return document.querySelectorAll('img[onerror]').length") == 0
    assert window.script("return document.querySelectorAll('tr.detail').length") == 1
    assert window.log("browser") == []
