"""What is believed of networks after a search: accuracies, and how far off they may be.

Not for a search to draw from, but for statements. Errors are compared by their ratio: from 7% to
8% is as far as from 14% to 16%, and a network that learned little is as near to its neighbours as
a good one. So the logarithm of the error is modelled, and the model is calibrated.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np

from effsearch.nas.surrogate.features import Features, Floats, Whole
from effsearch.nas.surrogate.gaussian_process import GaussianProcess
from effsearch.nas.surrogate.kernel import Kernel

_LEAST = 1e-3  # an error below it is one image more or less


@dataclass(frozen=True, kw_only=True)
class Belief:
    """The posterior of accuracies, which are fractions.

    Attributes:
        process: of the logarithm of the error.
    """

    process: GaussianProcess

    @classmethod
    def of(
        cls,
        measured: Features,
        accuracies: Floats,
        options: Whole,
        doubts: Floats,
        kernel_type: type[Kernel] = Kernel,
    ) -> Self:
        """What n ≥ 1 measurements say; arguments as of `GaussianProcess.fit`."""
        errors = np.maximum(1.0 - accuracies, _LEAST)
        process = GaussianProcess.fit(
            measured, np.log(errors), options, kernel_type, doubts / errors
        )
        return cls(process=process.calibrated())

    @property
    def noise(self) -> float:
        """Standard deviation of the logarithm of one measured error."""
        return self.process.noise

    def expected(self, networks: Features) -> Floats:
        """The median accuracy of each of m networks, (m,)."""
        return np.asarray(1.0 - np.exp(self.process.expect(networks)))

    def sample(self, networks: Features, normal: Floats) -> Floats:
        """Noise-free accuracies of m networks, drawn together; as `GaussianProcess.sample`."""
        return np.asarray(1.0 - np.exp(self.process.sample(networks, normal)))

    def deviations(self, networks: Features, accuracies: Floats, noise: float = 0.0) -> Floats:
        """How far accuracies are off, in the model's standard deviations, (m,).

        Args:
            noise: standard deviation of what the accuracies themselves are off, as the logarithm
                of their errors.
        """
        mean, sigma = self.process.predict(networks)
        logs = np.log(np.maximum(1.0 - accuracies, _LEAST))
        return np.asarray((logs - mean) / np.sqrt(sigma**2 + noise**2))
