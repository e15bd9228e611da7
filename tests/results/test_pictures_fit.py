"""No text of a picture leaves it or lies on another, on a page and on a phone, in runs as large as
people's; looks were judged by eye."""

from itertools import combinations

import large_runs
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text

from effsearch.results.drawing import draw
from effsearch.results.kinds.registry import kind_of
from effsearch.results.store.run_data import RunData

pytestmark = pytest.mark.slow
CONDITIONS = (
    "Accuracy on 359 held-out images of digits (10 classes) at 32 px, 6 epochs, 1 seed. " * 2
)
"""What is written below a picture that stands alone."""
PICTURES = [
    (kind, plot.name)
    for kind in large_runs.MAKERS
    for plot in kind_of(kind).plots
    if (kind, plot.name) != ("coefficients", "network")  # its trials have no networks
]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, RunData]:
    return {kind: make(tmp_path_factory.mktemp(kind)) for kind, make in large_runs.MAKERS.items()}


@pytest.mark.parametrize("phone", [False, True], ids=["page", "phone"])
@pytest.mark.parametrize(("kind", "name"), PICTURES)
def test_no_text_leaves_the_picture_or_lies_on_another(
    runs: dict[str, RunData], kind: str, name: str, phone: bool
) -> None:
    figure = draw(name, runs[kind], phone=phone, note="" if phone else CONDITIONS)
    figure.draw_without_rendering()  # legends and bars find their places as they are drawn
    texts = shown_texts(figure)
    edge = 1.5  # pixels
    for text in texts:
        box = text.get_window_extent()
        assert box.x0 > -edge, text
        assert box.y0 > -edge, text
        assert box.x1 < figure.bbox.x1 + edge, text
        assert box.y1 < figure.bbox.y1 + edge, text
    boxes = [(text.get_text(), text.get_window_extent().padded(-1)) for text in texts]
    for (one, box), (other, there) in combinations(boxes, 2):
        assert not box.overlaps(there), f"{one!r} lies on {other!r}"


def shown_texts(figure: Figure) -> list[Text]:
    """All that are drawn: matplotlib keeps ticks beyond the ends of an axis, too."""
    found = []
    hidden = {
        id(text)
        for axes in figure.findobj(Axes)
        if isinstance(axes, Axes)
        for axis, (low, high) in (
            (axes.xaxis, sorted(axes.get_xlim())),
            (axes.yaxis, sorted(axes.get_ylim())),
        )
        for tick in [*axis.get_major_ticks(), *axis.get_minor_ticks()]
        for text in (tick.label1, tick.label2)
        if not axes.axison
        or not low - 1e-9 * (high - low) <= tick.get_loc() <= high + 1e-9 * (high - low)
    }
    for text in figure.findobj(Text):
        assert isinstance(text, Text)
        if text.get_text().strip() and text.get_visible() and id(text) not in hidden:
            box = text.get_window_extent()
            if box.width > 1:
                found.append(text)
    return found
