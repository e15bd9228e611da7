"""Keywords of the Python functions; written by `python -m effsearch.write_keywords`."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypedDict

from effsearch.nas.objective import Objective, RewardFunction
from effsearch.nas.strategies.base import Strategy
from effsearch.search_spaces.space import SearchSpace
from effsearch.search_spaces.zoo import HoldsArchitecture, NetworkLike
from effsearch.training.data.given import LabelledImages


class AskTellKeywords(TypedDict, total=False):
    """What an ask-and-tell search is told; the words are those of a baseline search."""

    target_flops: float | str | None
    """Wanted multiply-adds (conv and linear), such as 400M, 0.39G or 4e8."""

    target_params: float | str | None
    """Wanted parameters, such as 5.3M."""

    target_memory: float | str | None
    """Wanted peak activation memory at batch 1, such as 8MB."""

    objective: Objective | RewardFunction | Literal["hard", "soft", "absolute"]
    """hard: accuracy, cut by (cost/target)^-1 above the target. soft: accuracy * (cost/target)^w
    everywhere, w = -0.07; the target does not move its optimum. absolute: accuracy +
    w*|cost/target - 1|."""

    weight: float | Literal["auto"] | None
    """w of the objective, at most 0; auto: what an earlier soft search worked out to put the
    optimum at the target."""

    cost_tolerance: float | None
    """Fraction over a target still evaluated."""

    cost_band: float | None
    """Fraction under the first target still evaluated, 1 for no bound."""

    space: str | Path | SearchSpace | Mapping[str, Any]
    """Shipped space (effsearch spaces ls lists them) or YAML file."""

    strategy: str | type[Strategy]
    """Search strategy: bayesian, evolution, local_search, nsga2, ppo, random, tpe."""

    strategy_options: dict[str, Any]
    """Options of the strategy."""

    seed: int
    """Random seed."""


class BaselineKeywords(TypedDict, total=False):
    """What a baseline search is told; `effsearch baseline --help` says what each option is."""

    target_flops: float | str | None
    """Wanted multiply-adds (conv and linear), such as 400M, 0.39G or 4e8."""

    target_params: float | str | None
    """Wanted parameters, such as 5.3M."""

    target_memory: float | str | None
    """Wanted peak activation memory at batch 1, such as 8MB."""

    objective: Objective | RewardFunction | Literal["hard", "soft", "absolute"]
    """hard: accuracy, cut by (cost/target)^-1 above the target. soft: accuracy * (cost/target)^w
    everywhere, w = -0.07; the target does not move its optimum. absolute: accuracy +
    w*|cost/target - 1|."""

    weight: float | Literal["auto"] | None
    """w of the objective, at most 0; auto: what an earlier soft search worked out to put the
    optimum at the target."""

    cost_tolerance: float | None
    """Fraction over a target still evaluated."""

    cost_band: float | None
    """Fraction under the first target still evaluated, 1 for no bound."""

    target_latency: float | str | None
    """Wanted latency, such as 8ms: predicted by a table of effsearch lut build, and measured on
    winners before they are reported."""

    latency_table: str | Path | None
    """CSV of effsearch lut build; its backend, number format, threads and batch are then a
    measurement's defaults."""

    latency_measure: Literal["winner", "each"]
    """winner: measurement of the best network before it is reported. each: of every network
    before it is trained, for its reward."""

    latency_device: str
    """Device of a measurement: cpu, cuda or cuda:1."""

    latency_backend: str | None
    """What runs the network: torch or onnxruntime."""

    latency_dtype: str | None
    """Number format: float32, float16, bfloat16 or int8."""

    latency_threads: int | None
    """CPU threads of a measurement."""

    latency_batch: int | None
    """Images at a time."""

    latency_command: str | None
    """Command that measures instead: it runs {onnx} and prints milliseconds."""

    latency_timeout: float | str
    """Time limit of one call of the command, such as 30s."""

    space: str | Path | SearchSpace | Mapping[str, Any]
    """Shipped space (effsearch spaces ls lists them) or YAML file."""

    strategy: str | type[Strategy]
    """Search strategy: bayesian, evolution, local_search, nsga2, ppo, random, tpe."""

    strategy_options: dict[str, Any]
    """Options of the strategy."""

    samples: int
    """Networks to evaluate."""

    warm_start: Sequence[str] | Path | HoldsArchitecture | Sequence[str | Path | HoldsArchitecture]
    """Earlier run, or CSV of measured networks, that the model learns from too; may be
    repeated."""

    start: str | NetworkLike | Sequence[NetworkLike] | None
    """Networks to evaluate first, separated by commas: zoo names, JSON files, notations, or a CSV
    (its best ten)."""

    batch_size: int | None
    """Networks proposed per batch."""

    seed: int
    """Random seed."""

    evaluator: str | Path | Callable[..., Any]
    """Source of accuracies: proxy (short trainings), supernet or supernet:FILE (one network that
    all are cut from), zero-cost or zero-cost:zen,macs (scores without training), TABLE.csv,
    package.module:function or file.py:function."""

    table_missing: Literal["fail", "nearest"]
    """Networks that a table lacks: failed trials, or the values of the nearest one."""

    supernet_recipe: str | Path | None
    """Training of the supernet: blockwise, single_path, fair, sandwich or a YAML file."""

    supernet_epochs: int | None
    """Epochs of the supernet's training."""

    data: str | Path | LabelledImages
    """Images: digits (embedded), a folder with one subfolder of images per class, a folder with
    train*.parquet, or hf:NAME[:CONFIG]. Their test part is never read."""

    max_images: int | None
    """Random sample of the training images."""

    skip_bad: bool
    """Unreadable images left out, and counted."""

    image_column: str | None
    """Column of the images in a table (parquet, hf:)."""

    label_column: str | None
    """Column of the classes in a table."""

    epochs: int | None
    """Epochs per training."""

    proxy_resolution: int | None
    """Pixels in training."""

    recipe: dict[str, Any]
    """Further options of the recipe."""

    finalists: int
    """Best networks that are trained again, longer, before the answer; 0 means 5 where the
    evaluator trains nothing. Where the strategy seeks a front, any number means the whole
    front."""

    finalist_seeds: int
    """Trainings of each finalist; two give an interval."""

    finalist_epochs: int | None
    """Epochs per finalist's training."""

    reference: str | NetworkLike | Sequence[NetworkLike] | None
    """Published networks trained like the finalists, to compare the answer with: zoo names, JSON
    files or notations separated by commas, or none."""

    workers: int | None
    """Trainings at a time."""

    cpus_per_trial: int
    """CPU threads of a training."""

    gpus_per_trial: float | Literal["auto"] | None
    """GPUs of a training, such as 0.25; auto: the share that gives the most trainings an hour,
    tried before the first."""

    trial_timeout: float | str | None
    """Time limit of a training, such as 90s."""

    device: Literal["auto", "cpu", "cuda"]
    """Device of the trainings."""

    ray_address: str | None
    """Address of a Ray cluster, such as auto or host:6379."""

    logger: Sequence[str]
    """tensorboard, wandb, mlflow or csv, besides the run's own files; may be repeated."""

    time_budget: float | str | None
    """Time limit of the whole run, such as 10m or 4h, longer trainings and references included;
    no training starts after it."""

    gpu_hours: float | None
    """The same limit in GPU hours: wall-clock time times the GPUs of the trainings."""

    memory_batch: int | None
    """Batch size that --target-memory refers to; the weights then count too."""

    no_target: bool
    """Search without a target: the best accuracy, whatever it costs."""

    pruning: Literal["none", "halving"]
    """Early stopping of trainings that fall behind, by successive halving."""

    fidelities: Sequence[float] | str | None
    """Epochs that a network may be trained for, such as 2,8: the largest is a whole training, and
    bayesian learns how well the shorter ones predict it. --samples counts whole trainings, and a
    shorter one as its share."""

    per_trial: int | None
    """Networks in one Ray Tune trial."""


