"""How drawings are judged, watched and shown."""

from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from fgsbir.data.sheet import LARGEST_FILE
from fgsbir.data.strokes import CANVAS, from_sequence
from fgsbir.evaluation import pictures
from fgsbir.evaluation.drawings import DrawingJudge, watch_drawings
from fgsbir.evaluation.pictures import choose_queries, shuffled
from fgsbir.evaluation.protocol import processor, protocol
from fgsbir.evaluation.search import Search
from fgsbir.generator.drawing import Sketches, draw_sketches
from fgsbir.generator.model import Generator
from fgsbir.sketch_classifier.model import SketchClassifier
from tests.toy import cpu, toy_generator

DETAILS = {"classes": ["chair", "lamp"], "classes_are": "categories", "line_width": 3.0}


def small_generator(attention: bool = True) -> Generator:
    torch.manual_seed(1)
    return toy_generator({"simplify": 2.0, "max_points": 12, "reorder": True}, attention=attention).eval()


def judge(search: Search, **details: object) -> DrawingJudge:
    torch.manual_seed(2)
    classifier = SketchClassifier(image_size=16, classes=2).eval()
    on = {"search": search, "classifier": classifier, "details": DETAILS | details, "compute": cpu()}
    return DrawingJudge(**on, resamples=100, seed=0)


def test_sketches_of_people_judged_as_drawings_are_perfect_in_distribution(search: Search) -> None:
    # As many drawings as photos: here the first sketches of six.
    sketches = search.test.sketches[:6]
    judged = judge(search).drawings([Sketches(sketches, np.array([True, True, False] * 2))])
    assert judged.scores["fid"] == pytest.approx(0, abs=1e-3)
    assert judged.scores["points"] == pytest.approx(np.mean([len(strokes) for strokes in sketches]), abs=1e-4)
    assert (judged.scores["strokes"], judged.scores["acc@10"]) == (2, 100)
    assert judged.scores["ended"] == pytest.approx(66.6667)
    assert judged.ranks.tolist() == search.ranks_of_drawings(sketches).tolist()
    assert judged.scores["acc@1_low"] <= judged.scores["acc@1"] <= judged.scores["acc@1_high"]


def test_all_drawings_of_a_photo_count_and_are_kept(search: Search) -> None:
    all_ended, first = np.ones(6, bool), search.test.sketches[:6]
    second = first[::-1]
    judged = judge(search).drawings([Sketches(first, all_ended), Sketches(second, ~all_ended)])
    alone = judge(search).drawings([Sketches(first, all_ended)])
    ranks = np.concatenate([search.ranks_of_drawings(sketches) for sketches in (first, second)])
    assert judged.scores["acc@1"] == pytest.approx(100 * np.mean(ranks == 1), abs=1e-4)
    assert judged.scores["mean_rank"] == pytest.approx(ranks.mean(), abs=1e-4)
    assert judged.scores["ended"] == 50 and judged.scores["fid"] == alone.scores["fid"]
    assert judged.strokes == [*first, *second] and np.array_equal(judged.ranks, ranks)


@pytest.mark.parametrize(
    ("changed", "known"), [({}, True), ({"classes_are": "photos"}, False), ({"classes": ["lamp", "sofa"]}, False)]
)
def test_people_are_judged_as_the_search_does_and_recognised_where_the_classifier_knows_the_categories(
    search: Search, changed: dict[str, object], known: bool
) -> None:
    scores = judge(search, **changed).scores_of_people()
    assert scores["mean_rank"] == pytest.approx(search.ranks.mean(), abs=1e-4)
    assert ("recognition" in scores) == known and not {"fid", "ended"} & scores.keys()


