"""A trained model in int8: calibrated on what its training held out, beside float32."""

import json
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from small_model import HELD_OUT, write_model

from effsearch.search_spaces.errors import InputError
from effsearch.search_spaces.notation import parse_architecture
from effsearch.training.export import formats, int8
from tests.effsearch.conftest import Cli

if any(find_spec(name) is None for name in ("onnxruntime", "onnxscript")):
    pytest.skip("the extra onnx is not installed", allow_module_level=True)

pytestmark = pytest.mark.slow  # torch's exporter takes seconds
TINY = parse_architecture("res16 act_relu stem_k3_s2_c8 ds_r1_k3_s2_c16 head_c32")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("int8") / "best.safetensors"
    write_model(path, TINY, **HELD_OUT)
    return path


@pytest.fixture(scope="module", autouse=True)
def _one_graph() -> Iterator[None]:
    """torch's exporter takes seconds, and every test here wants the same graph."""
    patch = pytest.MonkeyPatch()
    make = formats.onnx_model
    known = []

    def once(*given: object) -> object:
        if not known:
            known.append(make(*given))  # type: ignore[arg-type]
        return known[0]

    patch.setattr(int8, "onnx_model", once)
    patch.setattr(formats, "onnx_model", once)
    yield
    patch.undo()


def test_both_are_evaluated_on_the_same_images(model: Path) -> None:
    found = int8.evaluate_int8(model, device="cpu")
    assert found.float32.images == found.int8.images == 359
    assert found.calibration == int8.Calibration(images=256, data="digits")
    assert found.int8.loss != found.float32.loss
    assert abs(found.top1_lost) < 0.05
    assert "359 images of digits, test part; calibrated on 256 images" in found.line


def test_images_that_calibrate_and_are_evaluated_are_told(model: Path) -> None:
    found = int8.evaluate_int8(model, part="validation")
    assert found.int8.images == 287
    assert "validation part, which is evaluated here too" in found.line


def test_without_a_validation_part_there_is_nothing_to_calibrate_on(tmp_path: Path) -> None:
    write_model(tmp_path / "m.safetensors", TINY)
    said = "calibrated on images of a validation part, and 'digits' has no .*: name --data that has"
    with pytest.raises(InputError, match=said):
        int8.evaluate_int8(tmp_path / "m.safetensors")


def test_an_export_in_int8_says_what_it_loses(cli: Cli, model: Path) -> None:
    import onnxruntime

    done = cli("export", str(model), "--dtype", "int8", "--json")
    assert done.code == 0, done.err
    document = json.loads(done.out)
    path = model.with_name("best.int8.onnx")
    assert document["path"] == str(path)
    found = document["int8"]
    assert (found["images"], found["part"], found["calibration"]["images"]) == (359, "test", 256)
    lost = found["float32"]["top1"] - found["int8"]["top1"]
    assert found["top1_lost"] == pytest.approx(lost)
    for text in (done.err, path.with_name("best.int8.onnx.md").read_text()):
        assert f"{found['float32']['top1']:.2%} in float32" in text
        assert "calibrated on 256 images of digits, validation part" in text
    session = onnxruntime.InferenceSession(path)
    assert session.get_modelmeta().custom_metadata_map["resolution"] == "16"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["export", "--format", "torchscript"], "int8 is for the format onnx"),
        (["evaluate", "--device", "cuda"], "int8 runs on the cpu"),
    ],
)
def test_where_int8_does_not_run_it_is_refused(
    cli: Cli, model: Path, arguments: list[str], said: str
) -> None:
    command, *options = arguments
    done = cli(command, str(model), "--dtype", "int8", *options)
    assert (done.code, done.error[: len(said)]) == (2, said)


def test_evaluate_prints_both_side_by_side(cli: Cli, model: Path) -> None:
    done = cli("evaluate", str(model), "--dtype", "int8")
    assert done.out.splitlines()[0].split() == ["class", "images", "float32", "int8"]
    assert "in float32, " in done.out
    assert "int8: calibrated on 256 images of digits, validation part" in done.out


def test_a_package_that_is_missing_is_told_with_its_cure(
    cli: Cli, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    for command in (("profile", "mnasnet-a1", "--latency"), ("lut", "build")):
        done = cli(*command, "--dtype", "int8")
        assert (done.code, "pip install 'effsearch[onnx]'" in done.error) == (4, True)


SPACE = """
resolution: 16
classes: 5
stem: {channels: 4}
stages:
  - {op: [conv, mbconv], channels: [4, 8], stride: 2, kernel: [3, 5], se: [0, 0.5]}
head: {channels: 8}
"""


def test_a_search_by_latency_in_int8(cli: Cli) -> None:
    Path("small.yaml").write_text(SPACE)
    search = ("baseline", "--space", "small.yaml", "--dry-run", "--evaluator", "zero-cost")
    lacking = cli(*search, "--target-latency", "1ms", "--latency-dtype", "int8")
    assert "--dtype int8 --output lut/small-onnxruntime-int8-cpu-b1.csv" in lacking.error
    built = cli(
        *("lut", "build", "--space", "small.yaml", "--passes", "1", "--networks", "9"),
        *("--dtype", "int8", "--json"),
    )
    assert built.code == 0, built.err
    document = json.loads(built.out)
    assert document["table"] == "lut/small-onnxruntime-int8-cpu-b1.csv"
    assert document["setting"]["dtype"] == "int8"
    table = ("--no-target", "--latency-table", document["table"])  # any target may be missed
    found = cli(*search, *table, "--json")
    assert found.code == 0, found.err
    assert "latency from lut/small-onnxruntime-int8" in json.loads(found.out)["latency"]
    other = cli(*search, *table, "--latency-dtype", "float32")
    assert "was measured with dtype 'int8', and this is 'float32'" in other.error
