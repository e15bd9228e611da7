"""`effsearch supernet`: one network that all of a space are cut from: train it, ask it, cut it."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from effsearch.cli.grouped_help import Commands
from effsearch.cli.options import Json, ModelDevice, Quiet, ShippedSpace, print_document
from effsearch.results.store.record import installed_versions
from effsearch.results.terminal import print_table
from effsearch.search_spaces.errors import InputError, Interrupted
from effsearch.search_spaces.units import format_count, parse_count

if TYPE_CHECKING:
    from effsearch.training.supernet.trainer import SupernetReport

app = Commands(
    help="Supernets: train one network that a whole space is cut from, evaluate, extract.",
    no_args_is_help=True,
)

File = Annotated[Path, typer.Argument(help="File of supernet train, or of a search's run.")]
Data = Annotated[
    str | None, typer.Option(help="Where its images are now [where they were for its training].")
]


@app.command("train")
def train(
    space: ShippedSpace = "mnasnet",
    data: Annotated[str, typer.Option(help="Images, as in `effsearch baseline`.")] = "digits",
    target_flops: Annotated[
        str | None,
        typer.Option(
            metavar="AMOUNT",
            help="Only networks of this cost band, such as 400M [the whole space].",
        ),
    ] = None,
    recipe: Annotated[
        str | None,
        typer.Option(
            help="blockwise, single_path, fair, sandwich or a YAML file [blockwise; single_path "
            "where strides are a choice]."
        ),
    ] = None,
    epochs: Annotated[
        int | None, typer.Option(min=1, max=1_000_000, help="Epochs [the recipe's].")
    ] = None,
    resolution: Annotated[int | None, typer.Option(min=1, help="Pixels [the recipe's].")] = None,
    max_images: Annotated[
        int | None, typer.Option(min=1, help="Images to train on, a sample [all].")
    ] = None,
    device: ModelDevice = "auto",
    threads: Annotated[int, typer.Option(min=1, help="CPU threads.")] = 1,
    seed: Annotated[int, typer.Option(min=0, help="Random seed.")] = 0,
    output: Annotated[
        Path | None, typer.Option(help="The file [supernets/SPACE.safetensors].")
    ] = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Train a supernet of a space; the same command continues a stopped training.

    effsearch baseline --evaluator supernet:FILE searches with it.
    """
    from effsearch.nas.supernet_file import train_supernet_file
    from effsearch.results.store.signals import exit_code
    from effsearch.search_spaces.space_file import load_space
    from effsearch.training.devices.device import choose_device
    from effsearch.training.supernet.sharing import sharing_of

    choose_device(device)  # one that is none is said before data are read
    found = load_space(space)
    path = output or Path("supernets") / f"{found.name}.safetensors"
    if not quiet and (apart := sharing_of(found, 10).notice):
        print(apart, file=sys.stderr)
    try:
        info = train_supernet_file(
            path,
            found,
            data=data,
            recipe=recipe,
            epochs=epochs,
            resolution=resolution,
            max_images=max_images,
            target_flops=None if target_flops is None else parse_count(target_flops),
            device=device,
            threads=threads,
            seed=seed,
            on_report=None if quiet else _tell,
        )
    except KeyboardInterrupt:
        kept = f"what was trained is in {path}" if path.exists() else "nothing was kept yet"
        raise Interrupted(f"stopped; {kept}, the same command continues", exit_code()) from None
    document = {
        "supernet": str(path),
        "space": info.space.name,
        "parameters": sharing_of(found, len(info.class_names)).parameters,
        "side_by_side": sharing_of(found, len(info.class_names)).side_by_side,
        "data": info.data["name"],
        "resolution": info.resolution,
        "steps": info.progress["steps"],
        "seconds": info.progress["seconds"],
    }
    if as_json:
        print_document(document)
        return
    for name in ("supernet", "space", "parameters", "data", "resolution", "steps"):
        value = document[name]
        print(f"{name}: {value:,}" if isinstance(value, int) else f"{name}: {value}")


@app.command("evaluate")
def evaluate(
    file: File,
    networks: Annotated[
        list[str] | None,
        typer.Argument(help="Networks of its space: notations, zoo names or JSON files."),
    ] = None,
    random: Annotated[
        int, typer.Option(min=0, max=1_000_000, help="Random networks of the space besides.")
    ] = 0,
    data: Data = None,
    device: ModelDevice = "auto",
    seed: Annotated[int, typer.Option(min=0, help="Random seed of the networks.")] = 0,
    as_json: Json = False,
) -> None:
    """Evaluate networks with the weights a supernet has for them, on its held-out images.

    The accuracies only rank networks; trained by itself, a network has another one.
    """
    import numpy as np

    from effsearch.search_spaces.cost import cost
    from effsearch.search_spaces.notation import format_architecture
    from effsearch.search_spaces.zoo import resolve_architecture
    from effsearch.training.supernet.opening import open_supernet

    meter, info = open_supernet(file, data=data, device=device)
    wanted = [resolve_architecture(name) for name in networks or ()]
    rows = info.space.sample(np.random.default_rng(seed), random)
    wanted += [info.space.decode(row) for row in rows]
    if not wanted:
        raise InputError("no network to evaluate: name some, or give --random 10")
    found: list[dict[str, Any]] = []
    for one in wanted:
        measured = meter.evaluate(meter.network(one))
        named = {"id": one.id, "accuracy": measured.top1, "loss": measured.loss}
        found.append(named | {"macs": cost(one).macs, "notation": format_architecture(one)})
    found.sort(key=lambda row: -float(row["accuracy"]))
    if as_json:
        print_document({"supernet": str(file), "networks": found})
        return
    print_table(
        ("network", "accuracy", "MACs", ""),
        [
            (row["id"], f"{row['accuracy']:.4f}", format_count(row["macs"]), row["notation"])
            for row in found
        ],
    )


@app.command("extract")
def extract(
    file: File,
    network: Annotated[
        str, typer.Argument(help="Network of its space: a notation, zoo name or JSON file.")
    ],
    output: Annotated[Path, typer.Option(help="The model file.")] = Path("extracted.safetensors"),
    data: Data = None,
    device: ModelDevice = "auto",
    as_json: Json = False,
) -> None:
    """Cut one network out as an ordinary model file, its normalization recalibrated.

    effsearch evaluate, export and train --from accept it.
    """
    from effsearch.search_spaces.zoo import resolve_architecture
    from effsearch.training.supernet.extracting import extract as write
    from effsearch.training.supernet.opening import open_supernet

    meter, info = open_supernet(file, data=data, device=device)
    cut = meter.network(resolve_architecture(network))
    found = meter.evaluate(cut)
    model = write(output, cut, info, found, installed_versions())
    document = {"model": str(output), "id": model.architecture.id, "accuracy": found.top1}
    if as_json:
        print_document(document)
        return
    print(f"model: {output}")
    print(f"accuracy {found.top1:.4f} on {found.images:,} held-out images of {info.data['name']}")


def _tell(report: "SupernetReport") -> None:
    print(report.progress, file=sys.stderr, flush=True)
    if report.warning:
        print(report.warning, file=sys.stderr)
