"""The table of a large set: the index that JSON holds, and damage by name."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fgsbir.data import index as index_module
from fgsbir.data import photo_table
from fgsbir.data.index import make_index, read_index, write_index
from fgsbir.data.records import DataError
from tests.data.test_index import ENTRIES, SHARDS

pa = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(index_module, "MANY", 2)
    monkeypatch.setattr(photo_table, "PART", 2)
    index = make_index(name="toy", layout="qmul", category="chair", shards=SHARDS, photos=ENTRIES)
    write_index(index, tmp_path)
    assert read_index(tmp_path) == index and "b_1" not in (tmp_path / "index.json").read_text()
    return tmp_path


def changed(name: str, value: Any) -> Callable[[Path], None]:
    """Puts a value into the first row of a column."""

    def change(path: Path) -> None:
        rows, schema = parquet.read_table(path).to_pylist(), photo_table._schema()
        rows[0][name] = value
        parquet.write_table(pa.Table.from_pylist(rows, schema), path)

    return change


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (changed("split", "else"), r"photos\.parquet.*split 'else'"),
        (changed("photo_size", -1), r"photos\.parquet.*'a/1'"),
        (changed("photo_size", None), r"photos\.parquet"),
        (changed("category", None), r"photos\.parquet"),
        (changed("sketches", [{"id": "s", "user": None, "unseen": False, "points": 0}]), r"photos\.parquet.*'a/1'"),
        (changed("shard", "train-00000.tar"), "'a/1' of split test points to shard 'train-00000.tar'"),
        (changed("photo_offset", 2**40), "beyond the end of test-00000.tar"),
        (changed("id", "c"), "photo id 'c' stands more than once"),
        (lambda path: path.write_bytes(path.read_bytes()[:300]), r"photos\.parquet"),
        (lambda path: parquet.write_table(pa.table({"id": ["a"]}), path), r"photos\.parquet: expected the columns"),
        (lambda path: path.unlink(), "expected the photos of the shards, found 0"),
    ],
)
def test_damage_is_named(folder: Path, damage: Callable[[Path], Any], message: str) -> None:
    damage(folder / photo_table.FILE)
    with pytest.raises(DataError, match=message):
        read_index(folder)
