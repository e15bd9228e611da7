"""Networks cut from a supernet: what they share, that they are whole, how they are trained."""

import contextlib
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.block import Block
from effsearch.search_spaces.errors import EffsearchError, InputError
from effsearch.search_spaces.network import Network
from effsearch.search_spaces.operations import OPERATIONS
from effsearch.search_spaces.operations.layer import Convolution, Layer
from effsearch.search_spaces.operations.operation import Operation
from effsearch.search_spaces.population import PopulationCost
from effsearch.search_spaces.space import SearchSpace
from effsearch.search_spaces.space_file import load_space, parse_space, shipped_spaces
from effsearch.training.data.dataset import load_train
from effsearch.training.data.images import ImageDataset
from effsearch.training.models.model_file import read_model
from effsearch.training.recipes.recipe import proxy_recipe
from effsearch.training.recipes.seeds import build_seeded
from effsearch.training.supernet.calibration import check_enough, recalibrate
from effsearch.training.supernet.cutting import cuts, trained_tensors
from effsearch.training.supernet.extracting import extract
from effsearch.training.supernet.measuring import SupernetMeter
from effsearch.training.supernet.recipe import SupernetRecipe, supernet_recipe, supernet_recipes
from effsearch.training.supernet.running import supernet_data, train_supernet
from effsearch.training.supernet.sampling import Sampler
from effsearch.training.supernet.storing import load_supernet, read_supernet, save_supernet
from effsearch.training.supernet.supernet import Supernet
from effsearch.training.supernet.trainer import SupernetReport

pytestmark = pytest.mark.slow  # together they take many seconds

SPACE = parse_space(
    """
resolution: 8
classes: 10
activation: [relu, silu]
stem: {channels: [8, 12], kernel: [3, 5], stride: 1}
stages:
  - block: [{op: conv}, {op: mbconv, expand: 1}, {op: mbconv, expand: 2}, {op: mbconv, expand: 3}]
    kernel: [3, 5, 7]
    se: [0, 0.25]
    skip: [none, identity, pool]
    channels: [8, 12]
    layers: [1, 2, 3]
  - block:
      [{op: identity}, {op: fused_mbconv, expand: 2}, {op: basic}, {op: bottleneck, expand: 0.5}]
    channels: [16, 24]
    stride: 2
    layers: [1, 2]
head: {channels: [16, 32]}
""",
    "varied",
)
LEARNER = parse_space(
    """
resolution: 8
classes: 10
stem: {channels: 16, stride: 1}
stages:
  - {op: mbconv, expand: [1, 3], kernel: [3, 5], channels: 16}
  - {op: mbconv, expand: [2, 4], channels: [24, 32], stride: 2, layers: [1, 2]}
head: {channels: 64}
""",
    "learner",
)
IMAGES = torch.randn(6, 3, 8, 8, generator=torch.Generator().manual_seed(0))


def make(space: SearchSpace = SPACE, **options: Any) -> Supernet:
    built = build_seeded(lambda: Supernet(space, 10, **options), 1)
    assert isinstance(built, Supernet)
    return built


def pick(space: SearchSpace = SPACE, **options: int) -> Architecture:
    """The network of the first options but for those named, such as `stages_0_kernel=2`."""
    row = np.zeros(len(space), dtype=np.int64)
    paths = [gene.path.replace(".", "_") for gene in space.genes]
    for path, option in options.items():
        row[paths.index(path)] = option
    return space.decode(row)


def tensors(network: Network) -> list[torch.Tensor]:
    return [getattr(module, name).detach() for module, name in trained_tensors(network)]


def random_networks(space: SearchSpace, count: int) -> list[Architecture]:
    rows = space.sample(np.random.default_rng(4), count)
    return [space.decode(row) for row in rows]


def extracted_difference(supernet: Supernet, network: Architecture, folder: Path) -> float:
    """How far the logits of a network's own file are from those of the supernet's slices."""
    side = 32 if network.resolution > 32 else network.resolution
    images = torch.randn(4, 3, side, side, generator=torch.Generator().manual_seed(2))
    cut = recalibrate(supernet.cut(network), [images])
    info: Any = type("Info", (), {})()
    info.class_names, info.resolution = tuple("0123456789"), side
    info.mean = info.std = (1.0, 1.0, 1.0)
    info.data, info.recipe = {"name": "noise"}, SupernetRecipe()
    found: Any = type("Found", (), {"top1": 0.5, "loss": 1.0})
    extract(folder / "one.safetensors", cut, info, found, {})
    alone, _ = read_model(folder / "one.safetensors")
    alone.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # as it is used
    with torch.no_grad():
        return float((alone(images) - cut(images)).abs().max())