class BenchKeywords(TypedDict, total=False):
    """What a comparison is told; `effsearch bench --help` says what each option is."""

    strategies: Sequence[str]
    """Strategies such as bayesian,evolution,random, or all."""

    seeds: int
    """Searches of each strategy."""

    seed: int
    """Random seed of the first search; the others follow."""

    samples: int
    """Evaluations per search."""

    batch_size: int | None
    """Networks proposed per batch."""

    space: str | Path | SearchSpace | Mapping[str, Any]
    """Shipped space (effsearch spaces ls lists them) or YAML file."""

    evaluator: str
    """synthetic: a made-up landscape (synthetic:3 for another one), TABLE.csv of measured
    networks, package.module:function, or file.py:function."""

    noise: float | None
    """Standard deviation of one evaluation."""

    table_missing: Literal["fail", "nearest"]
    """Networks that a table lacks: failed trials, or the values of the nearest one."""

    objective: Objective | RewardFunction | Literal["hard", "soft", "absolute"]
    """hard: accuracy, cut by (cost/target)^-1 above the target. soft: accuracy * (cost/target)^w
    everywhere, w = -0.07; the target does not move its optimum. absolute: accuracy +
    w*|cost/target - 1|."""

    workers: int
    """Searches at a time."""

    target_flops: float | str | None
    """Wanted multiply-adds (conv and linear), such as 400M, 0.39G or 4e8."""

    target_params: float | str | None
    """Wanted parameters, such as 5.3M."""

    target_memory: float | str | None
    """Wanted peak activation memory at batch 1, such as 8MB."""

    weight: float | None
    """w of the objective, at most 0."""

    cost_tolerance: float | None
    """Fraction over a target still evaluated."""

    cost_band: float | None
    """Fraction under the first target still evaluated, 1 for no bound."""


