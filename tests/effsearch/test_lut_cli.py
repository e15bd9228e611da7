"""`effsearch lut` and `effsearch profile --latency` on the command line."""

import json
import sys
from pathlib import Path

import pytest

from tests.effsearch.conftest import Cli

SPACE = """
resolution: 16
classes: 5
stem: {channels: 4}
stages:
  - {op: [conv, mbconv], channels: [4, 8], stride: 2, layers: [1, 2], kernel: [3, 5], se: [0, 0.5]}
head: {channels: 8}
"""
BUILD = ("lut", "build", "--space", "small.yaml", "--passes", "1", "--networks", "9")


@pytest.fixture
def space(cli: Cli) -> Path:
    path = Path("small.yaml")
    path.write_text(SPACE)
    return path


def test_a_table_is_built_shown_and_drawn(cli: Cli, space: Path) -> None:
    built = cli(*BUILD)
    assert built.code == 0
    assert "table: lut/small-torch-cpu-b1.csv" in built.err
    assert "unseen networks: 3, median error" in built.out
    shown = cli("lut", "show", "lut/small-torch-cpu-b1.csv", "--json", "--plot", "p.png")
    document = json.loads(shown.out)
    assert document["setting"]["backend"] == "torch"
    assert document["networks"] == 9
    assert document["unseen_networks"]["count"] == 3
    assert {row["operation"] for row in document["operations"]} >= {"stem", "conv", "head"}
    assert Path("p.png").read_bytes().startswith(b"\x89PNG")
    refused = cli("lut", "show", "lut/small-torch-cpu-b1.csv", "--plot", "p.gif")
    assert "cannot draw p.gif: name a file that ends in .png, .svg, .pdf" in refused.error
    refused = cli("lut", "show", "lut/small-torch-cpu-b1.csv", "--plot", "no/folder/p.svg")
    assert (refused.code, refused.error[:25]) == (1, "cannot write no/folder/p.")


def test_a_table_is_built_by_a_command(cli: Cli, space: Path) -> None:
    pytest.importorskip("onnx")
    Path("phone.py").write_text("import os, sys; print(os.path.getsize(sys.argv[1]) / 1e4)")
    command = f"{sys.executable} phone.py {{onnx}}"
    built = cli(*BUILD, "--latency-command", command, "--json")
    assert built.code == 0, built.err
    document = json.loads(built.out)
    assert document["setting"]["backend"] == "command"
    assert document["layers"] == 0
    assert document["unseen_networks"]["median_error"] < 0.2


@pytest.mark.parametrize(
    ("phone", "code", "said"),
    [
        ("import sys; sys.exit('no device')", 1, "failed with exit code 1: no device"),
        (
            "import os, signal, time; os.kill(os.getppid(), signal.SIGINT); time.sleep(60)",
            130,
            "stopped; nothing was measured yet, the same command continues",
        ),
        (
            "import os, signal, time; os.kill(os.getppid(), signal.SIGTERM); time.sleep(60)",
            143,
            "stopped; nothing was measured yet, the same command continues",
        ),
    ],
)
def test_a_command_that_measures_nothing_leaves_no_table(
    cli: Cli, space: Path, phone: str, code: int, said: str
) -> None:
    pytest.importorskip("onnx")
    Path("phone.py").write_text(phone)
    command = f"{sys.executable} phone.py {{onnx}}"
    answer = cli(*BUILD, "--latency-command", command, "--output", "t.csv")
    assert answer.code == code
    assert said in answer.error
    assert not Path("t.csv").exists()


def test_a_build_that_is_done_measures_nothing_again(cli: Cli, space: Path) -> None:
    cli(*BUILD, "-q")
    before = Path("lut/small-torch-cpu-b1.csv").read_bytes()
    again = cli(*BUILD, "-q")
    assert (again.code, again.err) == (0, "")
    assert Path("lut/small-torch-cpu-b1.csv").read_bytes() == before


def test_profile_predicts_from_a_table(cli: Cli, space: Path) -> None:
    cli(*BUILD, "-q", "--output", "t.csv")
    network = "res16 cls5 act_silu stem_k3_s2_c4 cn_r1_k3_s2_c8_skip head_c8"
    shown = cli("profile", network, "--latency-table", "t.csv", "--json")
    assert shown.code == 0, shown.err
    assert json.loads(shown.out)["predicted_latency_ms"] > 0


def test_profile_sets_prediction_and_measurement_side_by_side(cli: Cli, space: Path) -> None:
    cli(*BUILD, "-q", "--output", "t.csv")
    network = "res16 cls5 act_silu stem_k3_s2_c4 cn_r1_k3_s2_c8_skip head_c8"
    arguments = ("profile", network, "--latency", "--latency-table", "t.csv", "--json")
    document = json.loads(cli(*arguments).out)
    assert document["predicted_latency_ms"] > 0
    assert document["latency"]["median_ms"] > 0
    refused = cli(*arguments, "--batch", "4")
    assert refused.code == 2
    assert "t.csv was measured with batch '1', and this is '4'" in refused.error


def test_profile_refuses_a_table_that_lacks_a_layer(cli: Cli, space: Path) -> None:
    cli(*BUILD, "-q", "--output", "t.csv")
    answer = cli("profile", "efficientnet-b0", "--latency-table", "t.csv")
    assert answer.code == 2
    assert "t.csv lacks the layer stem" in answer.error
    assert "effsearch lut build" in answer.error


def test_a_table_of_another_setting_is_not_built_on(cli: Cli, space: Path) -> None:
    cli(*BUILD, "-q", "--output", "t.csv")
    answer = cli(*BUILD, "-q", "--output", "t.csv", "--batch", "2")
    assert answer.code == 2
    assert "t.csv was measured with batch '1', and this is '2'" in answer.error


@pytest.mark.slow
def test_profile_measures_on_request(cli: Cli) -> None:
    shown = cli("profile", "mobilenet-v2", "--resolution", "32", "--latency", "--json")
    latency = json.loads(shown.out)["latency"]
    assert latency["median_ms"] > 0
    assert latency["resolution"] == 32
    assert latency["backend"] == "torch"


def test_profile_measures_by_a_command(cli: Cli) -> None:
    pytest.importorskip("onnx")
    Path("phone.py").write_text("print(12.5)")
    command = f"{sys.executable} phone.py {{onnx}}"
    shown = cli("profile", "mobilenet-v2", "--resolution", "32", "--latency-command", command)
    assert "latency: 12.500 ms" in shown.out


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("lut", "show", "nothing.csv"), 2, "cannot read the latency table nothing.csv"),
        (("lut", "build", "--backend", "tflite"), 2, "unknown latency backend 'tflite'"),
        (("lut", "build", "--output", "."), 2, "cannot read the latency table .: Is a directory"),
        (
            ("lut", "build", "--passes", "0"),
            2,
            "'--passes': '0' should be greater than or equal to 1",
        ),
        (("profile", "mobilenet-v2", "--latency-command", "phone"), 2, "must say {onnx}"),
        (
            ("profile", "mobilenet-v2", "--latency-command", "p {onnx}", "--latency-timeout", "3"),
            2,
            "'3' is not a time with its unit",
        ),
        (("lut", "build", "--device", "cuda:99"), 4, "device 'cuda:99'"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_line(
    cli: Cli, arguments: tuple[str, ...], code: int, said: str
) -> None:
    answer = cli(*arguments)
    assert answer.code == code
    assert said in answer.error