def test_every_network_of_a_space_can_be_cut() -> None:
    supernet = make()
    for network in random_networks(SPACE, 30):
        assert supernet.cut(network)(IMAGES).shape == (6, 10)


def test_an_extracted_network_answers_as_the_supernets_slices(tmp_path: Path) -> None:
    supernet = make()
    for network in random_networks(SPACE, 10):
        assert extracted_difference(supernet, network, tmp_path) <= 1e-6


@pytest.mark.slow
@pytest.mark.parametrize("name", shipped_spaces())
def test_networks_of_shipped_spaces_are_extracted_whole(name: str, tmp_path: Path) -> None:
    space = load_space(name)
    supernet = Supernet(space, 10)
    for network in random_networks(space, 2):
        assert extracted_difference(supernet, network, tmp_path) <= 1e-6


def test_kernels_are_the_centre_of_the_largest_and_channels_the_first() -> None:
    supernet = make()
    small, large = (
        supernet.cut(pick(stages_0_block=3, stages_0_kernel=k, stages_0_channels=c))
        for k, c in ((0, 0), (2, 1))
    )
    three, seven = (one.blocks[0][1][0].weight for one in (small, large))  # type: ignore[union-attr, index]
    assert three.shape[2:] == (3, 3)
    assert torch.equal(three, seven[:, :, 2:5, 2:5])
    narrow, wide = (one.blocks[0][2][0].weight for one in (small, large))  # type: ignore[union-attr, index]
    assert narrow.shape[0] == 8
    assert torch.equal(narrow, wide[:8])


def test_a_network_of_fewer_layers_is_the_beginning_of_a_longer_one() -> None:
    supernet = make()
    short, long = (supernet.cut(pick(stages_0_layers=layers)) for layers in (0, 2))
    for one, other in zip(short.blocks[0].parameters(), long.blocks[0].parameters(), strict=True):
        assert torch.equal(one, other)
    assert len(long.blocks) == len(short.blocks) + 2


def test_squeeze_excite_and_skips_are_switched_and_change_no_other_weight() -> None:
    supernet = make()
    plain, gated = (supernet.cut(pick(stages_0_block=2, stages_0_se=se)) for se in (0, 1))
    shared = list(cuts(plain.architecture, 10))
    also = {one.shared for one in cuts(gated.architecture, 10)}
    assert {one.shared for one in shared} < also
    none, identity = (pick(stages_0_skip=skip) for skip in (0, 1))
    assert list(cuts(none, 10)) == list(cuts(identity, 10))


def test_what_shares_no_weights_is_named() -> None:
    apart = make().sharing.side_by_side
    assert apart["stages.0"] == [
        "conv (conv)",
        "mbconv (conv_dw+conv_pw)",
        "mbconv (conv_pw+conv_dw+conv_pwl)",
    ]
    assert any("bottleneck" in kind for kind in apart["stages.1"])
    assert "stands side by side in stages.0, stages.1" in make().sharing.notice


def test_groups_of_different_sizes_share_no_weights() -> None:
    space = parse_space(
        """
resolution: 8
stem: {channels: 8, stride: 1}
stages:
  - block: [{op: bottleneck, expand: 0.5}, {op: bottleneck, expand: 0.5, group_size: 2}]
    channels: [16, 32]
""",
        "grouped",
    )
    kinds = make(space).sharing.side_by_side["stages.0"]
    assert kinds[1:] == ["bottleneck's conv2 (2x2)", "bottleneck's conv2 (no groups)"]


def test_a_space_in_which_all_is_shared_says_nothing() -> None:
    space = load_space("mobilenetv3")
    assert make(space).sharing.notice == ""


def test_a_supernet_too_large_is_refused() -> None:
    space = parse_space(
        "{stages: [{op: conv, channels: [8, 60000]}, {op: conv, channels: 60000}]}", "vast"
    )
    with pytest.raises(InputError, match="narrow its widths"):
        Supernet(space, 10)


