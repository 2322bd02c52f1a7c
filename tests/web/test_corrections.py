"""Corrections: learned at once, kept with the index, undone, and never for the worse."""

import json
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fgsbir.data.records import DataError
from fgsbir.data.stroke_files import parse_strokes
from fgsbir.search.adaptation import Adapter
from fgsbir.search.gallery import CORRECTIONS
from fgsbir.search.indexing import index_photos
from fgsbir.search.searcher import Searcher
from fgsbir.web.corrections import Corrections
from fgsbir.web.limits import MAX_CORRECTIONS, MAX_CORRECTIONS_BYTES
from fgsbir.web.messages import Correction, canonical

DRAWINGS = [
    [[[20.0 + 9 * n, 30], [200, 40 + 13 * n], [90, 220 - 8 * n]], [[10, 10 * n + 5], [128, 240]]] for n in range(6)
]
PROBE = parse_strokes([[[60, 40], [60, 200]], [[60, 120], [180, 120], [180, 200]]], "x")


@pytest.fixture
def searcher(tmp_path: Path, index_of: Callable[[Path], Path]) -> Searcher:
    return Searcher.open(index_of(tmp_path))


def opened(searcher: Searcher) -> Corrections:
    return Corrections(searcher, Adapter(searcher))


def correct(learned: Corrections, *places: int) -> None:
    gallery = learned.taught.searcher.gallery
    for place in places:
        learned.add(Correction(strokes=DRAWINGS[place], photo=gallery.id((5 * place + 1) % len(gallery))))


def sees(searcher: Searcher) -> list[tuple[str, float]]:
    return [(match.id, round(match.distance, 5)) for match in searcher.search(PROBE, 12)]


def test_each_correction_is_taken_back_to_what_was_there_and_a_restart_changes_nothing(searcher: Searcher) -> None:
    learned, course = opened(searcher), []
    for place in range(5):
        course.append(sees(learned.taught.searcher))
        correct(learned, place)
        assert sees(opened(searcher).taught.searcher) == sees(learned.taught.searcher)
    assert len({tuple(each) for each in course}) > 2
    for before in reversed(course):
        assert learned.remove(learned.taught.kept[-1].id)
        assert sees(learned.taught.searcher) == before == sees(opened(searcher).taught.searcher)
    assert not learned.taught.kept and not learned.remove("0" * 16) and learned.taught.by == "none"


def test_what_is_no_drawing_is_not_kept(searcher: Searcher) -> None:
    learned = opened(searcher)
    correct(learned, 0)
    before = learned.taught.kept
    with pytest.raises(DataError):
        learned.add(Correction(strokes=[[[1, 1]]], photo=searcher.gallery.id(0)))
    assert learned.taught.kept == before
    correct(learned, 1)
    assert len(learned.taught.kept) == 2


def test_what_was_found_first_stays_first(searcher: Searcher) -> None:
    """Whatever the corrections say: drawings are said to mean what they find, or something else, in turn."""
    learned, gallery = opened(searcher), searcher.gallery
    found = set()
    for number, drawing in enumerate(DRAWINGS):
        strokes = canonical(drawing)
        first = learned.taught.searcher.search(strokes, 1)[0].id
        meant = first if number % 2 else gallery.id((gallery.row(first) + 5) % len(gallery))
        learned.add(Correction(strokes=drawing, photo=meant))
        kept, taught = learned.taught.kept, learned.taught.searcher
        now = {each.id for each in kept if taught.search(canonical(each.strokes), 1)[0].id == each.photo}
        assert found <= now
        found = now


