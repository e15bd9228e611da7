"""The family among the ConvNets that EfficientNet's paper compares with."""

import json
from pathlib import Path

import pytest

import effsearch
from effsearch.results.drawing import finished
from effsearch.results.loading import load_run_data
from effsearch.results.plots.comparators import comparators, draw_comparators
from effsearch.results.store.run import Run

# Top-1 in percent, millions of parameters, billions of multiply-adds (Table 2 of arXiv 1905.11946).
TABLE_2 = {
    "ResNet-50": (76.0, 26, 4.1),
    "DenseNet-169": (76.2, 14, 3.5),
    "ResNet-152": (77.8, 60, 11),
    "DenseNet-264": (77.9, 34, 6.0),
    "Inception-v3": (78.8, 24, 5.7),
    "Xception": (79.0, 23, 8.4),
    "Inception-v4": (80.0, 48, 13),
    "Inception-ResNet-v2": (80.1, 56, 13),
    "ResNeXt-101": (80.9, 84, 32),
    "PolyNet": (81.3, 92, 35),
    "SENet": (82.7, 146, 42),
    "NASNet-A": (82.7, 89, 24),
    "AmoebaNet-A": (82.8, 87, 23),
    "PNASNet": (82.9, 86, 23),
    "AmoebaNet-C": (83.5, 155, 41),
}


def test_comparators_are_those_of_the_paper() -> None:
    known = {one.name: (one.top1, one.params / 1e6, one.macs / 1e9) for one in comparators()}
    assert len(comparators()) == len(known)
    assert known.keys() == TABLE_2.keys()
    for name, row in TABLE_2.items():
        assert known[name] == pytest.approx(row)


def test_a_family_is_drawn_among_them(tmp_path: Path) -> None:
    run = effsearch.scale_family("efficientnet-b0", "1.2,1.1,1.15", [0, 1], run_dir=tmp_path)
    folder = Path(run.path)
    trained = tmp_path / "train" / "001"
    trained.mkdir(parents=True)
    record = json.loads((folder / "run.json").read_text())
    record |= {
        "kind": "train",
        "run": "train/001",
        "model": f"{folder / 'phi1.json'} (member phi1)",
    }
    (trained / "run.json").write_text(json.dumps(record))
    answer = {"macs": 1, "accuracy": {"validation": {"top1": 0.8}}, "data": {"name": "ImageNet-1k"}}
    (trained / "train.json").write_text(json.dumps(answer))
    data = load_run_data(Run.load(folder))
    figure = finished(lambda: draw_comparators(data))
    for panel in figure.axes:
        names = {text.get_text() for text in panel.texts}
        assert {"phi0", "phi1", "B7", "SENet", "NASNet-A"} <= names
    _, labels = figure.axes[0].get_legend_handles_labels()
    assert "this family, trained on ImageNet" in labels


@pytest.mark.slow
@pytest.mark.parametrize("width", [10.0, 7.5])
def test_no_name_lies_on_a_mark_or_on_another_name(width: float, tmp_path: Path) -> None:
    members = [0, 1, 2, 3, 4]
    run = effsearch.scale_family("efficientnet-b0", "1.2,1.1,1.15", members, run_dir=tmp_path)
    data = load_run_data(Run.load(Path(run.path)))
    figure = finished(lambda: draw_comparators(data, width))
    for panel in figure.axes:
        boxes = [(text.get_text(), text.get_window_extent()) for text in panel.texts]
        for place, (name, box) in enumerate(boxes):
            met = [other for other, there in boxes[:place] if box.overlaps(there)]
            assert not met, f"{name} lies on {met}"
        for line in panel.lines:
            if line.get_marker() == "None":
                continue
            for x, y in line.get_transform().transform(line.get_xydata()):
                covered = [name for name, box in boxes if box.contains(x, y)]
                assert not covered, f"{covered} lie on a mark of {line.get_label()}"
