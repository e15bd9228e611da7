"""`effsearch scale`: the family that grows from a baseline."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from effsearch.cli.options import (
    RUNS,
    Baseline,
    Json,
    LatencyTimeout,
    Name,
    Quiet,
    RunDir,
    Text,
    Whole,
    print_document,
)

if TYPE_CHECKING:
    from effsearch.gridsearch.family import FamilyResult


def scale(
    baseline: Baseline = None,
    coefficients: Annotated[
        Text,
        typer.Option(
            help="alpha,beta,gamma such as 1.2,1.1,1.15, a coefficients.json, or a run [newest "
            "finished coefficients run, else the paper's]."
        ),
    ] = None,
    phi: Annotated[
        Text,
        typer.Option(
            help="Values of phi: 0..7, or -1,0.5,2 [0..7]. With --family published the members' "
            "numbers."
        ),
    ] = None,
    family: Annotated[
        str,
        typer.Option(
            help="formula: depth, width and resolution are alpha^phi, beta^phi, gamma^phi. "
            "published: the table EfficientNet-B0 to B7, rounded by hand; no phi reproduces it "
            "(B7 has 66.3M parameters, phi = 7 gives 68.7M)."
        ),
    ] = "formula",
    resolution_rounding: Annotated[
        str, typer.Option(help="Of the resolution: exact, even, 8 or 32.")
    ] = "exact",
    target_flops: Annotated[
        Text, typer.Option(help="Find the phi for these multiply-adds, such as 2G.")
    ] = None,
    target_memory: Annotated[
        Text, typer.Option(help="Find the phi for this activation memory at batch 1, such as 64MB.")
    ] = None,
    target_latency: Annotated[
        Text,
        typer.Option(
            help="Find the phi for this latency, such as 8ms: up to ten networks are measured."
        ),
    ] = None,
    latency_backend: Annotated[
        Text, typer.Option(help="What measures a latency: torch or onnxruntime [torch].")
    ] = None,
    latency_device: Annotated[
        Text, typer.Option(help="Of a latency: cpu, cuda or cuda:1 [cpu].")
    ] = None,
    latency_threads: Annotated[Whole, typer.Option(help="Of a latency on a CPU [1].")] = None,
    latency_batch: Annotated[
        Whole, typer.Option(help="Of a latency: images at a time [1].")
    ] = None,
    latency_command: Annotated[
        Text,
        typer.Option(
            help="Measure latencies by this command instead: it runs {onnx} and prints "
            "milliseconds."
        ),
    ] = None,
    latency_timeout: LatencyTimeout = None,
    name: Name = None,
    run_dir: RunDir = RUNS,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Scale a baseline to a family and count it.

    Prints depth, width, resolution, parameters, multiply-adds, memory, and the ratio of
    multiply-adds to the baseline: nominal (if nothing were rounded) and measured. Writes
    RUN_DIR/family/NNN with family.csv and one architecture a member.
    """
    from effsearch.gridsearch.family import ScaleOptions, scale_family
    from effsearch.gridsearch.family_targets import MeterOptions
    from effsearch.search_spaces.units import (
        parse_bytes,
        parse_count,
        parse_milliseconds,
        parse_numbers,
        parse_seconds,
    )

    meter = {
        "backend": latency_backend,
        "device": latency_device,
        "threads": latency_threads,
        "batch": latency_batch,
        "command": latency_command,
        "timeout": None if latency_timeout is None else parse_seconds(latency_timeout),
    }
    named = {key: value for key, value in meter.items() if value is not None}
    options = ScaleOptions(
        baseline=baseline,
        coefficients=coefficients,
        phis=parse_numbers(phi) if phi is not None else (),
        family=family,
        rounding=resolution_rounding,  # type: ignore[arg-type]
        target_flops=None if target_flops is None else parse_count(target_flops),
        target_memory=None if target_memory is None else parse_bytes(target_memory),
        target_latency=None if target_latency is None else parse_milliseconds(target_latency),
        meter=MeterOptions(**named) if named else None,  # type: ignore[arg-type]
    )
    result = scale_family(
        options,
        run_dir=run_dir,
        name=name,
        command=["effsearch", *sys.argv[1:]],
        say=(lambda line: None) if quiet else (lambda line: print(line, file=sys.stderr)),
    )
    if not quiet:
        for line in result.notes:
            print(line, file=sys.stderr)
    _show(result, as_json)
    if not quiet:
        print(f"family: {result.path / 'family.csv'}", file=sys.stderr)


def _show(result: "FamilyResult", as_json: bool) -> None:
    from effsearch.results.terminal import print_table
    from effsearch.search_spaces.units import format_bytes, format_count

    if as_json:
        print_document(result.answer)
        return
    print_table(
        (
            "member",
            "depth",
            "width",
            "resolution",
            "params",
            "MACs",
            "memory",
            "nominal",
            "measured",
        ),
        [
            (
                member.name,
                f"{member.depth:.3f}",
                f"{member.width:.3f}",
                str(member.resolution),
                f"{member.cost.params:,}",
                format_count(member.cost.macs),
                format_bytes(member.cost.memory_bytes),
                f"{member.nominal_ratio:.2f}x",
                f"{member.measured_ratio:.2f}x",
            )
            for member in result.members
        ],
    )
