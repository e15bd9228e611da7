"""What inputs are drawn from: five areas, each a function of a random source."""

import io
import random
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import typer
import yaml

from benchmarks.fuzz.mutate import ABSURD, ESCAPE, damage
from benchmarks.fuzz.trial import Input

RUNS = Path(__file__).parents[2] / "tests" / "data" / "runs"
SOUND = "family/formula"
"""A run that is never damaged, so it has to be listed whatever becomes of the other."""

_VALUES = (
    "", " ", "-1", "0", "1", "2", "3", "0.5", "1e300", "9" * 30, "9" * 5000, "NaN", "inf", "-inf",
    "1e-300", "400M", "8ms", "1GiB", "30s", "0..7", "7..0", "0..1e9", "-1,0.5,2", "1,2,3", "1,,2",
    "1.2,1.1,1.15", "efficientnet-b0", "x" * 5000, "../..", ".", "zero", "pipe", "tiny.yaml",
    "search.yaml", "measure.py", "measure.py:evaluate", "measure.py:nothing", "no.such:function",
    ESCAPE, "ä ö", "\udcff", "true", "[1]", "{}", "a=b", "lr=0.1", "epochs=1e9", "a:b",
    "http://u:p@h:99999/x", "sqlite:///x.db", "sqlite://u:secret@h:port/x", "localhost:port",
    "127.0.0.1:99999", "[::1", "digits", "hf:nothing", "cpu", "cuda:99", "cuda:-1", "mps", "nope",
    "baseline", "baseline/finished", "coefficients/finished", "train/finished", "family/formula",
    "bench/finished", "0", "=1+1", "--", "-", "%s", "{onnx}", "\x7f", "1:2:3", "0:0:0",
    "res16 stem_k3_s1_c8 ir_r1_k3_s2_e2_c16 head_c32 cls10", "png", "csv", "json", "a\nb",
)  # fmt: skip
_LAST: Mapping[
    str, Sequence[str]
] = {  # so that a command line which is sound after all ends in seconds
    "bench": ("--samples", "8", "--seeds", "1", "--strategies", "random"),
    "results watch": ("--once",),
    "lut build": ("--space", "tiny.yaml", "--networks", "9", "--passes", "1"),
    "supernet train": (
        "--space",
        "tiny.yaml",
        "--data",
        "digits",
        "--epochs",
        "1",
        "--max-images",
        "50",
        "--resolution",
        "8",
    ),
}
_LINE = (
    "res32 stem_k3_s2_c32 ir_r2_k3_s2_e6_c24_se0.25 ds_r1_k3_s1_e1_c16_se0.25 er_r1_k3_s1_e4_c24 "
    "head_c1280 cls10"
)
_SPACES = ("tiny.yaml", "mini.yaml", "wide.yaml")


@cache
def _commands() -> Mapping[str, Any]:
    """Every command by its words."""
    from effsearch.cli.commands import app

    found: dict[str, Any] = {}

    def walk(command: Any, words: tuple[str, ...]) -> None:
        for name, child in getattr(command, "commands", {}).items():
            walk(child, (*words, name))
        if not hasattr(command, "commands"):
            found[" ".join(words)] = command

    walk(typer.main.get_command(app), ())
    return found


def command_lines(rng: random.Random) -> Input:
    """A command with some of its options, of values that fit them or do not."""
    name = rng.choice(sorted(_commands()))
    command = _commands()[name]
    words = [*name.split()]
    options = [one for one in command.params if one.param_type_name == "option"]
    arguments = [one for one in command.params if one.param_type_name == "argument"]
    words += [_value(one, rng) for one in arguments if rng.random() < 0.8]
    for option in rng.sample(options, min(len(options), rng.choice((0, 1, 1, 2, 3)))):
        flag = rng.choice(option.opts)
        words += [flag] if option.is_flag else [flag, _value(option, rng)]
    flags = {flag for option in options for flag in option.opts}
    if "--dry-run" in flags:
        words.append("--dry-run")
    return Input(area="command lines", what=name, arguments=[*words, *_LAST.get(name, ())])


def _value(parameter: Any, rng: random.Random) -> str:
    """A value for an option; often one of its own words."""
    own = [word for word in str(parameter.metavar or "").split("|") if word.islower()]
    own += list(getattr(getattr(parameter, "type", None), "choices", ()))
    return str(rng.choice(own if own and rng.random() < 0.3 else _VALUES))


def yaml_files(rng: random.Random) -> Input:
    """A file of settings or of a space, damaged as a file or in one of its values."""
    if rng.random() < 0.5:
        name = rng.choice(_SPACES)
        command = ("spaces", "show", name)
        if rng.random() < 0.3:
            command = ("baseline", "--space", name, "--target-flops", "2M", "--dry-run")
    else:
        name = "search.yaml"
        command = rng.choice(
            (
                ("baseline", "--config", name, "--dry-run"),
                ("coefficients", "--config", name, "--dry-run"),
                ("compare-scaling", "--config", name, "--dry-run"),
                ("train", "--config", name, "--dry-run"),
            )
        )
    data = (RUNS / name).read_bytes()
    if rng.random() < 0.5:
        what, data = damage(data, rng)
    else:
        tree = _settings(command[0], rng) if name == "search.yaml" else yaml.safe_load(data)
        what, data = "value", _dumped(_with_another(tree, rng))
    return Input(area="yaml", what=what, arguments=command, files={name: data})


