"""Latency tables: built, stopped, read again, refused; predictions of one network and of many."""

import itertools
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from effsearch.latency.base_meter import DeviceMeter, Setting
from effsearch.latency.building import BuildOptions, build_from_networks, build_table
from effsearch.latency.layers import (
    Layer,
    layer_cost,
    layer_program,
    layers_of,
    layers_of_space,
)
from effsearch.latency.population import PopulationLatency
from effsearch.latency.prediction import Predictor
from effsearch.latency.program import Program
from effsearch.latency.regression import FEATURES, layer_features
from effsearch.latency.table import COLUMNS, TableWriter, read_table
from effsearch.latency.timing import Run, Timed, summary
from effsearch.latency.torch_meter import TorchMeter
from effsearch.search_spaces.errors import InputError
from effsearch.search_spaces.space_file import load_space, parse_space

SPACE = parse_space(
    """
resolution: [16, 24]
activation: [relu, silu]
classes: 5
stem: {channels: [4, 8], pool: [true, false], kind: [plain, deep]}
stages:
  - block: [{op: identity}, {op: mbconv, expand: 3, se: 0.25}, {op: bottleneck, expand: 0.5}]
    channels: [8, 12]
    stride: 2
    layers: [1, 2]
  - {op: [conv, fused_mbconv], channels: 16, expand: 2, skip: [none, identity, pool]}
head: {channels: [0, 16]}
""",
    "small",
)


class Machine(DeviceMeter):
    """A machine whose speed is known: an operation takes its multiply-adds, a call a constant."""

    setting = Setting(backend="torch", device="known", versions="1")

    def __init__(self, call_ms: float = 0.01, fail_after: int | None = None) -> None:
        self.call_ms = call_ms
        self.prepared = 0
        self._fail_after = fail_after

    def prepare(self, program: Program) -> Timed:
        self.prepared += 1
        if self._fail_after is not None and self.prepared > self._fail_after:
            raise KeyboardInterrupt
        weights = sum(int(np.prod(conv.weight_shape)) for conv in program.convs)
        ms = self.call_ms + 1e-4 * weights
        return lambda: Run(ms)


ONCE = BuildOptions(passes=1, rounds=1, networks=30)


@pytest.mark.parametrize("name", ["mnasnet", "efficientnetv2"])
def test_every_layer_of_a_spaces_networks_is_a_layer_of_the_space(name: str) -> None:
    space = load_space(name)
    layers = set(layers_of_space(space))
    for row in space.sample(np.random.default_rng(0), 50):
        assert layers.issuperset(layers_of(space.decode(row)))


def test_a_space_has_no_layers_but_those_of_its_networks() -> None:
    every = {layer for row in SPACE.enumerate() for layer in layers_of(SPACE.decode(row))}
    assert set(layers_of_space(SPACE)) == every


def test_a_table_is_read_as_it_was_built(tmp_path: Path) -> None:
    built = build_table(tmp_path / "t.csv", SPACE, Machine(), ONCE)
    read = read_table(tmp_path / "t.csv")
    assert read.setting == Machine.setting
    assert set(read.layers) == set(built.layers) == set(layers_of_space(SPACE))
    assert list(read.networks) == list(built.networks)
    for layer, measured in built.layers.items():
        assert read.low_ms(layer) == pytest.approx(measured.low_ms, rel=1e-5)


