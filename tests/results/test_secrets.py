"""Passwords are in no record, no settings, no error and no list."""

from pathlib import Path
from typing import Any

import pytest

from effsearch.results.store.record import read_record
from effsearch.results.store.run import Run
from effsearch.results.store.secrets import hide_secrets, without_secrets


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgresql://me:s3cret@host/db", "postgresql://me:***@host/db"),
        ("--storage=mysql+pymysql://me:s3@cr:et@h:3306/d", "--storage=mysql+pymysql://me:***@h:3306/d"),
        ("postgresql://h/db?user=me&password=s3cret", "postgresql://h/db?user=me&password=***"),
        ("postgresql://h/db?sslpassword=s3cret&x=1", "postgresql://h/db?sslpassword=***&x=1"),
        ("sqlite:///study.db", "sqlite:///study.db"),
        ("http://host:8080/a", "http://host:8080/a"),
        ("400M", "400M"),
    ],
)  # fmt: skip
def test_the_password_of_a_url_is_hidden(text: str, shown: str) -> None:
    assert hide_secrets(text) == shown


def test_plain_data_is_searched_to_its_leaves() -> None:
    data: dict[str, Any] = {"a": [{"b": "x://u:p@h"}], "c": 1, "d": None}
    assert without_secrets(data) == {"a": [{"b": "x://u:***@h"}], "c": 1, "d": None}


def test_no_file_of_a_run_holds_one(tmp_path: Path) -> None:
    url = "postgresql://me:s3cret@host/db"
    with Run.create(
        tmp_path,
        "coefficients",
        command=["effsearch", "coefficients", "--storage", url],
        config={"seed": 0, "storage": url},
        extra={"note": 1},
    ) as run:
        run.finish("failed", error=f"{url} does not answer", config={"storage": url})
    files = [path for path in run.path.rglob("*") if path.is_file()]
    assert len(files) > 2
    assert not [path for path in files if b"s3cret" in path.read_bytes()]


def test_that_of_an_older_run_is_not_shown(tmp_path: Path) -> None:
    with Run.create(tmp_path, "coefficients", command=["effsearch"], config={}) as run:
        path = run.paths.record
    text = path.read_text().replace('"effsearch"\n', '"effsearch", "x://me:s3cret@host"\n', 1)
    path.write_text(text)
    assert "s3cret" in path.read_text()
    assert "s3cret" not in str(read_record(run.path))
