"""What the site takes from the program instead of from prose: MkDocs calls these functions.

A page says `<!-- generated: NAME -->` where a part of it is generated; `GENERATED` holds how. The
home page is the README, so links and pictures are written for both places.
"""

import html
import json
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import typer

ROOT = Path(__file__).parents[1]
MARKER = re.compile(r"<!-- generated: (\w+) -->")
INCLUDED = {
    "index.md": "README.md",
    "contributing.md": "CONTRIBUTING.md",
    "changelog.md": "CHANGELOG.md",
}
"""Pages that are files of the root."""


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """A page with its generated parts filled in."""
    if page.file.src_uri in INCLUDED:
        text = (ROOT / INCLUDED[page.file.src_uri]).read_text(encoding="utf-8")
        markdown = at_home_in_docs(text)
    return fill_in(markdown)


def at_home_in_docs(markdown: str) -> str:
    """A file of the root with its links as they are from `docs/`."""
    markdown = markdown.replace("](docs/", "](")
    for page, file in INCLUDED.items():
        markdown = markdown.replace(f"]({file})", f"]({page})")
    return re.sub(r"(?<!!)\[([^]]+)\]\((?!https?:|#)([^)#]+)[^)]*\)", _kept, markdown)


def _kept(link: re.Match[str]) -> str:
    """A link, or its text alone where it leads to what is no page of the site."""
    return link[0] if (ROOT / "docs" / link[2]).exists() else link[1]


def fill_in(markdown: str) -> str:
    """Text with what its markers stand for."""
    return MARKER.sub(lambda found: GENERATED[found[1]](), markdown)


def table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table as Markdown."""
    lines = [titles, ["---"] * len(titles), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


# The commands and their options.


def commands() -> Iterator[tuple[str, Any]]:
    """Every command by what is typed for it, such as `effsearch results top`."""
    from effsearch.cli.commands import app

    yield from _below("effsearch", typer.main.get_command(app))


def _below(path: str, command: Any) -> Iterator[tuple[str, Any]]:
    if not hasattr(command, "commands"):
        yield path, command
        return
    for name, child in command.commands.items():
        yield from _below(f"{path} {name}", child)


def commands_reference() -> str:
    """All commands with their arguments and options, in the groups of `--help`."""
    return "\n\n".join(_command(path, command) for path, command in commands())


def _command(path: str, command: Any) -> str:
    context = command.context_class(command, info_name=path)
    groups: dict[str, list[list[str]]] = {}
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record is None or parameter.name == "help":
            continue
        is_argument = parameter.param_type_name == "argument"
        title = getattr(parameter, "rich_help_panel", None)
        title = "Arguments" if is_argument else title or "Options"
        flag, help_text = record
        groups.setdefault(title, []).append([_code(flag), _cell(help_text)])
    said = " ".join((command.help or "").replace("\b", "").split("\n\n")[0].split())
    rest = [" ".join(part.split()) for part in (command.help or "").split("\n\n")[1:]]
    parts = [f"## {path}", said, *rest]
    for title, rows in groups.items():
        listed = table(("option", "what"), rows)
        parts += [f"**{title}**", f'<div class="options" markdown>\n\n{listed}\n\n</div>']
    return "\n\n".join(parts)


def _code(text: str) -> str:
    """What is typed, as it is typed: in Markdown's own code a bar keeps its backslash."""
    plain = html.escape(" ".join(text.split()), quote=False)
    return f"<code>{plain.replace('|', '&#124;<wbr>')}</code>"


def _cell(text: str) -> str:
    plain = " ".join(text.split()).replace("[default: ", "[")
    return (
        plain.replace("|", "\\|")
        .replace("<", "‹")
        .replace(">", "›")
        .replace("*", "\\*")
        .replace("[", "\\[")
    )


# What the program knows by name.


def zoo_table() -> str:
    """The published networks with what they cost, and what the papers report."""
    from effsearch.search_spaces.cost import cost
    from effsearch.search_spaces.zoo import zoo_entry, zoo_names

    rows = []
    for name in zoo_names():
        entry = zoo_entry(name)
        counted = cost(entry.architecture)
        top1 = "" if entry.top1 is None else f"{entry.top1:g}"
        pixels = str(entry.resolution)
        rows.append([f"`{name}`", pixels, f"{counted.macs:,}", f"{counted.params:,}", top1])
    return table(("network", "pixels", "multiply-adds", "parameters", "published top-1, %"), rows)


def spaces_table() -> str:
    """The shipped spaces, how large they are and what they cost."""
    from effsearch.search_spaces.population import PopulationCost
    from effsearch.search_spaces.space_file import load_space, shipped_spaces
    from effsearch.search_spaces.units import format_count

    rows = []
    for name in shipped_spaces():
        space = load_space(name)
        ranges = PopulationCost(space).ranges
        spans = [" to ".join(map(format_count, ranges[cost])) for cost in ("macs", "params")]
        rows.append([f"`{name}`", str(len(space)), f"{space.size:.1e}", *spans])
    return table(("space", "choices", "networks", "multiply-adds", "parameters"), rows)