def test_a_stopped_build_goes_on_where_it_was(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    layers = len(layers_of_space(SPACE))
    with pytest.raises(KeyboardInterrupt):
        build_table(path, SPACE, Machine(fail_after=layers // 2), ONCE)
    kept = len(read_table(path).layers)
    assert 0 < kept < layers
    with path.open("a") as stream:
        stream.write("conv,3,1,4,4")  # what a kill leaves of a line
    machine = Machine()
    table = build_table(path, SPACE, machine, ONCE)
    assert set(table.layers) == set(layers_of_space(SPACE)) == set(read_table(path).layers)
    assert machine.prepared == layers - kept + len(table.networks)
    again = Machine()
    build_table(path, SPACE, again, ONCE)
    assert again.prepared == 0


def test_the_fastest_pass_counts(tmp_path: Path) -> None:
    layer = layers_of_space(SPACE)[0]
    writer = TableWriter(tmp_path / "t.csv", Machine.setting)
    for ms in (3.0, 2.0, 4.0):
        writer.write(layers=[(layer, summary([Run(ms)]))])
    writer.close()
    found = read_table(tmp_path / "t.csv").layers[layer]
    assert (found.low_ms, found.passes) == (2.0, 3)


def test_the_correction_finds_what_a_call_costs(tmp_path: Path) -> None:
    # A layer alone costs a call of 0.05 ms, and a network only one for all its layers.
    table = build_table(tmp_path / "t.csv", SPACE, Machine(call_ms=0.05), ONCE)
    predictor = Predictor(table)
    assert predictor.correction.offset_ms < 0
    assert len(predictor.accuracy.measured_ms) == len(table.networks) // 3
    assert predictor.accuracy.error < 0.05
    assert predictor.accuracy.tau > 0.9


def test_without_whole_networks_layers_add_up(tmp_path: Path) -> None:
    table = build_table(tmp_path / "t.csv", SPACE, Machine(), replace(ONCE, networks=0))
    network = SPACE.decode(next(SPACE.enumerate()))
    predicted = Predictor(table).network_ms(network)
    assert predicted == pytest.approx(sum(table.low_ms(layer) for layer in layers_of(network)))


def test_whole_networks_alone_are_described_by_what_their_layers_do(tmp_path: Path) -> None:
    # This machine's time is a call and the weights, and the regression knows of both.
    table = build_from_networks(tmp_path / "t.csv", SPACE, Machine(call_ms=0.0), ONCE)
    assert table.layers == {}
    predictor = Predictor(read_table(tmp_path / "t.csv"))
    assert len(predictor.accuracy.measured_ms) == 10
    assert predictor.accuracy.worst < 0.01


def test_features_count_what_a_layer_does() -> None:
    layer = Layer("mbconv", 3, 2, 4, 8, 6, 2, "none", "relu", 10)
    found = dict(zip(FEATURES, layer_features(layer), strict=True))
    assert found == {
        "depthwise_macs": 0,
        "strided_depthwise_macs": 8 * 9 * 25,
        "pointwise_macs": 4 * 8 * 100 + 2 * 8 * 2 + 8 * 6 * 25,
        "dense_macs": 0,
        "weights": 4 * 8 + 8 * 9 + 2 * 8 * 2 + 8 * 6,
        "written": 8 * 100 + 8 * 25 + 2 + 8 + 6 * 25,
        "cheap_activations": 8 * 100 + 8 * 25 + 2,
        "smooth_activations": 0,
        "other_reads": 8 * 25 + 8 + 8 * 25,  # mean, sigmoid, scale
        "steps": 10 + 1,
    }


def test_many_latencies_equal_single_ones(tmp_path: Path) -> None:
    predictor = Predictor(build_table(tmp_path / "t.csv", SPACE, Machine(), ONCE))
    rows = np.array(list(SPACE.enumerate()))
    population = PopulationLatency(SPACE, predictor.layer_ms)
    found = population(rows)
    single = [predictor.network_ms(SPACE.decode(row)) for row in rows]
    np.testing.assert_allclose(found, single, rtol=1e-9)
    assert population.range == pytest.approx((min(single), max(single)))
    assert population(rows[:0]).shape == (0,)


def test_many_latencies_of_a_shipped_space_equal_single_ones() -> None:
    space = load_space("mnasnet")
    rows = space.sample(np.random.default_rng(0), 50)

    def layer_ms(layer: Layer) -> float:
        return layer_cost(layer).macs / 1e7 + (0.5 if layer.activation == "silu" else 0.1)

    found = PopulationLatency(space, layer_ms)(rows)
    single = [sum(map(layer_ms, layers_of(space.decode(row)))) for row in rows]
    np.testing.assert_allclose(found, single, rtol=1e-9)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("device", "another"),
        ("dtype", "float16"),
        ("versions", "2"),
        ("threads", 4),
        ("batch", 64),
        ("backend", "onnxruntime"),
    ],
)
def test_a_table_of_anything_else_is_refused_by_name(
    tmp_path: Path, name: str, value: object
) -> None:
    table = build_table(tmp_path / "t.csv", SPACE, Machine(), replace(ONCE, networks=0))
    with pytest.raises(InputError, match=f"with {name} '.*', and this is '{value}'"):
        table.check_setting(replace(Machine.setting, **{name: value}))


def test_building_on_the_table_of_another_device_is_refused(tmp_path: Path) -> None:
    build_table(tmp_path / "t.csv", SPACE, Machine(), replace(ONCE, networks=0))
    with pytest.raises(InputError, match="was measured with device 'known'"):
        build_table(tmp_path / "t.csv", SPACE, TorchMeter(), ONCE)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"notes of mine", "is not a latency table"),
        (b"notes of mine\n", "is not a latency table"),
        (b"notes of mine\nwith two lines\n", "is not a latency table"),
        (b"\xff\xfe", "cannot read the latency table .*: it is not text"),
        (None, "cannot read the latency table .*: Is a directory"),
    ],
)
def test_building_into_what_is_no_table_is_refused_and_leaves_it(
    tmp_path: Path, content: bytes | None, said: str
) -> None:
    path = tmp_path / "t.csv"
    path.mkdir() if content is None else path.write_bytes(content)
    with pytest.raises(InputError, match=said):
        build_table(path, SPACE, Machine(), ONCE)
    assert path.is_dir() if content is None else path.read_bytes() == content


