import json
from pathlib import Path
from typing import Any

import pytest

from fgsbir.data.records import DataError
from tests.data.readers.toy_files import read_all, write_photo

PHOTOS = [
    {"id": "chair-00000", "category": "chair", "split": "train"},
    {"id": "chair-00001", "category": "chair", "split": "val"},
    {"id": "chair-00002", "category": "chair", "split": "test"},
    {"id": "chair-00003", "category": "chair", "split": "unlabelled"},
    {"id": "lamp-00000", "category": "lamp", "split": "train"},
    {"id": "lamp-00001", "category": "lamp", "split": "test"},
]
MANIFEST: dict[str, Any] = {
    "format": 1,
    "seed": 0,
    "categories": [{"name": "chair", "unseen": False}, {"name": "lamp", "unseen": True}],
    "users": [{"id": "u00", "unseen": False}, {"id": "u01", "unseen": True}],
    "photos": PHOTOS,
    "hash": "0",
}
STROKES = [[[10.5, 20], [30, 40.1]], [[50, 60], [70, 80], [90, 100]]]
DRAWN = [("chair-00000", "u00"), ("chair-00000", "u01"), ("chair-00001", "u00"), ("chair-00002", "u00")]
ROWS = [
    {"id": f"{photo}-{k}", "photo": photo, "user": user, "strokes": STROKES}
    for k, (photo, user) in enumerate([*DRAWN, ("lamp-00001", "u00")])
]


def write_set(root: Path, manifest: Any = MANIFEST, rows: list[Any] = ROWS) -> Path:
    for photo in PHOTOS:
        write_photo(root / "photos" / photo["category"] / f"{photo['id']}.jpg")
    (root / "manifest.json").write_text(manifest if isinstance(manifest, str) else json.dumps(manifest))
    lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    (root / "sketches.ndjson").write_text("\n".join(lines) + "\n")
    return root


def test_the_manifest_is_followed(tmp_path: Path) -> None:
    source = read_all("synthetic", write_set(tmp_path), val_frac=0.5)
    assert {photo.id: (photo.category, photo.split, photo.unseen) for photo in source.photos} == {
        "chair-00000": ("chair", "train", False),
        "chair-00001": ("chair", "val", False),
        "chair-00002": ("chair", "test", False),
        "chair-00003": ("chair", "unlabelled", False),
        "lamp-00000": ("lamp", "unlabelled", True),  # a training photo that nobody drew
        "lamp-00001": ("lamp", "test", True),
    }
    assert [(sketch.id, sketch.photo_id, sketch.user, sketch.unseen) for sketch in source.sketches] == [
        ("chair-00000-0", "chair-00000", "u00", False),
        ("chair-00000-1", "chair-00000", "u01", True),
        ("chair-00001-2", "chair-00001", "u00", False),
        ("chair-00002-3", "chair-00002", "u00", False),
        ("lamp-00001-4", "lamp-00001", "u00", True),
    ]
    strokes = source.sketches[0].strokes
    assert strokes[:, 2].tolist() == [0, 1, 0, 0, 1] and strokes[0, :2].tolist() == [10.5, 20]


def without(mapping: dict[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in mapping.items() if name != key}


@pytest.mark.parametrize(
    ("manifest", "message"),
    [
        ("{", r"manifest\.json: expected a JSON object, found damage"),
        ("[]", r"manifest\.json: expected a JSON object, found list"),
        (MANIFEST | {"format": 2}, r"manifest\.json: expected format 1, found 2"),
        (without(MANIFEST, "users"), r"manifest\.json: .*missing 'users'"),
        (MANIFEST | {"photos": [{"id": "a", "category": "chair", "split": "dev"}]}, r"photo 'a': unknown split 'dev'"),
        (MANIFEST | {"photos": [{"id": "a", "category": "sofa", "split": "val"}]}, r"photo 'a': .* category 'sofa'"),
        (MANIFEST | {"photos": PHOTOS + PHOTOS[:1]}, r"expected one photo of id 'chair-00000'"),
    ],
)
def test_a_bad_manifest_is_named(tmp_path: Path, manifest: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_all("synthetic", write_set(tmp_path, manifest))


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("{", "line 2: expected a JSON object, found damage"),
        (without(ROWS[0], "user"), "line 2: .*missing 'user'"),
        (ROWS[0] | {"photo": "chair-9"}, "line 2: .*photo 'chair-9' or user 'u00' is not in manifest.json"),
        (ROWS[0] | {"user": "u99"}, "line 2: .*user 'u99' is not in manifest.json"),
        (ROWS[0] | {"photo": "chair-00003"}, "'chair-00000-0': its photo 'chair-00003' is in the split unlabelled"),
        (ROWS[0] | {"strokes": []}, "line 2: expected a list of strokes"),
    ],
)
def test_a_bad_sketch_is_named_by_its_line(tmp_path: Path, row: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_all("synthetic", write_set(tmp_path, rows=[ROWS[1], row, ROWS[2]]))


@pytest.mark.parametrize("name", ["sketches.ndjson", "manifest.json"])
def test_what_is_missing_is_named(tmp_path: Path, name: str) -> None:
    (write_set(tmp_path) / name).unlink()
    with pytest.raises(DataError, match=f"{name}: expected a file of layout synthetic, found none"):
        read_all("synthetic", tmp_path)