def _settings(command: str, rng: random.Random) -> dict[str, Any]:
    """Some keys of a command's settings with values that need not fit."""
    params = [one for one in _commands()[command].params if one.param_type_name == "option"]
    names = [one.name for one in rng.sample(params, 3)]
    return {name: rng.choice((*ABSURD, *_VALUES)) for name in names if name}


def _with_another(tree: Any, rng: random.Random) -> Any:
    if isinstance(tree, dict) and tree:
        key = rng.choice(list(tree))
        new = _with_another(tree[key], rng) if rng.random() < 0.7 else rng.choice(ABSURD)
        return {**tree, key: new}
    if isinstance(tree, list) and tree:
        place = rng.randrange(len(tree))
        return [*tree[:place], _with_another(tree[place], rng), *tree[place + 1 :]]
    return rng.choice(ABSURD)


def _dumped(tree: Any) -> bytes:
    return yaml.safe_dump(tree, allow_unicode=True).encode("utf-8", "surrogatepass")


def notation(rng: random.Random) -> Input:
    """A network or coefficients in one line, with words and numbers that do not belong there."""
    words = _LINE.split()
    for _ in range(rng.choice((1, 1, 2, 4))):
        place = rng.randrange(len(words))
        words[place] = rng.choice((_in_word(words[place], rng), rng.choice(_VALUES), words[0]))
    line = " ".join(words)
    commands: tuple[Sequence[str], ...] = (
        ("profile", line),
        ("scale", "--baseline", line, "--coefficients", "1.2,1.1,1.15", "--phi", "0,1", "-q"),
        ("results", "diff", line),
        ("scale", "--baseline", "mobilenet-v2", "--coefficients", _numbers(rng), "--phi", "1"),
        ("scale", "--baseline", "mobilenet-v2", "--phi", _numbers(rng)),
        ("train", "--model", line, "--data", "digits", "--dry-run"),
    )
    return Input(area="notation", what="words", arguments=rng.choice(commands))


def _in_word(word: str, rng: random.Random) -> str:
    parts = word.split("_")
    place = rng.randrange(len(parts))
    letter = parts[place][:1]
    parts[place] = rng.choice(
        (
            letter + rng.choice(("0", "-1", "9" * 30, "1.5", "1e9", "", "x", "9" * 5000, "nan")),
            parts[place] * 2,
            "",
        )
    )
    return "_".join(parts)


def _numbers(rng: random.Random) -> str:
    return rng.choice((",", "..", " ", ";")).join(
        rng.choice(("1.2", "1", "0", "-1", "1e300", "nan", "1e9", "x", "", "9" * 30, "1.15"))
        for _ in range(rng.choice((1, 2, 3, 3, 4)))
    )


