"""MnasNet's search (arXiv 1807.11626, section 4.2): an RNN controller trained with PPO."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from effsearch.nas.objective import Floats
from effsearch.nas.problem import Candidate, Problem, Result
from effsearch.nas.strategies.base import Strategy, check_option
from effsearch.nas.strategies.controller import Controller
from effsearch.search_spaces.space import Encodings
from effsearch.training.devices.device import cpu_threads

_SAMPLES = 8  # sequences for each candidate wanted, of which the first new ones in the band stay
_ROUNDS = 4
_CLIP_NORM = 1.0


class PPO(Strategy):
    """Sample, evaluate, update: the controller learns from each batch by PPO's clipped surrogate.

    Sequences out of the band or asked before are dropped and sampled again; what is missing after
    `_ROUNDS` rounds is drawn from the band. Drawn networks teach like the others: their
    probabilities are those the policy that asked gives them. The advantage is the reward over the
    moving average of all before, in units of the rewards' moving deviation.

    All weights follow from the batches told, so replaying them brings the controller back.

    Args:
        problem: what to search.
        seed: the run's seed.
        learning_rate: of Adam, 1e-6 … 1.
        epochs: passes over each batch, at least 1.
        clip: ε of the surrogate, 0.01 … 1.
        entropy: weight of the entropy bonus (mean over genes, in nats), 0 … 1.
        decay: of the moving average of the rewards, 0 … 0.999.
        hidden: width of the LSTM, 1 … 1024.

    Raises:
        InputError: an option out of range.
    """

    name = "ppo"

    def __init__(
        self,
        problem: Problem,
        seed: int = 0,
        *,
        learning_rate: float = 2e-3,
        epochs: int = 4,
        clip: float = 0.2,
        entropy: float = 1e-2,
        decay: float = 0.9,
        hidden: int = 64,
    ) -> None:
        super().__init__(problem, seed)
        check_option(self.name, "learning_rate", learning_rate, 1e-6, 1)
        check_option(self.name, "epochs", epochs, 1)
        check_option(self.name, "clip", clip, 0.01, 1)
        check_option(self.name, "entropy", entropy, 0, 1)
        check_option(self.name, "decay", decay, 0, 0.999)
        check_option(self.name, "hidden", hidden, 1, 1024)
        self.epochs = epochs
        self.clip = clip
        self.entropy = entropy
        self.decay = decay
        self._mean: float | None = None
        self._variance = 0.0
        self._controller: Controller | None = None
        if not len(problem.space):
            return  # nothing to choose: the band's one network is drawn
        with cpu_threads(1):  # sums come out alike on any number of cores, and small ones faster
            self._controller = Controller(problem.space.options.tolist(), hidden, seed)
        self._optimizer = torch.optim.Adam(self._controller.parameters(), lr=learning_rate)

    def propose(self, rng: np.random.Generator, count: int) -> Sequence[Candidate]:
        if self._controller is None:
            return []
        generator = torch.Generator().manual_seed(int(rng.integers(2**63)))
        batch: list[Candidate] = []
        known = set(self.seen)
        with cpu_threads(1):
            for _ in range(_ROUNDS):
                wanted = count - len(batch)
                rows: Encodings = self._controller.sample(_SAMPLES * wanted, generator).numpy()
                fresh = self.problem.new(self.problem.in_band(rows), known, wanted)
                batch += fresh
                known.update(candidate.id for candidate in fresh)
                if len(batch) == count:
                    return batch
        # A controller that has converged samples what was asked before. Networks near its samples
        # are what it would have asked next; draws from the whole band would undo its learning.
        return batch + self.problem.vary_many(rng, rows[: count - len(batch)], known)

    def learn(self, results: Sequence[Result]) -> None:
        measured = [result for result in results if result.reward is not None]
        if not measured or self._controller is None:
            return
        rewards = np.array([result.reward for result in measured], dtype=np.float64)
        encodings = torch.tensor([result.candidate.encoding for result in measured])
        advantages = torch.tensor(self._advantages(rewards), dtype=torch.float32)
        with cpu_threads(1):
            self._update(self._controller, encodings, advantages)

    def _advantages(self, rewards: Floats) -> Floats:
        """Rewards against the moving average, which they then join, (batch,)."""
        if self._mean is None:
            self._mean, self._variance = float(rewards.mean()), float(rewards.var())
        gap = rewards - self._mean
        self._variance = self.decay * self._variance + (1 - self.decay) * float((gap**2).mean())
        self._mean += (1 - self.decay) * float(gap.mean())
        if self._variance <= 1e-16:
            return np.zeros_like(gap)
        return np.asarray(np.clip(gap / np.sqrt(self._variance), -3.0, 3.0))

    def _update(self, controller: Controller, encodings: Tensor, advantages: Tensor) -> None:
        """PPO on one batch: encodings (batch, genes), advantages (batch,)."""
        asked: Tensor | None = None
        for _ in range(self.epochs):
            every = controller.log_probabilities(encodings)  # (batch, genes, options)
            chosen = every.gather(2, encodings[..., None])[..., 0]  # (batch, genes)
            if asked is None:
                asked = chosen.detach()  # before its first step the policy is the one that asked
            # Ratio and clip a gene, as a step in PPO is an action, and a gene is one.
            ratio = (chosen - asked).exp()
            clipped = ratio.clamp(1 - self.clip, 1 + self.clip)
            gain = torch.minimum(ratio * advantages[:, None], clipped * advantages[:, None])
            entropy = -(every.exp() * every.clamp(min=-1e4)).sum(dim=2)
            loss = -gain.mean() - self.entropy * entropy.mean()
            self._optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(controller.parameters(), _CLIP_NORM)
            self._optimizer.step()