class CoefficientsKeywords(TypedDict, total=False):
    """What a grid search is told; `effsearch coefficients --help` says what each option is."""

    phi: float
    """phi at which triples are compared; not 0."""

    step: float
    """Step of the grid, a multiple of 0.01."""

    tolerance: float
    """Distance of alpha*beta^2*gamma^2 from 2, itself excluded."""

    alpha_bounds: Sequence[float] | str
    """Lowest and highest alpha."""

    beta_bounds: Sequence[float] | str
    """Lowest and highest beta."""

    gamma_bounds: Sequence[float] | str
    """Lowest and highest gamma."""

    constraint: Literal["nominal", "measured"]
    """nominal: alpha*beta^2*gamma^2 is about 2. measured: the counted multiply-adds are about
    2^phi times the baseline's."""

    resolution_rounding: Literal["exact", "even", "8", "32"]
    """Rounding of the resolution."""

    rule: str | None
    """Scaling rule: that of a family, or what differs from EfficientNet's, such as
    stem=fixed,head=grown,ends=fixed,depth=nearest,divisor=4,limit=0."""

    data: str | Path | LabelledImages
    """Images: digits (embedded), a folder with one subfolder of images per class, a folder with
    train*.parquet, or hf:NAME[:CONFIG]. Their test part is never read."""

    max_images: int | None
    """Random sample of the training images."""

    skip_bad: bool
    """Unreadable images left out, and counted."""

    image_column: str | None
    """Column of the images in a table (parquet, hf:)."""

    label_column: str | None
    """Column of the classes in a table."""

    epochs: int | None
    """Epochs per training."""

    proxy_resolution: int | None
    """Pixels that the baseline is trained at; scaled networks in proportion to their
    resolution."""

    recipe: dict[str, Any]
    """Further options of the recipe."""

    workers: int | None
    """Trainings at a time."""

    cpus_per_trial: int
    """CPU threads of a training."""

    gpus_per_trial: float | Literal["auto"] | None
    """GPUs of a training, such as 0.25; auto: the share that gives the most trainings an hour,
    tried before the first."""

    trial_timeout: float | str | None
    """Time limit of a training, such as 90s."""

    device: Literal["auto", "cpu", "cuda"]
    """Device of the trainings."""

    ray_address: str | None
    """Address of a Ray cluster, such as auto or host:6379."""

    logger: Sequence[str]
    """tensorboard, wandb, mlflow or csv, besides the run's own files; may be repeated."""

    time_budget: float | str | None
    """Time limit of the whole run, such as 10m or 4h, longer trainings and references included;
    no training starts after it."""

    gpu_hours: float | None
    """The same limit in GPU hours: wall-clock time times the GPUs of the trainings."""

    seeds: int
    """Trainings of each network."""

    repeats: int
    """Networks that are trained once more where there is one seed, chosen by the model of the
    surface, so that noise is measured; 0 for none."""

    prefer: Literal["default", "accuracy", "efficiency"]
    """default: the cheapest network within one posterior standard deviation of the best expected
    accuracy. accuracy: the best expected one. efficiency: the best of expected accuracy *
    MACs^-0.07."""

    pruning: Literal["none", "halving"]
    """Early stopping of trainings that fall behind, by successive halving."""

    top: int
    """Best networks that are trained again, longer, before the choice."""

    top_epochs: int | None
    """Epochs per training of the --top networks."""

    top_seeds: int
    """Trainings of each of the --top networks."""

    reference: Literal["dimensions", "none"]
    """dimensions: depth, width and resolution alone at the chosen network's cost, trained as it
    was, which it is held against. none: no such trainings."""

    storage: str | None
    """URL of the study's database."""

    seed: int
    """Random seed."""