def tables_of_images(rng: random.Random) -> Input:
    """A parquet file of random columns, sound or damaged; or a table that is none."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = rng.choice((0, 1, 3, 12))
    names = rng.sample(
        ["image", "img", "label", "fine_label", "jpg", "cls", "x", ESCAPE, ""],
        rng.choice((1, 2, 3)),
    )
    columns = {name: _column(rows, rng) for name in dict.fromkeys(names)}
    stream = io.BytesIO()
    pq.write_table(pa.table(columns), stream)
    data, what = stream.getvalue(), "schema"
    if rng.random() < 0.3:
        what, data = damage(data, rng)
    path = rng.choice(("t.parquet", "d/train-0.parquet", "d/train/0000.parquet"))
    given = path.split("/")[0]
    more: tuple[str, ...] = ("--image-column", names[0]) if rng.random() < 0.3 else ()
    more += ("--label-column", names[-1]) if rng.random() < 0.3 else ()
    tiny = "res16 stem_k3_s1_c8 ir_r1_k3_s2_e2_c16 head_c32 cls10"
    command = ("train", "--model", tiny, "--data", given, *more, "--epochs", "1", "--device", "cpu")
    return Input(area="parquet", what=what, arguments=command, files={path: data})


def _column(rows: int, rng: random.Random) -> Any:
    import pyarrow as pa

    png = _png(rng.choice(("RGB", "L", "I;16", "P", "RGBA", "F", "1")), rng)
    makers: tuple[Callable[[], Any], ...] = (
        lambda: pa.array([png] * rows, pa.binary()),
        lambda: pa.array([{"bytes": png, "path": None}] * rows),
        lambda: pa.array([{"bytes": None, "path": rng.choice(_VALUES[:40])}] * rows),
        lambda: pa.array([{"other": 1}] * rows),
        lambda: pa.array([rng.randrange(3) for _ in range(rows)], pa.int64()),
        lambda: pa.array([rng.choice((0, 1, 10**15, -1, None)) for _ in range(rows)], pa.int64()),
        lambda: pa.array([rng.choice(("a", "b", ESCAPE, None, "")) for _ in range(rows)]),
        lambda: pa.array([rng.choice((0.0, 1.0, float("nan"))) for _ in range(rows)]),
        lambda: pa.array([[1, 2]] * rows),
        lambda: pa.array([[[0, 255], [1, 2]]] * rows),
        lambda: pa.array([True] * rows),
        lambda: pa.array([None] * rows),
        lambda: pa.array([rng.randbytes(20) for _ in range(rows)], pa.binary()),
        lambda: pa.array(["http://127.0.0.1:1/a.png"] * rows),
        lambda: pa.array(["a"] * rows).dictionary_encode(),
    )
    # Images and labels that fit are drawn more often, so that some tables are read to their end.
    weights = [8, 6, 1, 1, 10, 2, 3, *([1] * 8)]
    return rng.choices(makers, weights)[0]()


def _png(mode: str, rng: random.Random) -> bytes:
    from PIL import Image

    size = rng.choice(((1, 1), (8, 8), (17, 3)))
    stream = io.BytesIO()
    Image.new(mode, size).save(stream, "TIFF" if mode == "F" else "PNG")
    return stream.getvalue()


@cache
def _run_files() -> tuple[str, ...]:
    """Every file of every kind of run, such as `runs/baseline/finished/run.json`."""
    found = sorted((RUNS / "runs").rglob("*"))
    names = [str(path.relative_to(RUNS)) for path in found if path.is_file()]
    return tuple(name for name in names if not name.endswith("lock") and SOUND not in name)


def files_of_runs(rng: random.Random) -> Input:
    """One file of one run is damaged; then something reads that run, or goes on with it."""
    name = rng.choice((*_run_files(), "lut/mini-torch-cpu-b1.csv"))
    what, data = damage((RUNS / name).read_bytes(), rng)
    if name.startswith("lut"):
        command: Sequence[str] = rng.choice(
            (
                ("lut", "show", name),
                ("lut", "show", name, "--json"),
                ("profile", "efficientnet-b0", "--latency-table", name),
            )
        )
        return Input(area="runs", what=f"{what} {name}", arguments=command, files={name: data})
    _, kind, run, *_ = Path(name).parts
    command = rng.choice(_readers(kind, f"{kind}/{run}"))
    listed = command[:2] == ("results", "ls")
    shows = SOUND if listed else ""
    what = f"{what} {name}"
    return Input(area="runs", what=what, arguments=command, files={name: data}, shows=shows)


def _readers(kind: str, reference: str) -> list[tuple[str, ...]]:
    """Commands that read a run."""
    command = "compare-scaling" if kind == "comparison" else kind
    line = ("results", "ls"), ("results", "ls", "--json"), ("results", "show", reference)
    readers: list[tuple[str, ...]] = [*line] * 2
    readers += [
        ("results", "show", reference, "--json"),
        ("results", "top", reference),
        ("results", "pareto", reference),
        ("results", "trial", reference, "0"),
        ("results", "compare", reference, reference),
        ("results", "export", reference),
        ("results", "export", reference, "--format", "json"),
        ("results", "watch", reference, "--once"),
        ("results", "plot", reference),
        ("results", "report", reference, "--output", "r.html"),
    ]
    readers += [(command, "--resume", reference)] * (0 if kind == "family" else 3)
    readers += {
        "baseline": [
            ("scale", "--baseline", reference, "--coefficients", "1.2,1.1,1.15", "--phi", "0,1"),
            ("coefficients", "--baseline", reference, "--dry-run"),
            ("profile", reference),
            ("results", "diff", reference),
        ],
        "coefficients": [
            ("scale", "--baseline", "mobilenet-v2", "--coefficients", reference, "--phi", "1"),
            ("compare-scaling", "--baseline", "mobilenet-v2", "--coefficients", reference,
             "--dry-run"),
        ],
        "train": [
            ("evaluate", reference, "--data", "digits", "--device", "cpu"),
            ("export", reference, "--format", "timm", "--output", "m"),
            ("train", "--from", reference, "--data", "digits", "--dry-run"),
        ] * 3,
        "family": [("train", "--model", "runs/family/formula/phi1.json", "--dry-run")],
    }.get(kind, [])  # fmt: skip
    return readers


AREAS: Mapping[str, tuple[Callable[[random.Random], Input], float]] = {
    "command lines": (command_lines, 0.25),
    "yaml": (yaml_files, 0.2),
    "notation": (notation, 0.1),
    "parquet": (tables_of_images, 0.1),
    "runs": (files_of_runs, 0.35),
}
"""By name: what draws an input, and its share of all inputs."""