@pytest.mark.parametrize("cut", [0, 9, None])
def test_a_build_goes_on_from_any_part_of_the_first_line(tmp_path: Path, cut: int | None) -> None:
    path = tmp_path / "t.csv"
    path.write_text((",".join(COLUMNS) + "\n")[:cut])
    few = replace(ONCE, networks=2)
    built = build_table(path, SPACE, Machine(), few)
    assert set(read_table(path).layers) == set(built.layers)


def test_a_build_that_measured_nothing_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    with pytest.raises(KeyboardInterrupt):
        build_table(path, SPACE, Machine(fail_after=0), ONCE)
    assert not path.exists()
    path.write_text(",".join(COLUMNS) + "\n")  # not of this build
    with pytest.raises(KeyboardInterrupt):
        build_table(path, SPACE, Machine(fail_after=0), ONCE)
    assert path.exists()


@pytest.mark.parametrize("room", [20, 1000])
def test_a_disk_that_is_full_from_the_start_is_told_and_leaves_nothing(
    tmp_path: Path, room: int
) -> None:
    path = tmp_path / "t.csv"
    code = (
        "import sys, resource; from pathlib import Path\n"
        "from effsearch.search_spaces.errors import EffsearchError\n"
        "from tests.latency.test_table import *\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({room}, {room}))\n"
        "try: build_table(Path(sys.argv[1]), SPACE, Machine(), ONCE)\n"
        "except EffsearchError as problem: print(problem)\n"
    )
    ended = subprocess.run(
        [sys.executable, "-B", "-c", code, str(path)],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
    )
    assert ended.stdout == f"cannot write {path}: File too large\n", ended.stderr
    assert not path.exists()


def test_a_layer_that_is_not_there_is_named_with_the_cure(tmp_path: Path) -> None:
    table = build_table(tmp_path / "t.csv", SPACE, Machine(), replace(ONCE, networks=0))
    layer = layers_of(load_space("mnasnet").decode(np.zeros(51, np.int64)))[0]
    with pytest.raises(InputError, match=r"lacks the layer stem k3 .* effsearch lut build"):
        table.low_ms(layer)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "not a latency table"),
        ("a,b\n1,2\n", "not a latency table"),
        (None, "cannot read"),
    ],
)
def test_what_is_no_table_is_refused(tmp_path: Path, text: str | None, said: str) -> None:
    path = tmp_path / "t.csv"
    if text is not None:
        path.write_text(text)
    with pytest.raises(InputError, match=said):
        read_table(path)


def test_a_damaged_line_is_named(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    build_table(path, SPACE, Machine(), replace(ONCE, networks=0))
    lines = path.read_text().splitlines(keepends=True)
    for damage in ("x,", "conv,3,1,4,4,4,0,none,relu,16,torch,known,float32,1,1,1,-2,1,0,1,\n"):
        path.write_text("".join([*lines[:3], damage.ljust(3) + "\n" * (damage[-1] != "\n")]))
        with pytest.raises(InputError, match=r"line 4: damaged"):
            read_table(path)


def test_the_layers_of_every_kind_can_be_measured_for_real() -> None:
    meter = TorchMeter()
    kinds = {layer.operation: layer for layer in layers_of_space(SPACE)}
    for layer in itertools.islice(kinds.values(), 20):
        assert meter.prepare(layer_program(layer))().ms > 0
