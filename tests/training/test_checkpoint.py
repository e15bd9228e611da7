"""Checkpoint files: what is written comes back; what is not a checkpoint is refused in a line."""

import os
import pickle
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from effsearch.search_spaces.errors import EffsearchError, InputError
from effsearch.training.models.checkpoint import read_checkpoint, read_header, save_checkpoint

HEADER = {"step": 7, "loss": 0.1, "name": "φ", "curve": [1, None, {"a": True}]}


def tensors() -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    shared = torch.randn(6)
    return {
        "channels_last": torch.randn(4, 3, 2, 2).contiguous(memory_format=torch.channels_last),
        "count": torch.tensor(3),
        "half": torch.randn(5).bfloat16(),
        "empty": torch.empty(0),
        "all": shared,
        "part": shared[2:4],
        "learned": torch.nn.Parameter(torch.randn(2)),
    }


def test_tensors_and_header_come_back(tmp_path: Path) -> None:
    path = tmp_path / "last.safetensors"
    save_checkpoint(path, tensors(), HEADER)
    read, header = read_checkpoint(path)

    assert header == {"format": "effsearch/1", **HEADER} == read_header(path)
    wanted = tensors()
    assert read.keys() == wanted.keys()
    for name, tensor in read.items():
        assert tensor.dtype == wanted[name].dtype
        assert torch.equal(tensor, wanted[name].detach())
    assert os.listdir(tmp_path) == ["last.safetensors"]


def test_a_later_checkpoint_replaces_the_earlier(tmp_path: Path) -> None:
    path = tmp_path / "last.safetensors"
    for step in (1, 2):
        save_checkpoint(path, {"a": torch.tensor([step])}, {"step": step})

    read, header = read_checkpoint(path)
    assert (read["a"].item(), header["step"]) == (2, 2)


@pytest.mark.parametrize("share", [0.0, 0.02, 0.5, 0.999])
def test_a_truncated_file_is_refused_by_name(tmp_path: Path, share: float) -> None:
    path = tmp_path / "last.safetensors"
    save_checkpoint(path, tensors(), HEADER)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])

    with pytest.raises(
        InputError, match=r"last\.safetensors' is cut off, damaged or no"
    ) as refused:
        read_checkpoint(path)
    assert "\n" not in str(refused.value)


class Bomb:
    def __reduce__(self) -> tuple[object, ...]:
        return (os.mkdir, ("exploded",))


@pytest.mark.parametrize("write", [torch.save, lambda it, path: path.write_bytes(pickle.dumps(it))])
def test_pickled_code_is_refused_and_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: object
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "model.safetensors"
    write(Bomb(), path)  # type: ignore[operator]

    with pytest.raises(InputError, match="pickled code"):
        read_checkpoint(path)
    assert not Path("exploded").exists()


def test_foreign_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    save_file({"a": torch.zeros(1)}, path)
    with pytest.raises(InputError, match="not a checkpoint of effsearch"):
        read_checkpoint(path)
    for metadata, wanted in [
        ("{", "header of .* is damaged"),
        ("[]", "header of .* is damaged"),
        ('{"format": "effsearch/9"}', "'effsearch/9', and this effsearch reads 'effsearch/1'"),
    ]:
        save_file({"a": torch.zeros(1)}, path, metadata={"effsearch": metadata})
        with pytest.raises(InputError, match=wanted):
            read_header(path)
    path.write_text("no tensors at all")
    with pytest.raises(InputError, match="not a checkpoint"):
        read_checkpoint(path)
    for missing in ("none.safetensors", "x" * 300):
        with pytest.raises(InputError, match="does not exist"):
            read_checkpoint(tmp_path / missing)


def test_a_header_that_is_no_json_is_the_callers_mistake(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON"):
        save_checkpoint(tmp_path / "a", {}, {"loss": float("nan")})
    assert os.listdir(tmp_path) == []


def test_a_disk_that_fills_up_leaves_the_earlier_checkpoint(tmp_path: Path) -> None:
    """A limit on file size stands for the disk: the write fails half-way in the same place."""
    path = tmp_path / "last.safetensors"
    save_checkpoint(path, {"a": torch.tensor([1.0])}, {"step": 1})
    script = f"""
        import resource, signal
        from pathlib import Path
        import torch
        from effsearch.search_spaces.errors import EffsearchError
        from effsearch.training.models.checkpoint import save_checkpoint
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
        try:
            save_checkpoint(Path({str(path)!r}), {{"a": torch.zeros(100_000)}}, {{"step": 2}})
        except EffsearchError as error:
            print(error)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, check=True
    )

    assert str(path) in done.stdout
    assert read_header(path)["step"] == 1
    assert os.listdir(tmp_path) == ["last.safetensors"]


def test_a_missing_folder_is_an_error_of_ours(tmp_path: Path) -> None:
    with pytest.raises(EffsearchError, match="cannot"):
        save_checkpoint(tmp_path / "none" / "a", {}, {})


def test_a_kill_while_writing_leaves_a_whole_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "last.safetensors"
    script = f"""
        from pathlib import Path
        import torch
        from effsearch.training.models.checkpoint import save_checkpoint
        for step in range(10_000):
            tensors = {{"a": torch.full((50_000,), step)}}
            save_checkpoint(Path({str(path)!r}), tensors, {{"s": step}})
            print(step, flush=True)
    """
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        for _ in range(5):
            process.stdout.readline()
        process.send_signal(signal.SIGKILL)

    read, header = read_checkpoint(path)
    assert header["s"] >= 4
    assert torch.equal(read["a"], torch.full((50_000,), header["s"]))
