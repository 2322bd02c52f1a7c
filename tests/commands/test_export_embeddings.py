"""``fgsbir export-embeddings``: the table is the index, and a database that loads it finds what a search finds."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fgsbir.search import embeddings_export
from fgsbir.search.searcher import Searcher
from tests.toy import shape

ROOT = Path(__file__).resolve().parents[2]
Run = Callable[..., int]


@pytest.fixture
def table(
    index: Path, tmp_path: Path, fgsbir: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Path:
    pytest.importorskip("pyarrow")
    monkeypatch.setattr(embeddings_export, "PART", 2)
    assert fgsbir("export-embeddings", index, tmp_path / "photos.parquet") == 0
    assert "3 photos: id, path, vector of 8 numbers" in capsys.readouterr().out
    return tmp_path / "photos.parquet"


def test_the_table_has_a_row_for_each_photo(index: Path, table: Path) -> None:
    from pyarrow import parquet

    gallery, found = Searcher.open(index).gallery, parquet.read_table(table).to_pydict()
    assert found["id"] == [gallery.id(row) for row in range(3)]
    assert found["path"] == [str(gallery.path(row)) for row in range(3)]
    np.testing.assert_array_equal(np.array(found["vector"], np.float32), gallery.embeddings)


def test_the_manuals_lancedb_finds_what_a_search_finds(
    index: Path, table: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("lancedb")
    lines = re.findall(r"```python\n(import lancedb.*?)```", (ROOT / "docs/vectors.md").read_text(), re.DOTALL)
    searcher = Searcher.open(index)
    monkeypatch.chdir(table.parent)
    known: dict[str, Any] = {"query": searcher.encoder.sketch(shape(1))}
    capsys.readouterr()
    exec(lines[0], known)
    found = [line.rsplit(" ", 1) for line in capsys.readouterr().out.splitlines()]
    expected = searcher.search(shape(1), 10)
    assert [path for path, _ in found] == [str(match.path) for match in expected]
    np.testing.assert_allclose([float(far) for _, far in found], [match.distance for match in expected], atol=1e-4)


@pytest.mark.parametrize(
    ("index_at", "out", "message"),
    [("nothing", "t", "expected a folder that fgsbir index has written"), (".", "t", "expected an index, made by")],
)
def test_what_cannot_be_exported_is_told(index_at: str, out: str, message: str, tmp_path: Path, refusal: Any) -> None:
    pytest.importorskip("pyarrow")
    assert message in refusal("export-embeddings", tmp_path / index_at, tmp_path / out)
    assert not (tmp_path / out).exists()