@pytest.mark.parametrize("op", sorted(OPERATIONS))
def test_every_operation_is_shared(op: str, tmp_path: Path) -> None:
    space = parse_space(
        f"{{resolution: 8, stem: {{channels: 8, stride: 1}}, stages: [{{op: {op}, "
        "channels: [8, 16], stride: 2, layers: [1, 2]}]}",
        op,
    )
    supernet = make(space)
    for row in space.enumerate():
        assert extracted_difference(supernet, space.decode(row), tmp_path) <= 1e-6


def test_an_operation_that_nobody_knew_needs_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def layers(block: Block) -> tuple[Layer, ...]:
        into, out = block.in_channels, block.out_channels
        return (
            Convolution(("tall", "bn1"), into, into, block.kernel, groups=into),
            Convolution(("wide", "bn2"), into, out, block.kernel, block.stride),
        )

    monkeypatch.setitem(
        OPERATIONS, "new", Operation(name="new", code="nw", label="New", layers=layers)
    )
    space = parse_space(
        "{resolution: 8, stem: {channels: 8, stride: 1}, stages: [{op: new, kernel: [3, 5], "
        "channels: [8, 16], layers: [1, 2]}]}",
        "new",
    )
    supernet = make(space)
    for row in space.enumerate():
        assert extracted_difference(supernet, space.decode(row), tmp_path) <= 1e-6


def test_gradients_go_where_the_slices_came_from() -> None:
    supernet = make()
    small, large = pick(stages_0_block=3), pick(stages_0_block=3, stages_0_kernel=2)
    wanted: dict[str, torch.Tensor] = {}
    for architecture in (small, large):
        network = supernet.cut(architecture)
        network(IMAGES).square().sum().backward()
        supernet.collect(network)
        for (module, name), cut in zip(
            trained_tensors(network), cuts(architecture, 10), strict=True
        ):
            whole = torch.zeros(supernet.sharing.shapes[cut.shared])
            part = whole[tuple(slice(0, length) for length in cut.shape[:2])]
            if len(cut.shape) == 4:
                edge = (part.shape[2] - cut.shape[2]) // 2
                part = part[:, :, edge : edge + cut.shape[2], edge : edge + cut.shape[3]]
            part.copy_(getattr(module, name).grad)
            wanted[cut.shared] = wanted.get(cut.shared, 0) + whole
    for name, parameter in supernet.named_parameters():
        if name in wanted:
            assert parameter.grad is not None
            torch.testing.assert_close(parameter.grad, wanted[name])
        else:
            assert parameter.grad is None


def test_a_learned_map_of_kernels_begins_as_none_and_learns() -> None:
    plain, mapped = make(), make(kernel_transform=True)
    network = pick(stages_0_block=3, stages_0_kernel=0)
    for one, other in zip(tensors(plain.cut(network)), tensors(mapped.cut(network)), strict=True):
        torch.testing.assert_close(one, other)
    cut = mapped.cut(network)
    cut(IMAGES).square().sum().backward()
    mapped.collect(cut)
    maps = {n: p for n, p in mapped.named_parameters() if n.endswith("transform:3")}
    learned = [name for name, parameter in maps.items() if parameter.grad is not None]
    assert any("depthwise" in name for name in learned)
    assert all(
        parameter.grad.abs().sum() > 0 for name, parameter in maps.items() if name in learned
    )  # type: ignore[union-attr]


# Sampling


def sampled(space: SearchSpace = SPACE, draw: Any = None, **options: Any) -> Sampler:
    return Sampler(space, SupernetRecipe(**options), 3, draw)


def test_fair_sampling_takes_every_option_equally_often() -> None:
    sampler = sampled(sampling="fair", networks=4)
    rows = np.concatenate([sampler(step) for step in range(12)])  # 48 networks
    for gene, options in enumerate(SPACE.options):
        for start in range(0, 48 - options + 1, options):
            assert sorted(rows[start : start + options, gene]) == list(range(options))


def test_networks_of_a_step_come_again_and_differ_from_step_to_step() -> None:
    for sampling, networks in (("uniform", 2), ("fair", 2), ("sandwich", 3)):
        one, other = (sampled(sampling=sampling, networks=networks) for _ in range(2))
        assert (one(5) == other(5)).all()
        assert (one(5) != one(6)).any()


def test_a_sandwich_holds_the_largest_network_and_the_smallest() -> None:
    rows = sampled(sampling="sandwich", networks=4)(0)
    every = PopulationCost(SPACE)(SPACE.sample(np.random.default_rng(0), 3000))["macs"]
    macs = PopulationCost(SPACE)(rows)["macs"]
    assert macs[0] >= every.max()
    assert macs[-1] <= every.min()
    assert len(rows) == 4


