"""Pictures that a run made itself, such as the heat map of a grid, taken over into its report."""

import base64
from html import escape
from pathlib import Path

from effsearch.results.drawing import all_plots
from effsearch.results.store.directory import RunPaths
from effsearch.results.store.run_data import RunData

_TYPES = {".png": "image/png", ".svg": "image/svg+xml"}
_LARGEST = 1_500_000  # bytes


def own_pictures(data: RunData) -> str:
    """Every picture in the run's `plots/` that is none of ours, as HTML.

    They stand as images, so a script within an SVG cannot run. One of a name is enough, an SVG
    before a PNG.
    """
    folder = RunPaths(Path(data.path), data.kind).plots
    ours = all_plots()
    found: dict[str, Path] = {}
    for path in sorted(folder.glob("*"), reverse=True):
        if path.suffix in _TYPES and path.stem not in ours and _is_fit(path):
            found.setdefault(path.stem, path)
    return "\n".join(_image(path) for _, path in sorted(found.items()))


def _is_fit(path: Path) -> bool:
    return path.is_file() and path.stat().st_size <= _LARGEST


def _image(path: Path) -> str:
    name = escape(path.stem.replace("_", " ").replace("-", " "))
    content = base64.b64encode(path.read_bytes()).decode()
    return (
        f'<h3>{name}</h3><figure><div class="wide"><img alt="{name}" '
        f'src="data:{_TYPES[path.suffix]};base64,{content}"></div></figure>'
    )
