"""Puts a page together: words, pictures, tables, in one file that loads nothing else.

Everything that comes from a run is escaped. A content security policy allows this page's one
script by its hash, its own styles, and images within it; nothing can be fetched.
"""

import base64
import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from html import escape
from importlib import resources
from string import Template
from typing import TYPE_CHECKING, Any

from effsearch.results.drawing import all_plots, draw, finished
from effsearch.results.formatting import NOTHING_YET, number
from effsearch.results.incumbents import common_budget, differences, incumbents
from effsearch.results.kinds.kind import Opening
from effsearch.results.kinds.registry import kind_of
from effsearch.results.loading import understood
from effsearch.results.plots.files import inline_svg
from effsearch.results.plots.plot import Plot
from effsearch.results.plots.several import draw_several
from effsearch.results.plots.style import NothingToDrawError
from effsearch.results.report.own_pictures import own_pictures
from effsearch.results.report.plain_tables import failures, found, html_table, own_rows, record
from effsearch.results.report.summaries import heading, summary
from effsearch.results.report.table import page_data, script_json
from effsearch.results.store.run_data import RunData
from effsearch.results.store.trials import Trial

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_PIXELS_PER_INCH = 102
"""Of a page: letters of 9 points are 13 pixels high."""


def report_page(runs: Sequence[RunData]) -> str:
    """The report of one run, or of several with their comparison first."""
    searches = [data for data in runs if kind_of(data.kind).has_trials]
    sections = [_comparison(searches)] if len(searches) > 1 else []
    sections += [_run(data, f"run{place}", len(runs) > 1) for place, data in enumerate(runs)]
    title = heading(runs[0]) if len(runs) == 1 else f"{len(runs)} runs side by side"
    return page(title, "\n".join(sections))


def picture_page(data: RunData, names: Iterable[str]) -> str:
    """The plots of a run alone, with the table that their marks open."""
    plots = all_plots()
    shown = "\n".join(_picture(plots[name], data, "run0") for name in names)
    body = f'<section class="run"><h1>{escape(heading(data))}</h1>{shown}{_trials(data)}</section>'
    return page(heading(data), body)


def page(title: str, body: str) -> str:
    """A whole document; `body` is HTML, `title` is text."""
    script = _part("page.js")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )
    return Template(_part("page.html")).substitute(
        title=escape(f"{title} · effsearch"),
        policy=policy,
        style=_part("page.css"),
        body=body,  # as it is: of a long search it is as large as the rest of the program
        script=script,
    )


def _part(name: str) -> str:
    return (resources.files("effsearch.results.report") / name).read_text(encoding="utf-8")


def _run(data: RunData, prefix: str, is_one_of_several: bool) -> str:
    with understood(data):
        return _section(data, prefix, is_one_of_several)


def _section(data: RunData, prefix: str, is_one_of_several: bool) -> str:
    level = "h2" if is_one_of_several else "h1"
    has_any = bool(data.trials or data.rows)
    pictures = (
        [_picture(plot, data, prefix) for plot in kind_of(data.kind).plots] if has_any else []
    )
    trials = _trials(data)
    data.forget_networks()  # nothing below reads them, and the page itself is large
    return "\n".join(
        [
            '<section class="run">',
            f"<{level}>{escape(heading(data))}</{level}>",
            f'<p class="faint">{escape(data.kind)} run, {escape(data.status)}; FLOPs are '
            "multiply-adds of convolutions and linear layers at batch 1.</p>",
            _answer(summary(data)),
            *pictures,
            own_pictures(data),
            failures(data),
            own_rows(data),
            found(data) if data.kind != "baseline" else "",
            trials,
            record(data),
            "</section>",
        ]
    )


def _answer(opening: Opening) -> str:
    said = "".join(f"<p>{escape(sentence)}</p>" for sentence in opening.sentences)
    steps = "".join(
        f"<p>{escape(step.why)}:</p><pre>{escape(step.command)}</pre>" for step in opening.steps
    )
    if steps:
        steps = f"<h3>What to run next</h3>{steps}"
    return f'<div class="answer">{said}{steps}</div>' if said or steps else ""


def _picture(plot: Plot, data: RunData, prefix: str) -> str:
    name = f"{prefix}-{plot.name}"
    try:
        body = _both_widths(
            lambda phone: draw(plot.name, data, phone=phone), name, plot.title, data.done
        )
        caption = plot.explained(data)
    except NothingToDrawError as reason:
        body, caption = "", str(reason)
    return (
        f'<h3>{escape(plot.title)}</h3><figure id="{name}">{body}'
        f"<figcaption>{escape(caption)}</figcaption></figure>"
    )


def _both_widths(
    make: "Callable[[bool], Figure]", name: str, label: str, points: Sequence[Trial] = ()
) -> str:
    """A picture as a page shows it and as a phone does; the window's width decides."""
    return "".join(
        _svg(make(phone), f"{name}-phone" if phone else name, label, points, phone)
        for phone in (False, True)
    )


def _svg(figure: "Figure", name: str, label: str, points: Sequence[Trial], phone: bool) -> str:
    """On a page as large as its letters are read well, so that those of all pictures are alike."""
    width = round(_PIXELS_PER_INCH * figure.get_figwidth())
    svg = inline_svg(figure, name, points)
    figure.clear()  # of many marks it is large, and its circles of references keep it long
    seen = 'class="phone"' if phone else f'class="broad" style="max-width: {width}px"'
    return svg.replace("<svg ", f'<svg role="img" aria-label="{escape(label)}" {seen} ', 1)


def _comparison(runs: Sequence[RunData]) -> str:
    different = differences(runs)
    warning = (
        f"<p>Rewards are not comparable: the runs differ in {escape(', '.join(different))}.</p>"
        if different
        else ""
    )
    try:
        picture = _both_widths(
            lambda phone: finished(lambda: draw_several(runs), phone=phone),
            "all",
            "best so far",
        )
    except NothingToDrawError as reason:
        picture = f"<p>{escape(str(reason))}</p>"
    budget = common_budget(runs)
    rows = [asdict(incumbent) for incumbent in incumbents(runs, budget)]
    table = html_table([{key: number(key, row[key]) for key in row} for row in rows])
    return (
        f"<h1>{len(runs)} runs side by side</h1>{warning}<p>Each row tells what a run had found "
        f"after {budget:,} evaluations, as many as every run has; final_reward is of its whole "
        f'search.</p><figure>{picture}</figure><div class="wide">{table}</div>'
    )


def _trials(data: RunData) -> str:
    if not data.trials:
        return f"<p>{NOTHING_YET}</p>" if kind_of(data.kind).has_trials else ""
    document: dict[str, Any] = page_data(data)
    states = "".join(
        f'<option value="{value}">{label}</option>'
        for value, label in (
            ("", "all"),
            ("done", "done"),
            ("failed", "failed"),
            ("waiting", "waiting"),
        )
    )
    return f"""<div class="trials">
<h3>All trials</h3>
<p class="faint">Click a column to sort, a trial to see its network. Filter by words and by
columns, such as <code>accuracy&gt;0.8 macs&lt;380M ir_r2</code>.</p>
<div class="controls">
<input type="search" aria-label="Filter trials" placeholder="accuracy&gt;0.8 macs&lt;380M ir_r2">
<select aria-label="State">{states}</select><span role="status"></span></div>
<div class="wide"><table><thead><tr></tr></thead><tbody></tbody></table></div>
<button type="button" class="more" hidden>Show more</button>
<noscript><p>The table needs this page's script; the run's trials.csv has the same.</p></noscript>
<script type="application/json">{script_json(document)}</script>
</div>"""