@pytest.mark.parametrize(("sampling", "networks"), [("uniform", 2), ("fair", 3), ("sandwich", 4)])
def test_sampling_stays_in_the_band(sampling: str, networks: int) -> None:
    costs = PopulationCost(SPACE)

    def draw(rng: np.random.Generator, count: int) -> np.ndarray:
        rows = SPACE.sample(rng, 3000)
        macs = costs(rows)["macs"]
        return rows[macs < np.quantile(macs, 0.1)][:count]

    limit = np.quantile(costs(SPACE.sample(np.random.default_rng(0), 3000))["macs"], 0.15)
    sampler = sampled(draw=draw, sampling=sampling, networks=networks)
    for step in range(5):
        rows = sampler(step)
        assert len(rows) == networks
        assert (costs(rows)["macs"] < limit).all()


# Recipes


def test_shipped_recipes_are_read() -> None:
    assert supernet_recipes() == ("blockwise", "fair", "sandwich", "single_path")
    assert supernet_recipe("single-path", "digits", {"lr": 0.1}).training.lr == 0.1
    sandwich = supernet_recipe("sandwich", "digits", {"epochs": 2}, epochs=5)
    assert (sandwich.distillation, sandwich.training.epochs) == (True, 5)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("sampling: fairly", "did you mean 'fair'"),
        ("networks: 0", "at least 1"),
        ("samplings: fair", "did you mean 'sampling'"),
        ("{sampling: sandwich, networks: 1}", "2 or more"),
        ("distillation: true", "needs the largest network"),
        ("{blockwise: true, sampling: sandwich, networks: 2}", "has a teacher already"),
        ("{blockwise: true, teacher_share: 0.7}", "leave no step for the stages"),
        ("{blockwise: true, stage_lr: 0}", "stage_lr must be a number between 0 and 1"),
        ("training: {ema_decay: 0.9}", "without ema_decay"),
        ("training: {validation: 0}", "give validation a share"),
        ("training: [1]", "must be a mapping"),
        ("[]", "must be a mapping"),
    ],
)
def test_a_bad_recipe_is_refused(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "own.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=said):
        supernet_recipe(str(path), "digits")


def test_an_unknown_recipe_names_the_nearest() -> None:
    with pytest.raises(InputError, match="did you mean 'sandwich'"):
        supernet_recipe("sandwhich", "digits")


# Training


def digits(count: int = 240) -> ImageDataset:
    return load_train("digits", resolution=8, max_images=count)


def quick(epochs: int = 2, **options: Any) -> SupernetRecipe:
    training = proxy_recipe("digits", {"resolution": 8, "epochs": epochs, "batch_size": 32})
    return SupernetRecipe(training=training, calibration_images=64, **options)


@pytest.mark.parametrize(
    "options",
    [
        {"networks": 1},
        {"sampling": "fair", "networks": 2},
        {"sampling": "sandwich", "networks": 3, "distillation": True, "kernel_transform": True},
    ],
)
def test_a_training_that_was_stopped_goes_on_as_if_it_had_not(
    options: dict[str, Any], tmp_path: Path
) -> None:
    whole, halves = tmp_path / "whole", tmp_path / "halves"
    train_supernet(whole, SPACE, digits(), quick(**options), device="cpu", seed=3)

    def stop(report: Any) -> None:
        if report.step >= 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_supernet(
            halves,
            SPACE,
            digits(),
            quick(**options),
            device="cpu",
            seed=3,
            on_report=stop,
            saved_every=0.0,
        )
    assert not read_supernet(halves)[1].finished
    with pytest.raises(InputError, match="not trained to its end"):
        load_supernet(halves)
    train_supernet(halves, SPACE, digits(), quick(**options), device="cpu", seed=3)
    one, other = (read_supernet(path)[0] for path in (whole, halves))
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_a_blockwise_training_that_is_stopped_after_each_step_goes_on(tmp_path: Path) -> None:
    recipe = quick(blockwise=True, teachers=2, kernel_transform=True)
    whole, pieces = tmp_path / "whole", tmp_path / "pieces"
    train_supernet(whole, LEARNER, digits(), recipe, device="cpu", seed=3)
    told: list[SupernetReport] = []

    def stop(report: SupernetReport) -> None:
        told.append(report)
        if report.step < report.steps:
            raise KeyboardInterrupt

    while not told or told[-1].step < told[-1].steps:
        with contextlib.suppress(KeyboardInterrupt):
            train_supernet(
                pieces,
                LEARNER,
                digits(),
                recipe,
                device="cpu",
                seed=3,
                on_report=stop,
                saved_every=0.0,
            )
    assert [one.step for one in told] == list(range(1, told[-1].steps + 1))
    assert (
        len({one.measure for one in told}) == 5
    )  # two candidates, teacher, stages, whole networks
    one, other = (read_supernet(path)[0] for path in (whole, pieces))
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_a_finished_supernet_is_left_alone_and_ranks_what_it_was_trained_on(
    tmp_path: Path,
) -> None:
    path = tmp_path / "net.safetensors"
    space = LEARNER
    recipe = quick(epochs=12)
    recipe = replace(recipe, training=replace(recipe.training, lr=0.05))
    train_supernet(path, space, digits(500), recipe, device="cpu", seed=0)
    written = path.stat().st_mtime_ns
    train_supernet(path, space, digits(500), recipe, device="cpu", seed=0)
    assert path.stat().st_mtime_ns == written
    supernet, info = load_supernet(path, space)
    meter = SupernetMeter(supernet, supernet_data(digits(500), info.recipe, "cpu"), info.recipe)
    accuracies = [
        meter.evaluate(meter.network(space.decode(row))).top1
        for row in space.sample(np.random.default_rng(1), 4)
    ]
    assert min(accuracies) > 0.5  # by chance .1


def test_many_networks_at_once_score_as_each_by_itself() -> None:
    supernet = make()
    recipe = quick()
    meter = SupernetMeter(supernet, supernet_data(digits(), recipe, "cpu"), recipe)
    networks = random_networks(SPACE, 8)
    networks += [replace(networks[0], head=replace(networks[0].head, channels=16)), networks[1]]
    alone = [meter.evaluate(meter.network(network)).top1 for network in networks]
    assert meter.accuracies(networks) == pytest.approx(alone)
    assert len(set(alone)) > 3


# Bad input


@pytest.fixture
def trained(tmp_path: Path) -> Path:
    path = tmp_path / "net.safetensors"
    train_supernet(path, SPACE, digits(), quick(epochs=1), device="cpu")
    return path


def test_a_supernet_of_another_space_is_refused(trained: Path) -> None:
    other = parse_space("{stages: [{op: conv, channels: [8, 16]}]}", "other")
    with pytest.raises(InputError, match=r"is of space 'varied' \(.*wanted is 'other'"):
        load_supernet(trained, other)
    with pytest.raises(InputError, match="is of space 'varied'"):
        train_supernet(trained, other, digits(), quick(), device="cpu")
    supernet, _ = load_supernet(trained)
    with pytest.raises(InputError, match="does not hold"):
        supernet.aligned(pick(other))


def test_another_recipe_seed_band_or_data_is_another_training(trained: Path) -> None:
    with pytest.raises(InputError, match="has recipe"):
        train_supernet(trained, SPACE, digits(), quick(epochs=2), device="cpu")
    with pytest.raises(InputError, match="has seed 1"):
        train_supernet(trained, SPACE, digits(), quick(epochs=1), device="cpu", seed=1)
    with pytest.raises(InputError, match="has band 400M"):
        train_supernet(
            trained,
            SPACE,
            digits(),
            quick(epochs=1),
            device="cpu",
            band="400M",
            draw=lambda rng, count: SPACE.sample(rng, count),
        )
    with pytest.raises(InputError, match="trained on other images"):
        train_supernet(trained, SPACE, digits(200), quick(epochs=1), device="cpu")


def test_a_diverged_supernet_is_told_and_not_kept(tmp_path: Path) -> None:
    recipe = quick(epochs=3)
    recipe = replace(recipe, training=replace(recipe.training, lr=1e18, warmup=0.0))
    path = tmp_path / "net.safetensors"
    with pytest.raises(EffsearchError, match=r"the supernet diverged.*smaller lr"):
        train_supernet(path, SPACE, digits(), recipe, device="cpu", saved_every=0.0)
    if path.exists():
        tensors, _ = read_supernet(path)
        assert all(one.isfinite().all() for one in tensors.values() if one.is_floating_point())


def test_a_file_with_nan_in_it_is_refused(trained: Path) -> None:
    tensors, info = read_supernet(trained)
    tensors["stem:conv_stem:conv_stem:weight"][0] = float("nan")
    save_supernet(trained, tensors, info)
    with pytest.raises(InputError, match="diverged: it holds NaN"):
        load_supernet(trained)


def test_too_few_images_to_recalibrate_are_refused(tmp_path: Path) -> None:
    check_enough(32, "data")
    with pytest.raises(InputError, match="too few to recalibrate"):
        check_enough(31, "data")
    whole = digits()
    few = whole.subset(
        torch.cat([(whole.labels == label).nonzero()[:3, 0] for label in range(10)]).sort().values
    )
    with pytest.raises(InputError, match="too few to recalibrate"):
        train_supernet(tmp_path / "net", SPACE, few, quick(), device="cpu")


def test_a_network_that_overflows_is_told() -> None:
    supernet = make()
    with torch.no_grad():
        supernet.get_parameter("stem:conv_stem:conv_stem:weight").fill_(float("inf"))
    with pytest.raises(EffsearchError, match="overflows with the supernet's weights"):
        recalibrate(supernet.cut(pick()), [IMAGES])


def test_a_file_that_is_no_supernet_is_refused(tmp_path: Path) -> None:
    from effsearch.training.models.checkpoint import save_checkpoint

    path = tmp_path / "model.safetensors"
    save_checkpoint(path, {"a": torch.zeros(1)}, {})
    with pytest.raises(InputError, match="holds no supernet"):
        read_supernet(path)
    save_checkpoint(path, {"a": torch.zeros(1)}, {"supernet": {"space": 5}})
    with pytest.raises(InputError, match="damaged"):
        read_supernet(path)


def test_recalibration_is_the_statistics_of_the_batches() -> None:
    network = make().cut(pick())
    seen: list[torch.Tensor] = []
    first = next(module for module in network.modules() if isinstance(module, nn.BatchNorm2d))
    hook = first.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    recalibrate(network, [IMAGES[:3], IMAGES[3:]])
    hook.remove()
    means = torch.stack([one.mean((0, 2, 3)) for one in seen]).mean(0)
    assert first.running_mean is not None
    torch.testing.assert_close(first.running_mean, means)
    assert not network.training


@pytest.mark.parametrize(
    "stage",
    [
        "{op: mbconv, expand: [2, 3], kernel: [[3, 5], [3, 5, 7], 5], channels: [16, 24]}",
        "{op: mbconv, expand: [2, 3], experts: 2, channels: [16, 24], layers: [1, 2]}",
        "{op: universal, kernel_before: [0, 3], kernel_after: [0, 3], channels: [16, 24]}",
    ],
)
@pytest.mark.parametrize("norm", ["batch", "layer", "group8"])
def test_newer_layers_are_shared_too(stage: str, norm: str, tmp_path: Path) -> None:
    space = parse_space(
        f"{{resolution: 8, norm: {norm}, stem: {{channels: 8, stride: 1}}, "
        f"stages: [{stage}], head: {{channels: 16}}}}",
        "newer",
    )
    supernet = make(space)
    for network in random_networks(space, 4):
        assert extracted_difference(supernet, network, tmp_path) <= 1e-6
    if "experts" in stage:
        kinds = supernet.sharing.side_by_side["stages.0"]
        assert any("experts of" in kind for kind in kinds)


def test_stems_of_one_and_of_three_convolutions_stand_side_by_side(tmp_path: Path) -> None:
    space = parse_space(
        "{resolution: 8, stem: {channels: [8, 16], stride: 1, kind: [plain, deep, deep_tiered]}, "
        "stages: [{op: conv, channels: 8}], head: {channels: 16}}",
        "stems",
    )
    supernet = make(space)
    for network in space.enumerate():
        assert extracted_difference(supernet, space.decode(network), tmp_path) <= 1e-6


@pytest.mark.parametrize(
    ("loss", "step", "warned"), [(2.34, 9, True), (1.2, 9, False), (2.34, 5, False)]
)
def test_a_supernet_that_has_learned_nothing_says_so_at_its_end(
    loss: float, step: int, warned: bool
) -> None:
    report = SupernetReport(
        step=step, steps=9, epoch=1, epochs=1, loss=loss, chance=math.log(10), seconds=1.0
    )
    assert ("learned next to nothing" in (report.warning or "")) is warned
