"""From layers measured alone to whole networks: a correction fitted on networks measured whole.

A layer alone finds other caches than within its network, and a run of it has costs of its own
(a call, a layout change) that a network pays once. So a network is predicted as

    start + Σ over its layers of  factor(operation) · measured + offset,

with start, factors and offset fitted to the relative errors on a part of the networks in the
table. Few networks tell little about a rare operation: each factor is drawn towards the common
one, as strongly as leaving networks out shows to be good. How far predictions are off is stated
on the other networks, which the fit has not seen.
"""

from collections.abc import Sequence, Set
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from effsearch.latency.layers import HEAD, POOLED_STEM, STEM, Layer, layers_of
from effsearch.latency.regression import fit_features, layer_features
from effsearch.latency.table import LatencyTable
from effsearch.search_spaces.architecture import Architecture

Floats = NDArray[np.float64]

CHECKED_SHARE = 3
"""Every third network of a table is kept from the fit and checks it."""
_OUTER = frozenset((STEM, POOLED_STEM, HEAD))
_PULLS = (100.0, 10.0, 1.0, 0.1, 0.01, 0.001)  # how strongly, from the strongest
_WORTH = 1.05  # the strongest within this factor of the best error: few networks overfit easily
_LEAST = 6  # networks to fit on; with fewer only the common factor is fitted


@dataclass(frozen=True)
class Correction:
    """How measured layers add up.

    Attributes:
        factors: of each operation of blocks.
        factor: of stem and head, and of operations that no network of the fit has.
        offset_ms: added for each block.
        start_ms: added once, with the stem.
    """

    factors: dict[str, float]
    factor: float = 1.0
    offset_ms: float = 0.0
    start_ms: float = 0.0

    def ms(self, layer: Layer, alone_ms: float) -> float:
        """What a layer that takes `alone_ms` alone adds to a network; never below zero."""
        added = self.offset_ms
        if layer.kind in _OUTER:
            added = 0.0 if layer.kind == HEAD else self.start_ms
        return max(self.factors.get(layer.operation, self.factor) * alone_ms + added, 0.0)


@dataclass(frozen=True)
class Accuracy:
    """Predictions against measurements of networks that the fit has not seen.

    Attributes:
        predicted_ms, measured_ms: (networks,).
    """

    predicted_ms: Floats
    measured_ms: Floats

    @property
    def error(self) -> float:
        """Median of the relative errors' sizes; NaN without networks."""
        if not len(self.measured_ms):
            return float("nan")
        return float(np.median(np.abs(self.predicted_ms / self.measured_ms - 1.0)))

    @property
    def worst(self) -> float:
        """The largest of them; NaN without networks."""
        if not len(self.measured_ms):
            return float("nan")
        return float(np.max(np.abs(self.predicted_ms / self.measured_ms - 1.0)))

    @property
    def tau(self) -> float:
        """Kendall's rank correlation (a); NaN with fewer than two networks."""
        count = len(self.measured_ms)
        if count < 2:
            return float("nan")
        agree = _signs(self.predicted_ms) * _signs(self.measured_ms)
        return float(agree.sum() / (count * (count - 1)))


