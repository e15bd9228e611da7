"""Meters: what they measure, and what goes wrong with devices and commands."""

import sys
import time
from pathlib import Path

import pytest
import torch

from effsearch.latency.base_meter import measure
from effsearch.latency.command_meter import CommandMeter
from effsearch.latency.meter import make_meter
from effsearch.latency.timing import Run, Sampling, sample, sample_in_turn, summary
from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.errors import EffsearchError, InputError, MissingResourceError
from effsearch.search_spaces.parts import Head, Stage, Stem

SMALL = Architecture(
    stem=Stem(channels=8),
    stages=(Stage(op="mbconv", channels=8, expand=2, se=0.25),),
    head=Head(channels=16),
    resolution=16,
    classes=4,
)
LARGE = Architecture(stages=(Stage(op="conv", channels=64, layers=3),), resolution=64)
SHORT = Sampling(least=5, most=8, seconds=0.2, warm_seconds=0.2)


@pytest.mark.parametrize("backend", ["torch", "onnxruntime"])
def test_a_larger_network_takes_longer(backend: str) -> None:
    if backend == "onnxruntime":
        pytest.importorskip("onnxruntime")
    meter = make_meter(backend)
    small, large = (measure(meter, network, sampling=SHORT) for network in (SMALL, LARGE))
    assert 0 < small.timing.low_ms < large.timing.low_ms
    assert small.timing.low_ms <= small.median_ms <= small.timing.p95_ms
    assert small.setting.backend == backend
    assert small.setting.threads == 1
    assert small.resolution == 16
    assert small.to_dict()["batch"] == 1


def test_resolution_and_batch_are_measured_as_asked() -> None:
    one = measure(make_meter(batch=1), LARGE, 16, SHORT)
    many = measure(make_meter(batch=8), LARGE, 48, SHORT)
    assert many.setting.batch == 8
    assert many.resolution == 48
    assert many.timing.low_ms > one.timing.low_ms


def test_a_measurement_leaves_torchs_threads_as_they_were() -> None:
    before = torch.get_num_threads()
    measure(make_meter(threads=before + 1), SMALL, sampling=SHORT)
    assert torch.get_num_threads() == before


def test_bfloat16_is_measured() -> None:
    assert measure(make_meter(dtype="bfloat16"), SMALL, sampling=SHORT).median_ms > 0


def test_int8_is_measured_on_onnx_runtime() -> None:
    pytest.importorskip("onnxruntime")
    found = measure(make_meter(dtype="int8"), SMALL, sampling=SHORT)
    assert (found.setting.backend, found.setting.dtype) == ("onnxruntime", "int8")
    assert found.median_ms > 0


def test_disturbed_runs_do_not_count_where_enough_others_do() -> None:
    timing = summary([Run(1.0)] * 9 + [Run(50.0, disturbed=True)] * 2)
    assert timing.median_ms == timing.p95_ms == 1.0
    assert (timing.runs, timing.disturbed, timing.noisy) == (9, 2, False)


def test_outliers_are_counted() -> None:
    timing = summary([Run(ms) for ms in (1.0, 1.01, 1.02, 1.03, 1.04, 1.05, 9.0)])
    assert timing.outliers == 1


def test_a_noisy_machine_is_noticed() -> None:
    assert summary([Run(1.0), Run(1.0, disturbed=True)]).noisy
    assert summary([Run(1.0), Run(1.5), Run(2.0), Run(2.5), Run(3.0)]).noisy


def test_sampling_ends_when_the_median_is_known() -> None:
    timing = sample(lambda: Run(1.0), Sampling(least=7, most=500, seconds=60.0))
    assert timing.runs == 7


def test_things_are_timed_in_turn() -> None:
    order: list[str] = []

    def thing(name: str) -> Run:
        order.append(name)
        return Run(1.0 if name == "a" else 2.0)

    first, second = sample_in_turn([lambda: thing("a"), lambda: thing("b")], rounds=3)
    assert (first.median_ms, second.median_ms) == (1.0, 2.0)
    assert "".join(order) == "ab" * 5  # two rounds of warm-up


