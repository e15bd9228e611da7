"""Accuracies from a supernet: each network is cut, recalibrated and evaluated; nothing is trained.

Accuracies so found are lower than a network's own training would give, and rank networks only as
well as Kendall's τ on the answer says.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from effsearch.search_spaces.errors import EffsearchError, InputError
from effsearch.search_spaces.space import SearchSpace
from effsearch.training.trials.evaluator import Evaluator, Measurements, Request
from effsearch.training.trials.proxy import ProxyEvaluator

if TYPE_CHECKING:
    from torch import Tensor

    from effsearch.training.supernet.measuring import SupernetMeter
    from effsearch.training.supernet.recipe import SupernetRecipe


class SupernetEvaluator(Evaluator):
    """Evaluates networks with the weights that a supernet has for them.

    Args:
        space: of the supernet and the search.
        trainer: of the finalists, with data and device.
        recipe: of the supernet.
        file: a trained supernet; None trains one into the run.
        tensors: the supernet's, once it is trained.
    """

    def __init__(
        self,
        space: SearchSpace,
        trainer: ProxyEvaluator,
        recipe: "SupernetRecipe",
        file: Path | None,
        tensors: "Mapping[str, Tensor] | None" = None,
    ) -> None:
        self.space = space
        self.trainer = trainer
        self.recipe = recipe
        self.file = file
        self._tensors = tensors
        self._meter: SupernetMeter | None = None

    @property
    def notices(self) -> tuple[str, ...]:
        """What the user should hear of the data and of what shares no weights, a line each."""
        from effsearch.training.supernet.sharing import sharing_of

        apart = sharing_of(self.space, self.trainer.dataset.classes).notice
        return (
            *self.trainer.notices,
            *((apart,) if apart else ()),
            "networks are not trained in the search but cut from one supernet: its accuracies rank "
            "them, and are not theirs; finalists are trained",
        )

    def trained(self, file: Path) -> "SupernetEvaluator":
        """The same with the tensors of a supernet that is trained.

        Raises:
            InputError: as `load_supernet`.
        """
        from effsearch.training.supernet.storing import load_supernet

        supernet, info = load_supernet(file, self.space)
        tensors = {name: tensor.detach() for name, tensor in supernet.state_dict().items()}
        return SupernetEvaluator(self.space, self.trainer, info.recipe, file, tensors)

    def prepare(self) -> None:
        """Put data and supernet on the device."""
        from effsearch.training.supernet.measuring import SupernetMeter
        from effsearch.training.supernet.running import supernet_data
        from effsearch.training.supernet.supernet import Supernet

        assert self._tensors is not None  # `trained` was called
        dataset, recipe = self.trainer.dataset, self.recipe
        supernet = Supernet(self.space, dataset.classes, kernel_transform=recipe.kernel_transform)
        supernet.load_state_dict(dict(self._tensors))
        self._tensors = None  # the supernet holds a copy
        data = supernet_data(dataset, recipe, self.trainer.device)
        self._meter = SupernetMeter(supernet, data, recipe)

    def evaluate(self, requests: Sequence[Request]) -> list[Measurements]:
        """Evaluate one network on the held-out images."""
        assert self._meter is not None
        (request,) = requests
        try:
            found = self._meter.evaluate(self._meter.network(request.architecture))
        except EffsearchError as error:
            return [{"error": str(error)}]
        return [{"accuracy": found.top1, "loss": found.loss}]


def make_supernet(
    file: str, space: SearchSpace, trainer: ProxyEvaluator, recipe: "SupernetRecipe"
) -> tuple[SupernetEvaluator, dict[str, object]]:
    """A supernet as an evaluator, and what a run's record says of it.

    Args:
        file: a trained one; empty for one that is trained into the run.

    Raises:
        InputError: the file is none, of another space or of other images; the space cannot be
            shared; or the data are too few.
    """
    from effsearch.training.data.split import stratified_split
    from effsearch.training.supernet.calibration import check_enough
    from effsearch.training.supernet.sharing import sharing_of

    dataset, training = trainer.dataset, recipe.training
    sharing_of(space, dataset.classes)
    train, _ = stratified_split(
        dataset.labels, training.validation, training.split_seed, dataset.class_names
    )
    check_enough(len(train), dataset.name)
    if not file:
        record: dict[str, object] = {"supernet": asdict(recipe)}
        return SupernetEvaluator(space, trainer, recipe, None), record
    from effsearch.training.supernet.storing import read_supernet

    _, info = read_supernet(Path(file))
    if info.data.get("fingerprint") != dataset.fingerprint:
        raise InputError(
            f"the supernet '{file}' was trained on other images ('{info.data.get('name')}'): "
            "search with --data of those, or train one on these"
        )
    evaluator = SupernetEvaluator(space, trainer, recipe, Path(file)).trained(Path(file))
    return evaluator, {"supernet": file, "progress": dict(info.progress, optimizer_numbers=None)}