class Predictor:
    """Latencies from a table, corrected by its whole networks.

    A table of whole networks alone (measured by a command) is described by a regression instead.

    Args:
        table: of layers, of networks, or of both; without networks, layers simply add up.
    """

    def __init__(self, table: LatencyTable) -> None:
        self.table = table
        networks = list(table.networks)
        unseen = networks[CHECKED_SHARE - 1 :: CHECKED_SHARE]
        fitted = [one for place, one in enumerate(networks, 1) if place % CHECKED_SHARE]
        self.correction = Correction({})
        self._ms_a_feature: Floats | None = None
        if table.layers:
            self.correction = fit(table, fitted)
        else:
            measured = [table.networks[network].low_ms for network in fitted]
            self._ms_a_feature = fit_features(fitted, measured)
        self.accuracy = self.compare(unseen)

    def layer_ms(self, layer: Layer) -> float:
        """What a layer adds to the latency of a network that has it, never below zero.

        Raises:
            InputError: the table lacks the layer.
        """
        if self._ms_a_feature is not None:
            return float(layer_features(layer) @ self._ms_a_feature)
        return self.correction.ms(layer, self.table.low_ms(layer))

    def network_ms(self, architecture: Architecture, resolution: int | None = None) -> float:
        """A network's latency, at its own resolution or another.

        Raises:
            InputError: the table lacks one of its layers.
        """
        return sum(self.layer_ms(layer) for layer in layers_of(architecture, resolution))

    def compare(self, networks: Sequence[Architecture]) -> Accuracy:
        """Predictions for networks of the table, beside what was measured."""
        return Accuracy(
            np.array([self.network_ms(network) for network in networks]),
            np.array([self.table.networks[network].low_ms for network in networks]),
        )


def fit(table: LatencyTable, networks: Sequence[Architecture]) -> Correction:
    """The correction that suits these networks of the table best.

    Raises:
        InputError: the table lacks a layer of one of them.
    """
    if not networks:
        return Correction({})
    layers = [layers_of(network) for network in networks]
    measured = np.array([table.networks[network].low_ms for network in networks])
    sums = np.array([sum(map(table.low_ms, its)) for its in layers])
    common = float(np.median(measured / sums))
    if len(networks) < _LEAST:
        return Correction({}, common)
    operations = sorted(
        {layer.operation for its in layers for layer in its if layer.kind not in _OUTER}
    )
    # Columns: what each operation's layers add up to, the number of blocks and of networks, all
    # relative to the measurement, so that small networks count as much as large ones.
    columns = np.array(
        [
            [*(_sum_of({operation}, its, table) for operation in operations), len(its) - 2, 1]
            for its in layers
        ]
    )
    columns = columns / measured[:, None]
    # Stem and head hardly differ from network to network: no fit can tell them from the start.
    rest = 1.0 - common * np.array([_outer_ms(its, table) for its in layers]) / measured
    prior = np.array([common] * len(operations) + [0.0, 0.0])
    errors = [_left_out_error(columns, rest, prior, pull) for pull in _PULLS]
    enough = _WORTH * min(errors)
    pull = next(p for p, error in zip(_PULLS, errors, strict=True) if error <= enough)
    *factors, offset, start = _solve(columns, rest, prior, pull).tolist()
    return Correction(dict(zip(operations, factors, strict=True)), common, offset, start)


def _outer_ms(layers: Sequence[Layer], table: LatencyTable) -> float:
    return sum(table.low_ms(layer) for layer in layers if layer.kind in _OUTER)


def _sum_of(operations: Set[str], layers: Sequence[Layer], table: LatencyTable) -> float:
    return sum(table.low_ms(layer) for layer in layers if layer.operation in operations)


def _solve(columns: Floats, rest: Floats, prior: Floats, pull: float) -> Floats:
    """Least squares of `columns @ x = rest`, drawn to the prior, each column as it weighs."""
    weight = np.sqrt(pull * len(columns)) * columns.mean(axis=0)
    left = np.vstack([columns, np.diag(weight)])
    solution: Floats = np.linalg.lstsq(left, np.concatenate([rest, weight * prior]), rcond=None)[0]
    return solution


def _left_out_error(columns: Floats, rest: Floats, prior: Floats, pull: float) -> float:
    """Mean error of the networks, each predicted by a fit on all the others.

    The median would not see that the smallest and the largest are far off.
    """
    places = np.arange(len(columns))
    errors = [
        abs(columns[place] @ _solve(columns[kept], rest[kept], prior, pull) - rest[place])
        for place in places
        for kept in [places != place]
    ]
    return float(np.mean(errors))


def _signs(values: Floats) -> Floats:
    difference: Floats = np.sign(values[:, None] - values[None, :])
    return difference
