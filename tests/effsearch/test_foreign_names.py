"""Names from foreign files reach no terminal with what it would obey, on neither stream."""

import json
from pathlib import Path

import pytest

NAME = "a\x1b[31mred\x1b]0;title\x07"


def folder_of(root: Path, name: str) -> None:
    from PIL import Image

    for part in ("train", "val"):
        for label in (name, "other"):
            folder = root / part / label
            folder.mkdir(parents=True)
            for number in range(4):
                Image.new("RGB", (8, 8), (40 * number, 0, 0)).save(folder / f"{number}.png")


@pytest.mark.parametrize(
    "arguments",
    [
        ("baseline", "--space", NAME),
        ("baseline", "--ray-address", NAME),
        ("train", "--data", NAME),
        ("train", "--model", NAME),
        ("evaluate", f"{NAME}.safetensors"),
        ("coefficients", "--baseline", f"{NAME}.json"),
        ("results", "show", NAME),
        ("nothing", NAME),
        ("results", "ls", f"--{NAME}"),
    ],
    ids=lambda arguments: " ".join(arguments)[:20],
)
def test_errors_spell_control_characters_out(arguments: tuple[str, ...], cli) -> None:
    answer = cli(*arguments)
    assert answer.code != 0
    assert "\x1b" not in answer.err + answer.out
    assert "\x07" not in answer.err + answer.out


@pytest.mark.slow
def test_classes_of_a_folder_and_a_bad_image_are_named_without_them(cli, tmp_path: Path) -> None:
    folder_of(tmp_path / "images", NAME)
    (tmp_path / "images" / "train" / NAME / "bad.png").write_bytes(b"no image")
    tiny = "res16 stem_k3_s1_c8 ir_r1_k3_s2_e2_c16 head_c32 cls10"
    given = ("--model", tiny, "--data", "images", "--epochs", "1", "--device", "cpu")
    refused = cli("train", *given)
    assert refused.code == 2
    assert "bad.png" in refused.err
    skipped = cli("train", *given, "--skip-bad", "-q", "--json")
    assert skipped.code == 0
    assert "\x1b" not in refused.err + skipped.err + skipped.out
    assert NAME in [row["name"] for row in json.loads(skipped.out)["per_class"]]
    shown = cli("evaluate", "train/001", "--data", "images")
    assert shown.code == 0
    assert "\x1b" not in shown.out + shown.err


def test_a_damaged_run_is_named_without_them(cli, tmp_path: Path) -> None:
    run = tmp_path / "runs" / NAME / "one"
    run.mkdir(parents=True)
    (run / "run.json").write_text("[]")
    listed = cli("results", "ls")
    assert "skipped" in listed.err
    assert "\x1b" not in listed.err