def test_one_in_the_middle_is_forgotten_and_the_oldest_make_room(searcher: Searcher) -> None:
    learned = opened(searcher)
    correct(learned, 0, 1, 2)
    assert learned.remove(learned.taught.kept[1].id)
    other = opened(searcher)
    assert [each.strokes for each in other.taught.kept] == [DRAWINGS[0], DRAWINGS[2]]
    assert sees(other.taught.searcher) == sees(learned.taught.searcher)
    correct(learned, 0)  # again: it is the newest now
    assert [each.strokes for each in learned.taught.kept] == [DRAWINGS[2], DRAWINGS[0]]
    for number in range(MAX_CORRECTIONS):
        learned.add(Correction(strokes=[[[0, number], [200, 9]]], photo=searcher.gallery.id(number % 12)))
    assert len(learned.taught.kept) == MAX_CORRECTIONS and learned.taught.kept[0].strokes == [[[0, 0], [200, 9]]]


@pytest.mark.parametrize("restarted", [False, True])
@pytest.mark.parametrize("many", [False, True], ids=["the same drawing", "one too many"])
def test_what_a_correction_displaced_comes_back_when_it_is_undone(
    searcher: Searcher, many: bool, restarted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if many:
        monkeypatch.setattr("fgsbir.web.corrections.MAX_CORRECTIONS", 3)
    learned = opened(searcher)
    correct(learned, 0, 1, 2)
    before, seen = [each.id for each in learned.taught.kept], sees(learned.taught.searcher)
    drawing = DRAWINGS[3] if many else DRAWINGS[1]
    # It is not learned from, and nor is any longer what it displaces.
    monkeypatch.setattr(Adapter, "learn", lambda self, sketches, photos, before: ("before", before))
    learned.add(Correction(strokes=drawing, photo=searcher.gallery.id(9)))
    assert len(learned.taught.kept) == 3 and sees(learned.taught.searcher) == sees(opened(searcher).taught.searcher)
    undone = opened(searcher) if restarted else learned
    assert undone.remove(undone.taught.kept[-1].id)
    assert [each.id for each in undone.taught.kept] == before and sees(undone.taught.searcher) == seen


def test_they_stay_when_photos_are_indexed_again_and_those_of_lost_photos_go(
    searcher: Searcher, tmp_path: Path
) -> None:
    learned = opened(searcher)
    correct(learned, 0, 1)
    lost, kept = learned.taught.kept
    searcher.gallery.path(searcher.gallery.row(lost.photo)).unlink()
    index_photos([tmp_path / "photos"], tmp_path / "index" / "model", tmp_path / "index")
    again = opened(Searcher.open(tmp_path / "index"))
    assert [each.id for each in again.taught.kept] == [kept.id]


def test_a_search_is_named_after_the_corrections_that_it_has_used(
    searcher: Searcher, client_of: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    client, adapt = client_of(searcher, Adapter(searcher)), Adapter.adapt
    asked = {"strokes": DRAWINGS[5], "adapted": True, "k": 12}

    def seen() -> tuple[Any, Any]:
        answer = client.post("/search", json=asked).json()
        return answer["corrections"], answer["photos"]

    for place in (0, 1):
        sent = {"strokes": DRAWINGS[place], "photo": searcher.gallery.id(5 * place + 1)}
        answer = client.post("/corrections", json=sent).json()
    before, meanwhile = seen(), []

    def slowly(self: Adapter, *arguments: Any) -> Searcher:
        meanwhile.append(seen())
        return adapt(self, *arguments)

    monkeypatch.setattr(Adapter, "adapt", slowly)
    last = answer["corrections"][-1]["id"]
    with ThreadPoolExecutor(1) as pool:
        pool.submit(client.delete, f"/corrections/{last}").result()
    assert meanwhile == [before] and seen()[0] != before[0]


def test_two_servers_of_one_index_lose_none_of_each_others(searcher: Searcher) -> None:
    one, other = opened(searcher), opened(searcher)
    correct(one, 0)
    correct(other, 1)
    correct(one, 2)
    first, second, third = opened(searcher).taught.kept
    assert [each.strokes for each in (first, second, third)] == DRAWINGS[:3]
    assert other.remove(third.id) and one.remove(second.id) and not other.remove(second.id)
    assert [each.id for each in opened(searcher).taught.kept] == [first.id]
    assert sees(one.taught.searcher) == sees(other.taught.searcher) == sees(opened(searcher).taught.searcher)


def test_an_index_that_was_deleted_does_not_come_back_as_a_folder(searcher: Searcher) -> None:
    learned = opened(searcher)
    correct(learned, 0)
    shutil.rmtree(searcher.gallery.folder)
    correct(learned, 1)
    assert len(learned.taught.kept) == 2 and not learned.saved and not searcher.gallery.folder.exists()


HOSTILE = {
    "nothing": b"",
    "no JSON": b"\xff\xfe{",
    "deep": b"[" * 100_000,
    "another format": b'{"format": 2, "corrections": []}',
    "more than drawings": b'{"format": 1, "corrections": [], "run": "rm"}',
    "too many": json.dumps({"corrections": [{"strokes": DRAWINGS[0], "photo": "0" * 16, "by": "head"}] * 33}).encode(),
    "no photo": json.dumps({"corrections": [{"strokes": DRAWINGS[0], "photo": "../x", "by": "head"}]}).encode(),
    "no number": b'{"corrections": [{"strokes": [[[NaN, 1], [2, 3]]], "photo": "0000000000000000", "by": "head"}]}',
    "a point": b'{"corrections": [{"strokes": [[[2, 1]]], "photo": "0000000000000000", "by": "head"}]}',
    "large": b" " * (MAX_CORRECTIONS_BYTES + 1),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_file_that_holds_no_corrections_is_not_used(
    searcher: Searcher, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = searcher.gallery.folder / CORRECTIONS
    path.write_bytes(HOSTILE[name])
    learned = opened(searcher)
    assert not learned.taught.kept and learned.taught.searcher is searcher and "is not used" in caplog.text
    correct(learned, 0)
    assert len(opened(searcher).taught.kept) == 1


def test_an_index_that_cannot_be_written_to_learns_all_the_same(
    searcher: Searcher, client_of: Callable[..., Any]
) -> None:
    (searcher.gallery.folder / CORRECTIONS).mkdir()
    client = client_of(searcher, Adapter(searcher))
    answer = client.post("/corrections", json={"strokes": DRAWINGS[0], "photo": searcher.gallery.id(3)}).json()
    assert answer["kept"] is False and len(answer["corrections"]) == 1


def test_the_plain_search_and_the_index_stay_as_they_are(searcher: Searcher, client_of: Callable[..., Any]) -> None:
    folder = searcher.gallery.folder
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    client, asked = client_of(searcher, Adapter(searcher)), {"strokes": DRAWINGS[5], "k": 12}
    plain = client.post("/search", json=asked).json()["photos"]
    assert client.post("/search", json=asked | {"adapted": True}).json()["photos"] == plain
    for place in (0, 1, 2):
        sent = {"strokes": DRAWINGS[place], "photo": searcher.gallery.id(place)}
        answer = client.post("/corrections", json=sent).json()
    assert [each["photo"]["id"] for each in answer["corrections"]] == [searcher.gallery.id(place) for place in range(3)]
    assert client.get("/corrections").json() == answer
    adapted = client.post("/search", json=asked | {"adapted": True}).json()["photos"]
    assert client.post("/search", json=asked).json()["photos"] == plain
    assert (adapted != plain) == (answer["by"] != "none")
    assert {path: path.read_bytes() for path in before} == before
    for each in answer["corrections"]:
        left = client.delete(f"/corrections/{each['id']}").json()
    assert left == {"corrections": [], "by": "none", "kept": True, "version": left["version"]}
    assert client.delete(f"/corrections/{'0' * 16}").status_code == 404
    assert client.delete("/corrections/..%2f").status_code in (404, 405, 422)
    unknown = client.post("/corrections", json={"strokes": DRAWINGS[0], "photo": "0" * 16})
    assert unknown.status_code == 404 and np.isfinite(adapted[0]["distance"])
