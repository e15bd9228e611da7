"""Files that users name: pipes, devices, foreign bytes, deep texts are one line each."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from effsearch.latency.table import read_table
from effsearch.results.config import read_config
from effsearch.results.store.files import read_json_object
from effsearch.search_spaces.errors import InputError
from effsearch.search_spaces.space_file import load_space, parse_space
from effsearch.search_spaces.text_file import parse_yaml, read_text_file
from effsearch.search_spaces.zoo import resolve_architecture
from effsearch.training.recipes import named_recipe

READERS: tuple[Callable[[Path], object], ...] = (
    lambda path: read_text_file(path, "file"),
    lambda path: load_space(str(path)),
    lambda path: resolve_architecture(str(path)),
    lambda path: named_recipe(str(path), "digits", {}),
    read_json_object,
    read_table,
    read_config,
)


@pytest.mark.parametrize("read", READERS)
def test_what_never_ends_is_never_read(tmp_path: Path, read: Callable[[Path], object]) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    for path in (tmp_path / "pipe.yaml", Path("/dev/zero")):
        with pytest.raises(InputError, match=r"not a regular file|unknown recipe"):
            read(path)


@pytest.mark.parametrize("read", READERS)
def test_a_path_of_thousands_of_characters_is_one_line(read: Callable[[Path], object]) -> None:
    with pytest.raises(InputError) as caught:
        read(Path("x" * 5000 + ".yaml"))
    assert "\n" not in str(caught.value)


@pytest.mark.slow
@pytest.mark.parametrize(
    "text", ["[" * 5000, "a: " + "{b: " * 3000, "day: 2026-99-99", "n: " + "9" * 5000, "a: [", "\0"]
)
def test_yaml_that_cannot_be_read_is_one_line(text: str) -> None:
    for read in (lambda: parse_yaml(text, "config 'x'"), lambda: parse_space(text, "x")):
        with pytest.raises(
            InputError, match=r"'x' is (not valid YAML|nested too deeply)"
        ) as caught:
            read()
        assert "\n" not in str(caught.value)


def test_bytes_that_are_no_text_are_one_line(tmp_path: Path) -> None:
    (tmp_path / "latin.yaml").write_bytes("größe: 1".encode("latin-1"))
    with pytest.raises(InputError, match="not UTF-8 text"):
        read_text_file(tmp_path / "latin.yaml", "file")
