"""`latency`: a table of layers against whole networks that its correction has not seen."""

from dataclasses import replace
from typing import Any

import numpy as np

from benchmarks.gpu.leg import Leg
from benchmarks.latency import compare_with_table
from effsearch.latency.building import BuildOptions
from effsearch.latency.meter import make_meter
from effsearch.latency.prediction import Accuracy
from effsearch.results.plots.latency import Points, draw_macs
from effsearch.search_spaces.cost import cost
from effsearch.search_spaces.space_file import load_space


def run(leg: Leg) -> None:
    """One table a batch size; a table that is begun is gone on with."""
    for batch in leg.setting.latency_batches:
        leg.once(f"batch {batch}", lambda batch=batch: _compared(leg, batch), seconds=20)
    leg.conclude(
        **{
            key: {name: found[name] for name in ("median_error", "kendall_tau")}
            for key, found in leg.found.items()
        }
    )


def _compared(leg: Leg, batch: int) -> dict[str, Any]:
    setting = leg.setting
    space, wanted = load_space("mnasnet"), setting.in_table + setting.unseen
    rows = space.sample(np.random.default_rng(0), 2 * wanted)
    drawn = list(dict.fromkeys(space.decode(row) for row in rows))[:wanted]
    if setting.latency_pixels:
        drawn = [replace(network, resolution=setting.latency_pixels) for network in drawn]
    folder = leg.folder / f"gpu_latency_batch_{batch}"
    folder.mkdir(exist_ok=True)
    small = setting.device == "cpu"
    accuracy, measured, what = compare_with_table(
        make_meter("torch", setting.device, batch=batch),
        drawn,
        BuildOptions(passes=1, rounds=2) if small else BuildOptions(passes=1),
        folder,
        in_table=setting.in_table,
    )
    macs = np.array([cost(network).macs for network in drawn], np.float64)
    figure = draw_macs([Points("torch", macs.tolist(), measured.tolist())])
    figure.savefig(leg.folder / f"gpu_latency_macs_batch_{batch}.png")
    return what | {
        "median_error": round(accuracy.error, 4),
        "largest_error": round(accuracy.worst, 4),
        "kendall_tau": round(accuracy.tau, 3),
        "kendall_tau_of_macs": round(Accuracy(macs, measured).tau, 3),
        "macs": macs.tolist(),
        "latency_ms": [round(float(ms), 4) for ms in measured],
    }