class ComparisonKeywords(TypedDict, total=False):
    """What a comparison is told; `effsearch compare-scaling --help` says what each option is."""

    data: str | Path | LabelledImages
    """Images: digits (embedded), a folder with one subfolder of images per class, a folder with
    train*.parquet, or hf:NAME[:CONFIG]. Their test part is never read."""

    max_images: int | None
    """Random sample of the training images."""

    skip_bad: bool
    """Unreadable images left out, and counted."""

    image_column: str | None
    """Column of the images in a table (parquet, hf:)."""

    label_column: str | None
    """Column of the classes in a table."""

    epochs: int | None
    """Epochs per training."""

    proxy_resolution: int | None
    """Pixels that the baseline is trained at; scaled networks in proportion to their
    resolution."""

    recipe: dict[str, Any]
    """Further options of the recipe."""

    workers: int | None
    """Trainings at a time."""

    cpus_per_trial: int
    """CPU threads of a training."""

    gpus_per_trial: float | Literal["auto"] | None
    """GPUs of a training, such as 0.25; auto: the share that gives the most trainings an hour,
    tried before the first."""

    trial_timeout: float | str | None
    """Time limit of a training, such as 90s."""

    device: Literal["auto", "cpu", "cuda"]
    """Device of the trainings."""

    ray_address: str | None
    """Address of a Ray cluster, such as auto or host:6379."""

    logger: Sequence[str]
    """tensorboard, wandb, mlflow or csv, besides the run's own files; may be repeated."""

    time_budget: float | str | None
    """Time limit of the whole run, such as 10m or 4h, longer trainings and references included;
    no training starts after it."""

    gpu_hours: float | None
    """The same limit in GPU hours: wall-clock time times the GPUs of the trainings."""

    budgets: Sequence[str]
    """Multiply-adds that every method spends: 2,4 for multiples of the baseline's, or amounts
    such as 800M,1.6G."""

    budget_tolerance: float
    """Relative distance that still counts as the same budget."""

    coefficients: str | None
    """Compound coefficients: alpha,beta,gamma such as 1.2,1.1,1.15, a coefficients.json, or a
    run."""

    resolution_rounding: Literal["exact", "even", "8", "32"]
    """Rounding of the resolution."""

    rule: str | None
    """Scaling rule: that of a family, or what differs from EfficientNet's, such as
    stem=fixed,head=grown,ends=fixed,depth=nearest,divisor=4,limit=0."""

    seeds: int
    """Trainings of each network."""

    seed: int
    """Random seed."""