def test_watching_shows_what_was_drawn(search: Search) -> None:
    inputs = search.test.photo_inputs("map")(np.arange(4))
    for sequence, attention in watch_drawings(small_generator(), inputs, temperature=0.5, seed=0, compute=cpu()):
        assert attention is not None and len(sequence) == len(attention)
        np.testing.assert_allclose(attention.sum((1, 2)), 1, atol=1e-5)
        if len(sequence):
            assert np.abs(from_sequence(sequence)[:, :2] - CANVAS / 2).max() <= CANVAS / 2
    watched = watch_drawings(small_generator(attention=False), inputs, temperature=0.0, seed=0, compute=cpu())
    assert [drawing.attention for drawing in watched] == [None] * 4


def test_queries_of_every_kind_are_shown_with_their_number() -> None:
    supervised = np.array([1] * 50 + [1] * 2 + [4] * 3 + [7] * 45)
    joint = np.array([1] * 50 + [3] * 2 + [1] * 3 + [9] * 45)
    ids = [f"q{i}" for i in range(100)]
    chosen = choose_queries(supervised, joint, ids, 10)
    captions = [caption for _, caption in chosen]
    assert len({row for row, _ in chosen}) == 10
    assert captions.count("both find it first (50 of 100 queries)") == 3
    assert captions.count("only joint finds it first (3 of 100 queries)") == 3
    assert captions.count("only supervised finds it first (2 of 100 queries)") == 2
    assert captions.count("neither finds it first (45 of 100 queries)") == 2
    for row, caption in chosen:
        assert ("joint" in caption.split("(")[0]) == (joint[row] == 1 < supervised[row])
    assert len(choose_queries(supervised[:3], joint[:3], ids[:3], 10)) == 3


def test_what_is_shown_depends_on_ids_alone() -> None:
    ids = [f"p{i}" for i in range(20)]
    order = [ids[row] for row in shuffled(ids)]
    assert order == [ids[::-1][row] for row in shuffled(ids[::-1])] != ids


def draw_all(folder: Path, search: Search, attention: bool = True) -> None:
    generator, photos = small_generator(attention), search.test.photo_inputs("map")
    drawn = draw_sketches(generator, photos, np.arange(len(photos)), 0, temperature=0.5, seed=0, compute=cpu())
    judged = judge(search).drawings([drawn])
    pictures.retrieval_sheet(folder / "retrieval.jpg", {"supervised": search, "joint": search}, count=3, k=10)
    watched = partial(pictures.drawing_sheet, temperature=0.5, seed=0, compute=cpu())
    watched(folder / "drawing.png", search.test, generator, count=3)
    pictures.before_after_sheet(folder / "both.jpg", search.test, {"before": judged, "after": judged}, count=6)


def test_sheets_are_small_and_have_the_same_bytes_again(search: Search, tmp_path: Path) -> None:
    for name in ("one", "two"):
        draw_all(tmp_path / name, search)
    for path in (tmp_path / "one").iterdir():
        data = path.read_bytes()
        assert data == (tmp_path / "two" / path.name).read_bytes() and len(data) < LARGEST_FILE
        with Image.open(path) as picture:
            picture.load()
            assert picture.format == {".jpg": "JPEG", ".png": "PNG"}[path.suffix]
    draw_all(tmp_path / "three", search, attention=False)
    one, three = (Image.open(tmp_path / name / "drawing.png") for name in ("one", "three"))
    assert one.height > three.height


def test_protocol_names_what_figures_depend_on(search: Search) -> None:
    made = {"data": {"labelled_frac": 0.4, "labelled_photos": 2}, "unlabelled_frac": 0.5, "unlabelled_photos": 7}
    index = search.test.pictures.shards.index
    fields = protocol(index, made, seed=3, compute=cpu())
    assert fields["split_hash"] == index.split_hash
    assert (fields["labelled_frac"], fields["unlabelled_frac"], fields["seed"]) == (0.4, 0.5, 3)
    assert (fields["device"], fields["precision"]) == (processor(), "float32")
    assert all(isinstance(value, (str, int, float)) for value in fields.values())
