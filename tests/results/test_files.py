"""Whole files or none."""

import os
import resource
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from effsearch.results.store.files import read_json_object, write_atomically, write_json
from effsearch.search_spaces.errors import EffsearchError, InputError

ROOT = Path(__file__).parents[2]


def in_a_process(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_json_document_ends_with_a_newline_and_reads_back(tmp_path: Path) -> None:
    path = tmp_path / "answer.json"
    write_json(path, {"macs": 385814752, "alpha": 1.2})
    assert path.read_text() == '{\n  "macs": 385814752,\n  "alpha": 1.2\n}\n'
    assert read_json_object(path) == {"macs": 385814752, "alpha": 1.2}


def test_nan_is_not_written_and_the_old_file_stays(tmp_path: Path) -> None:
    path = tmp_path / "answer.json"
    write_json(path, {"reward": 1})
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(path, {"reward": float("nan")})
    assert read_json_object(path) == {"reward": 1}


def test_a_written_file_has_the_permissions_of_any_new_file(tmp_path: Path) -> None:
    (tmp_path / "plain").touch()
    write_atomically(tmp_path / "atomic", "text")
    assert stat.S_IMODE((tmp_path / "atomic").stat().st_mode) == stat.S_IMODE(
        (tmp_path / "plain").stat().st_mode
    )


def test_text_from_a_foreign_locale_is_written_all_the_same(tmp_path: Path) -> None:
    write_atomically(tmp_path / "text", "caf\udce9")
    assert (tmp_path / "text").read_text() == "caf\\udce9"


def test_a_missing_folder_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(EffsearchError, match=r"^cannot write .*no-folder/x: No such file.*$"):
        write_atomically(tmp_path / "no-folder" / "x", "text")


def test_a_disk_without_room_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    write_atomically(tmp_path / "x", "old")
    code = (
        "import sys, resource; from pathlib import Path\n"
        "from effsearch.results.store.files import *\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, (1000, {resource.RLIM_INFINITY}))\n"
        "try: write_atomically(Path(sys.argv[1]), 'new' * 1000)\n"
        "except EffsearchError as problem: print(problem)"
    )
    ended = in_a_process(code, str(tmp_path / "x"))
    assert ended.stdout.startswith(f"cannot write {tmp_path / 'x'}: File too large"), ended.stderr
    assert ended.stdout.count("\n") == 1
    assert [entry.name for entry in tmp_path.iterdir()] == ["x"]
    assert (tmp_path / "x").read_text() == "old"


def test_a_read_only_folder_is_one_line(tmp_path: Path) -> None:
    code = (
        "import os, sys; from pathlib import Path; from effsearch.results.store.files import *\n"
        "from effsearch.results.store.run import Run\n"
        "os.chdir(sys.argv[1])\n"
        "if os.geteuid() == 0: os.seteuid(65534)\n"
        "for act in (lambda: write_atomically(Path('x'), 'text'),\n"
        "            lambda: Run.create(Path('runs'), 'baseline', command=[], config={})):\n"
        "    try: act()\n"
        "    except EffsearchError as problem: print(problem)"
    )
    os.chmod(tmp_path, 0o555)
    ended = in_a_process(code, str(tmp_path))
    os.chmod(tmp_path, 0o755)
    lines = ended.stdout.splitlines()
    assert [line.split(": ")[:2] for line in lines] == [
        ["cannot write x", "Permission denied"],
        ["cannot write runs/baseline", "Permission denied"],
    ], ended.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ["", "{", "[1]", '{"reward": NaN}', "\xff"])
def test_a_broken_document_is_refused_by_name(tmp_path: Path, text: str) -> None:
    path = tmp_path / "answer.json"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(InputError, match=r"answer\.json"):
        read_json_object(path)