class ScaleKeywords(TypedDict, total=False):
    """What a family is made of; `effsearch scale --help` says what each option is."""

    latency_device: str
    """Device of a measurement: cpu, cuda or cuda:1."""

    latency_backend: str | None
    """What runs the network: torch or onnxruntime."""

    latency_dtype: str | None
    """Number format: float32, float16, bfloat16 or int8."""

    latency_threads: int | None
    """CPU threads of a measurement."""

    latency_batch: int | None
    """Images at a time."""

    latency_command: str | None
    """Command that measures instead: it runs {onnx} and prints milliseconds."""

    latency_timeout: float | str
    """Time limit of one call of the command, such as 30s."""

    family: str
    """formula: depth, width and resolution are alpha^phi, beta^phi, gamma^phi. published: the
    table EfficientNet-B0 to B7, rounded by hand; no phi reproduces it (B7 has 66.3M parameters,
    phi = 7 gives 68.7M). Or a family that was scaled by a rule of its own, such as mobilenetv2:
    its published members, or its base at --depth, --width, --resolution or --phi."""

    depth: float | None
    """Multiplier of the layers, in place of phi."""

    width: float | None
    """Multiplier of the channels, in place of phi."""

    resolution: int | None
    """Pixels, in place of phi."""

    rule: str | None
    """Scaling rule: that of a family, or what differs from EfficientNet's, such as
    stem=fixed,head=grown,ends=fixed,depth=nearest,divisor=4,limit=0."""

    resolution_rounding: Literal["exact", "even", "8", "32"]
    """Rounding of the resolution."""

    target_flops: float | str | None
    """Multiply-adds to find the phi for, such as 2G."""

    target_memory: float | str | None
    """Activation memory at batch 1 to find the phi for, such as 64MB."""

    target_latency: float | str | None
    """Latency to find the phi for, such as 8ms: up to ten networks are measured."""


class TrainKeywords(TypedDict, total=False):
    """What a training is told; `effsearch train --help` says what each option is."""

    phi: float | None
    """Member of the family; where there is none, the baseline is scaled by the newest
    coefficients."""

    resolution: int | None
    """Pixels."""

    stem_stride: int | None
    """Stride of the first convolution; 1 suits small images."""

    from_checkpoint: str | Path | None
    """Weights to start from, a file or the best of a train run; the classifier is new where the
    classes differ."""

    data: str | Path | LabelledImages
    """digits (embedded), a folder of images by class or with train*.parquet, or
    hf:NAME[:CONFIG]."""

    max_images: int | None
    """Random sample of the training images."""

    skip_bad: bool
    """Unreadable images left out, and counted."""

    image_column: str | None
    """Column of the images in a table (parquet, hf:)."""

    label_column: str | None
    """Column of the classes in a table."""

    mean: Sequence[float] | str | None
    """Mean of the channels, such as 0.485,0.456,0.406."""

    std: Sequence[float] | str | None
    """Deviation of the channels; goes with --mean."""

    recipe: str | Path
    """modern, efficientnet, progressive, finetune, proxy, or a YAML file."""

    set: dict[str, Any]
    """Option of the recipe, such as lr=0.01 (also learning_rate=0.01); may be repeated."""

    epochs: int | None
    """Epochs of the training."""

    batch_size: int | Literal["auto"] | None
    """Images a step, or auto: what fits the memory."""

    seed: int
    """Random seed."""

    device: str
    """auto, cpu, cuda, cuda:1."""

    num_workers: int
    """Processes that train together by Ray Train; 1 needs no Ray."""

    ray_address: str | None
    """Address of a Ray cluster, such as auto or host:6379."""

    gpus_per_worker: float | None
    """GPUs of a worker."""

    loader_workers: int | None
    """Processes that decode images which do not fit in memory."""

    logger: Sequence[str]
    """tensorboard, wandb, mlflow or csv, besides metrics.csv; may be repeated."""

    checkpoint_minutes: float
    """Minutes between checkpoints within an epoch; there is one after each epoch anyway."""