def strategies_table() -> str:
    """The strategies, what each does, and its options."""
    from effsearch.nas.strategies.registry import STRATEGIES, strategy_options

    rows = []
    for name, entry in STRATEGIES.items():
        first = (entry.load().__doc__ or "").strip().splitlines()[0]
        options = ", ".join(f"`{key}` {value}" for key, value in strategy_options(name).items())
        rows.append([f"`{name}`", first, options or "none"])
    return table(("strategy", "what it does", "`strategy_options` and defaults"), rows)


def metrics_table() -> str:
    """The costs and scores, with the option that sets a target for each."""
    from effsearch.search_spaces.metrics import METRICS

    rows = []
    for metric in METRICS.values():
        target = f"`--{metric.target.replace('_', '-')}`" if metric.target else ""
        better = "more" if metric.larger_is_better else "less"
        rows.append([f"`{metric.name}`", metric.axis, better, target])
    return table(("name", "what it is", "better", "target"), rows)


def recipes_table() -> str:
    """The shipped recipes and what tells them apart."""
    from effsearch.training.recipes.named import named_recipe, recipe_names

    shown = ("epochs", "batch_size", "optimizer", "lr", "schedule", "policy", "mixup", "ema_decay")
    rows = []
    for name in recipe_names():
        recipe = named_recipe(name, "images")
        cells = [getattr(recipe, key, None) for key in shown]
        rows.append([f"`{name}`", *("-" if cell is None else str(cell) for cell in cells)])
    return table(("recipe", *shown), rows)


def pictures_table() -> str:
    """The pictures of each kind of run."""
    from effsearch.results.kinds.registry import KINDS, kind_of

    rows = [[name, ", ".join(f"`{plot.name}`" for plot in kind_of(name).plots)] for name in KINDS]
    return table(("run", "pictures (`--kind`)"), rows)


# Committed results of the benchmarks.


def _result(name: str) -> dict[str, Any]:
    path = ROOT / "benchmarks" / "results" / f"{name}.json"
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return document


def reached_table() -> str:
    """What each strategy reaches at equal evaluations, from the committed benchmark."""
    result = _result("search_quality_claims")
    titles = {
        "nas_bench_macro": "NAS-Bench-Macro, accuracy",
        "nas_bench_macro_60M": "NAS-Bench-Macro, 60M",
        "synthetic_400M": "synthetic, 400M",
    }
    last = {
        case: {row["strategy"]: row for row in result["cases"][case]["standings"]}
        for case in titles
    }  # standings rise in evaluations, so the last row of a strategy stays
    rows = [
        [
            f"`{name}`",
            *(f"{last[case][name]['reward']:.4f} ± {last[case][name]['half_width']:.4f}"
              for case in titles),
        ]
        for name in last["synthetic_400M"]
    ]  # fmt: skip
    seeds = [result["cases"][case]["seeds"] for case in titles]
    return (
        table(("strategy", *titles.values()), rows)
        + f"\n\nMean reward after {result['samples']} evaluations and its 95% interval, over "
        + f"{seeds[0]}, {seeds[1]} and {seeds[2]} seeds; {_machine(result)}."
    )


def benchmarks_table() -> str:
    """The commands that measure, with what they measured and on which machine."""
    text = (ROOT / "benchmarks" / "README.md").read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if line.startswith("| [")]
    shown = []
    for row in rows:
        script, what, command = re.split(r" \| ", row.strip("| "))
        shown.append([re.sub(r"\[([^]]+)\]\([^)]+\)", r"`\1`", script), what, command])
    return table(("script", "what it measures", "command"), shown)


def machines_table() -> str:
    """The machine of every committed result."""
    rows = []
    for path in sorted((ROOT / "benchmarks" / "results").glob("*.json")):
        result = json.loads(path.read_text(encoding="utf-8"))
        rows.append([f"`{path.name}`", _machine(result)])
    return table(("result", "measured on"), rows)


def _machine(result: dict[str, Any]) -> str:
    machine = result["machine"]
    device = machine.get("accelerator") or f"{machine['cpu']}, {machine['cores']} cores"
    return f"{device}, {machine['date']}"


GENERATED: dict[str, Callable[[], str]] = {
    "commands": commands_reference,
    "zoo": zoo_table,
    "spaces": spaces_table,
    "strategies": strategies_table,
    "reached": reached_table,
    "metrics": metrics_table,
    "recipes": recipes_table,
    "pictures": pictures_table,
    "benchmarks": benchmarks_table,
    "machines": machines_table,
}