@pytest.mark.parametrize(
    ("backend", "device", "options", "said"),
    [
        ("tflite", "cpu", {}, "unknown latency backend 'tflite'"),
        ("torch", "tpu", {}, "unknown device 'tpu'"),
        ("torch", "cpu", {"dtype": "int4"}, "unknown type of numbers 'int4'"),
        ("torch", "cpu", {"dtype": "int8"}, "take the backend onnxruntime"),
        (None, "cuda", {"dtype": "int8"}, "int8 runs on the cpu, by ONNX Runtime, not on cuda"),
        ("onnxruntime", "cpu", {"dtype": "bfloat16"}, "in float32 or int8"),
        ("torch", "cpu", {"threads": 0}, "threads must be at least 1"),
    ],
)
def test_a_meter_that_cannot_be_is_refused(
    backend: str | None, device: str, options: dict[str, object], said: str
) -> None:
    with pytest.raises(InputError, match=said):
        make_meter(backend, device, **options)  # type: ignore[arg-type]


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_a_cuda_device_that_is_not_there_is_missing() -> None:
    with pytest.raises(MissingResourceError, match="there is no CUDA device"):
        make_meter("torch", "cuda")


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("graph", [False, True])
def test_cuda_measures_with_and_without_a_graph(graph: bool) -> None:
    meter = make_meter("torch", "cuda", dtype="float16", batch=8, graph=graph)
    small, large = (measure(meter, network, sampling=SHORT) for network in (SMALL, LARGE))
    assert small.median_ms > 0
    assert large.median_ms > 0
    assert small.setting.device == torch.cuda.get_device_name()
    assert ("graph" in small.setting.versions) == graph


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_cuda_device_beyond_the_last_is_missing() -> None:
    with pytest.raises(MissingResourceError, match="there is no device 'cuda:99'"):
        make_meter("torch", "cuda:99")


def _command(tmp_path: Path, text: str, timeout: float = 60.0) -> CommandMeter:
    pytest.importorskip("onnx")
    script = tmp_path / "phone.py"
    script.write_text(text)
    return CommandMeter(f"{sys.executable} {script} {{onnx}}", timeout=timeout)


def test_a_command_is_given_the_file_and_its_numbers_are_milliseconds(tmp_path: Path) -> None:
    meter = _command(
        tmp_path,
        "import sys, onnx\n"
        "shape = onnx.load(sys.argv[1]).graph.input[0].type.tensor_type.shape\n"
        "print('side', shape.dim[2].dim_value)\n"
        "print('8.5\\n7.5 ms\\n9.5')\n",
    )
    found = measure(meter, SMALL)
    assert found.median_ms == 8.5
    assert found.timing.runs == 3
    assert found.setting.backend == "command"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "it printed nothing"),
        ("print('fast enough')", "its last line was 'fast enough'"),
        ("print('-3')", "printed -3 ms: a latency is above zero"),
        ("import sys; sys.exit('first\\nno device found')", "exit code 1: no device found"),
    ],
)
def test_what_is_wrong_with_a_command_is_said(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(EffsearchError, match=said):
        measure(_command(tmp_path, text), SMALL)


@pytest.mark.slow
def test_a_command_that_hangs_is_stopped_with_all_it_started(tmp_path: Path) -> None:
    sign = tmp_path / "alive"
    child = f"import time, pathlib; time.sleep(3); pathlib.Path({str(sign)!r}).touch()"
    meter = _command(
        tmp_path,
        "import subprocess, sys\n"
        "print(f'reached\\nwaiting for {sys.argv[1]}', file=sys.stderr, flush=True)\n"
        f"subprocess.run([sys.executable, '-c', {child!r}])",
        timeout=1.0,
    )
    said = r"took more than 1 s and was stopped after saying 'waiting for \{onnx\}': is the device"
    with pytest.raises(EffsearchError, match=said):
        measure(meter, SMALL)
    time.sleep(3)
    assert not sign.exists()


def test_a_command_that_does_not_exist_is_missing() -> None:
    pytest.importorskip("onnx")
    with pytest.raises(MissingResourceError, match="'no-such-program' cannot be started"):
        measure(CommandMeter("no-such-program {onnx}"), SMALL)


@pytest.mark.parametrize("command", ["python phone.py", "python 'phone.py {onnx}"])
def test_a_command_that_cannot_work_is_refused(command: str) -> None:
    with pytest.raises(InputError, match="latency command"):
        CommandMeter(command)
