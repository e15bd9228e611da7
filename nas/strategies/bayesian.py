"""Bayesian search: a Gaussian process learns accuracy, costs are computed, evolution proposes.

What is drawn is accuracy; a draw becomes rewards through the objective, since the cost of a
candidate is known exactly before it is trained.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from effsearch.nas.fidelities import Fidelities
from effsearch.nas.problem import Candidate, Problem, Result
from effsearch.nas.strategies.base import Strategy, check_option
from effsearch.nas.surrogate.belief import Belief
from effsearch.nas.surrogate.features import Features, FeatureTables, Floats
from effsearch.nas.surrogate.fidelities import FidelityProcess
from effsearch.nas.surrogate.gaussian_process import GaussianProcess, one_thread
from effsearch.nas.surrogate.kernel import Kernel
from effsearch.nas.surrogate.lift import lifted
from effsearch.nas.surrogate.transfer import align
from effsearch.search_spaces.space import Encodings

_MODELLED = 1000  # measurements the model takes in; a Cholesky factor of more is slow
_POOL = 300
_LITTER, _LITTERS = 1000, 6  # tries for the pool; many fall out of the band or were seen
_OPENING = 30  # draws for each network of the opening
_PARENTS = 20
_KEPT_PARENTS = 5
_FRESH = 0.1  # of the pool are draws from the band
_CHANGES = (0.7, 0.2, 0.1)  # chances of a child to change in one, two and three genes


class Bayesian(Strategy):
    """Thompson sampling on a Gaussian process, over candidates bred from the best networks.

    Until `start` networks are measured, networks are drawn from the cost band, those far from all
    others first. Then, for each batch: fit the model to all accuracies, rank the measured networks
    by what it believes of them, breed from the best for some generations (selecting by mean plus
    one standard deviation of the reward), and draw one set of rewards of all candidates together
    for each network of the batch; each draw picks its best candidate.

    Where networks may be trained for fewer epochs too, half of the first ones are trained at every
    length and the others briefly, so that the model learns what short trainings tell of long ones.
    From then on candidates are picked in the same way and trained for as long as tells most of
    them for the price; the one that is expected to beat all whole trainings is trained whole.

    Args:
        problem: what to search.
        seed: the run's seed.
        start: measured networks before the first model, at least 2.
        generations: of candidates bred for each batch, at least 1.

    Raises:
        InputError: an option out of range.
    """

    name = "bayesian"
    ranked_by = "expected reward"
    learns_from_earlier = True
    asks_cheaper = True
    kernel_type: ClassVar[type[Kernel]] = Kernel

    def __init__(
        self, problem: Problem, seed: int = 0, *, start: int = 10, generations: int = 5
    ) -> None:
        super().__init__(problem, seed)
        check_option(self.name, "start", start, 2)
        check_option(self.name, "generations", generations, 1)
        self.start = start
        self.generations = generations
        self._features = FeatureTables(problem.space)

    def propose(self, rng: np.random.Generator, count: int) -> Sequence[Candidate]:
        if not self._models:
            return self._opening(rng, count)
        with one_thread():
            pool = self._pool(rng)
            if not len(pool):
                return []
            normal = rng.standard_normal((count, len(pool)))
            draws = self._model.sample(self._features(pool), normal)
            order = _best_of_each(self._rewards(draws, pool))
            picked = self.problem.new(pool[order], self.seen, count)
            return self._at_their_price(pool, picked) if self.fidelities else picked

    def _at_their_price(self, pool: Encodings, picked: Sequence[Candidate]) -> list[Candidate]:
        """Each candidate for as many epochs as tell most of it for what they cost.

        The answer is a network that was trained whole. So where another one is expected to be
        better than all of those, it is the first of the batch, and trained whole.
        """
        assert self.fidelities is not None
        assert isinstance(self._model, FidelityProcess)
        promoted = self._promoted(pool)
        others = [one for one in picked if one.id not in {best.id for best in promoted}]
        if not others:
            return promoted
        gains = self._model.gains(self._features(self._rows(others)))
        found = promoted
        for place, candidate in enumerate(others[: len(picked) - len(promoted)]):
            options = [replace(candidate, epochs=epochs) for epochs in self.fidelities.levels]
            worth = [
                -1.0 if one.key in self.seen else gain / self.fidelities.price(one.epochs)
                for one, gain in zip(options, gains[:, place], strict=True)
            ]
            found.append(options[int(np.argmax(worth))])
        return found

    def _promoted(self, pool: Encodings) -> list[Candidate]:
        """The network of the pool that beats all that were trained whole; none where none does."""
        expected = self._rewards(self._model.expect(self._features(pool)), pool)
        best = int(expected.argmax())
        whole = self._whole
        if whole and expected[best] <= self._expected(whole).max():
            return []
        return self.problem.new(pool[[best]], self.seen, 1)

    def ranked(self) -> list[Result]:
        """Measured results, best first, by the rewards that are expected of them.

        The best of many single measurements is mostly the luckiest one; what a model expects
        holds a network's own measurement and those of all that are like it. Answers rest on
        `Belief`, which trusts likeness less than the model that a search draws from.
        """
        if not self._models or not self.measured:
            return super().ranked()
        whole = [result for result in self.measured if not result.partial]
        rows = _encodings(whole)
        with one_thread():
            expected = self._rewards(self._believed(self._features(rows)), rows)
        order = np.argsort(-expected, kind="stable")
        return [whole[place] for place in order]

    def _believed(self, networks: Features) -> Floats:
        """Accuracies of n networks as they are stated, (n,)."""
        if self.fidelities:
            return self._model.expect(networks)
        measured, values, doubts = self._learnt()
        options = self.problem.space.options
        return Belief.of(measured, values, options, doubts, self.kernel_type).expected(networks)

    def learned_correlations(self) -> dict[int, float]:
        if self.fidelities is None or not self._models:
            return {}
        with one_thread():
            model = self._model
        assert isinstance(model, FidelityProcess)
        known = {result.candidate.epochs for result in self.measured}
        return {
            epochs: round(float(found), 4)
            for epochs, found in zip(self.fidelities.cheaper, model.correlations[1:], strict=True)
            if epochs in known
        }

    def learn(self, results: Sequence[Result]) -> None:
        self.__dict__.pop("_model", None)  # it is fitted anew where it is asked for

    def _opening(self, rng: np.random.Generator, count: int) -> list[Candidate]:
        """Of many draws from the band those that differ most from each other and all before."""
        drawn = self.problem.draw(rng, _OPENING * count, self.seen)
        genes = self._features.effective(self._rows(drawn))
        known = self._features.effective(self._rows([r.candidate for r in self.history]))
        picked = [drawn[place] for place in _spread(genes, known, count)]
        if self.fidelities is None:
            return picked
        whole = sum(result.candidate.epochs is None for result in self.history)
        found: list[Candidate] = []
        for one in picked:
            levels = self.fidelities.levels[int(2 * whole >= self.start) :]
            whole += None in levels
            found += [replace(one, epochs=epochs) for epochs in levels]
        return found[:count]

    def _rows(self, candidates: Sequence[Candidate]) -> Encodings:
        """Their encodings, (n, genes), also of none."""
        rows = np.array([candidate.encoding for candidate in candidates], dtype=np.int64)
        return rows.reshape(len(candidates), len(self.problem.space))

    @property
    def _whole(self) -> list[Result]:
        """Measured results but those of trainings that were cheaper from the outset."""
        return [result for result in self.measured if result.candidate.epochs is None]

    @property
    def _models(self) -> bool:
        """Whether enough is measured for a model, and there is anything to choose."""
        known = len({result.candidate.id for result in self.measured})
        known += sum(len(one.results) for one in self.earlier)
        return known >= self.start and len(self.problem.space) > 0 and self._knows_whole

    @property
    def _knows_whole(self) -> bool:
        return bool(self._whole) or any(one.results for one in self.earlier)

    @cached_property
    def _model(self) -> GaussianProcess:
        return self._fit()

    def _fit(self) -> GaussianProcess:
        if self.fidelities:
            return self._fit_levels(self.fidelities, *self._stock())
        measured, values, doubts = self._learnt()
        options = self.problem.space.options
        return GaussianProcess.fit(measured, values, options, self.kernel_type, doubts)

    def _learnt(self) -> tuple[Features, Floats, Floats]:
        """What the model learns from: networks, values and doubts."""
        stock, values, doubts = self._stock()
        places = _modelled(stock)
        return self._features(_encodings(stock)[places]), values[places], doubts[places]

    def _fit_levels(
        self, fidelities: Fidelities, stock: Sequence[Result], values: Floats, doubts: Floats
    ) -> FidelityProcess:
        """The model of whole measurements and of cheaper ones."""
        cheap = [result for result in self.measured if result.candidate.epochs is not None]
        known = [fidelities.levels.index(result.candidate.epochs) for result in cheap]
        levels = np.array([0] * len(stock) + known, dtype=np.int64)
        stock = [*stock, *cheap]
        values = np.append(values, np.zeros(len(cheap)))
        doubts = np.append(doubts, np.zeros(len(cheap)))
        for level in range(1, len(fidelities.levels)):
            there = np.flatnonzero(levels == level)
            if len(there):  # what collapsed is told among its like
                values[there], doubts[there] = self._values([stock[place] for place in there])
        places = _modelled(stock)
        return FidelityProcess.of(
            self._features(_encodings(stock)[places]),
            values[places],
            levels[places],
            len(fidelities.levels),
            self.problem.space.options,
            self.kernel_type,
            doubts[places],
        )

    def _stock(self) -> tuple[list[Result], Floats, Floats]:
        """All that is known of whole trainings: results, what the model learns of each, and its
        doubt, (n,)."""
        whole = self._whole
        own = self._values(whole) if whole else (np.empty(0), np.empty(0))
        stock, values, doubts = list(whole), [own[0]], [own[1]]
        here = {result.candidate.id for result in whole}
        for place, earlier in enumerate(self.earlier):
            more, doubt = self._aligned(place, own[0])
            # What is measured here stands for itself; the same measurement must not count twice.
            kept = [
                i
                for i, result in enumerate(earlier.results)
                if not (earlier.same and result.candidate.id in here)
            ]
            stock += [earlier.results[i] for i in kept]
            values.append(more[kept])
            doubts.append(doubt[kept])
        return stock, np.concatenate(values), np.concatenate(doubts)

    def _aligned(self, place: int, here: Floats) -> tuple[Floats, Floats]:
        """Values and doubts of an earlier source, brought to what is measured here, (n,) each."""
        values, doubts, model = self._earlier_models[place]
        if self.earlier[place].same:
            return values, doubts
        if len(here):
            expected, sigma = model.predict(self._features(_encodings(self._whole)))
        else:
            expected = sigma = here
        found = align(here, expected, sigma, float(values.std()))
        return found.values(values), np.hypot(found.slope * doubts, found.doubt)

    @cached_property
    def _earlier_models(self) -> list[tuple[Floats, Floats, GaussianProcess]]:
        """Of each earlier source what the model learns, and a model of it alone."""
        made = []
        for earlier in self.earlier:
            values, doubts = self._values(earlier.results)
            places = _modelled(earlier.results)
            model = GaussianProcess.fit(
                self._features(_encodings(earlier.results)[places]),
                values[places],
                self.problem.space.options,
                self.kernel_type,
                doubts[places],
            )
            made.append((values, doubts, model))
        return made

    def _values(self, results: Sequence[Result]) -> tuple[Floats, Floats]:
        """What the model learns of each result, and how far it may be off besides noise, (n,)."""
        return lifted(results, self.problem.objective)

    def _expected(self, results: Sequence[Result]) -> Floats:
        """Rewards that the model expects of n networks, (n,)."""
        rows = _encodings(results)
        return self._rewards(self._model.expect(self._features(rows)), rows)

    def _pool(self, rng: np.random.Generator) -> Encodings:
        """Candidates in the band around the best networks, none of them measured."""
        measured = self._rows([result.candidate for result in self._whole])
        known = {row.tobytes() for row in self._features.effective(measured)}
        stock = [*self.measured, *(found for one in self.earlier for found in one.results)]
        best = _encodings(stock)[np.argsort(-self._expected(stock), kind="stable")]
        drawn = self.problem.draw(rng, int(_FRESH * _POOL), self.seen)
        pool = self._rows(drawn)
        if self.earlier or self.fidelities:  # what is good there is worth a look here
            pool = self._new(np.concatenate([pool, best[:_POOL]]), known)
        parents = best[:_PARENTS]
        for generation in range(self.generations):
            children = self._children(rng, parents, known, _POOL - len(drawn))
            pool = self._new(np.concatenate([pool, children]), known)
            if generation + 1 == self.generations or not len(pool):
                return pool
            mean, sigma = self._model.predict(self._features(pool))
            hoped = np.argsort(-self._rewards(mean + sigma, pool), kind="stable")
            pool = pool[hoped[:_POOL]]
            parents = np.concatenate([best[:_KEPT_PARENTS], pool[:_PARENTS]])
        return pool

    def _children(
        self, rng: np.random.Generator, parents: Encodings, known: set[bytes], count: int
    ) -> Encodings:
        """Up to `count` new networks in the band, mutated from parents picked at random."""
        found = parents[:0]
        for _ in range(_LITTERS):
            chosen = parents[rng.integers(0, len(parents), _LITTER)]
            changes = rng.choice(len(_CHANGES), size=_LITTER, p=_CHANGES)
            for few in range(len(_CHANGES)):
                rows = changes == few
                chosen[rows] = self.problem.space.mutate(rng, chosen[rows], few + 1)
            found = self._new(np.concatenate([found, chosen]), known)
            if len(found) >= count:
                break
        return found[:count]

    def _new(self, rows: Encodings, known: set[bytes]) -> Encodings:
        """The rows in the band, each network once, without those that are known."""
        inside = self.problem.in_band(rows)
        first: dict[bytes, int] = {}
        for place, genes in enumerate(self._features.effective(inside)):
            spelling = genes.tobytes()
            if spelling not in known:
                first.setdefault(spelling, place)
        return inside[list(first.values())]

    def _rewards(self, accuracies: Floats, rows: Encodings) -> Floats:
        """Rewards of accuracies (…, n) that the n rows would have."""
        return self.problem.objective.reward(accuracies, self.problem.costs(rows))


def _encodings(results: Sequence[Result]) -> Encodings:
    return np.array([result.candidate.encoding for result in results], dtype=np.int64)


def _modelled(results: Sequence[Result]) -> NDArray[np.int64]:
    """Places of all, or in long searches of the better half and a spread of the others."""
    if len(results) <= _MODELLED:
        return np.arange(len(results))
    order = np.argsort([-(result.reward or 0.0) for result in results], kind="stable")
    best, others = order[: _MODELLED // 2], np.sort(order[_MODELLED // 2 :])
    spread = np.linspace(0, len(others) - 1, _MODELLED - len(best)).astype(np.int64)
    return np.sort(np.concatenate([best, others[spread]]))


def _spread(rows: Encodings, known: Encodings, count: int) -> list[int]:
    """Places of up to `count` rows, each the farthest from `known` and those picked before it."""
    away = np.full(len(rows), rows.shape[1] + 1)
    for row in known:
        away = np.minimum(away, (rows != row).sum(axis=1))
    picked: list[int] = []
    while len(picked) < min(count, len(rows)):
        picked.append(int(away.argmax()))
        away = np.minimum(away, (rows != rows[picked[-1]]).sum(axis=1))
        away[picked] = -1
    return picked


def _best_of_each(draws: Floats) -> NDArray[np.int64]:
    """Places of the best candidate of each draw (draws, n), none twice; then all others."""
    picked: dict[int, None] = {}
    for draw in draws:
        for place in np.argsort(-draw, kind="stable"):
            if int(place) not in picked:
                picked[int(place)] = None
                break
    rest = np.argsort(-draws.mean(axis=0), kind="stable")
    return np.array(list(picked | dict.fromkeys(rest.tolist())), dtype=np.int64)
