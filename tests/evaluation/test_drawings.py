"""How drawings are judged, watched and chosen for the pictures."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from fgsbir.data.strokes import CANVAS
from fgsbir.evaluation.drawings import DrawingJudge, watch_drawings
from fgsbir.evaluation.pictures import Pictures as PictureSheets
from fgsbir.evaluation.pictures import choose_queries, shuffled
from fgsbir.evaluation.protocol import processor, protocol
from fgsbir.evaluation.search import Search, evaluation_set
from fgsbir.features.pictures import Pictures
from fgsbir.features.trunk import packaged_trunk, tap_channels
from fgsbir.generator.drawing import Sketches, draw_sketches
from fgsbir.generator.model import Generator
from fgsbir.retrieval.model import RetrievalModel
from fgsbir.sketch_classifier.model import SketchClassifier
from tests.toy import SPEC, cpu, toy_generator

DETAILS = {"classes": ["chair", "lamp"], "classes_are": "categories", "line_width": 3.0}


def small_generator(attention: bool = True) -> Generator:
    torch.manual_seed(1)
    return toy_generator({"simplify": 2.0, "max_points": 12, "reorder": True}, attention=attention).eval()


@pytest.fixture
def search(make_pictures: Callable[..., Pictures]) -> Search:
    torch.manual_seed(0)
    channels = tap_channels(packaged_trunk(SPEC), SPEC)
    model = RetrievalModel(spec=SPEC.as_json(), channels=channels, embedding_dim=8).eval()
    return Search(model, evaluation_set(make_pictures("chair")), cpu())


def judge(search: Search, details: dict[str, object] = DETAILS, classes: int = 2) -> DrawingJudge:
    torch.manual_seed(2)
    classifier = SketchClassifier(image_size=16, classes=classes).eval()
    return DrawingJudge(search, classifier, details, resamples=100, seed=0, compute=cpu())


def test_sketches_of_people_judged_as_drawings_are_perfect_in_distribution(search: Search) -> None:
    sketches = search.test.sketches
    # As many drawings as photos: here the first sketches of six.
    judged = judge(search).drawings([Sketches(sketches[:6], np.array([True, True, False] * 2))])
    assert judged.scores["fid"] == pytest.approx(0, abs=1e-3)
    assert judged.scores["points"] == 9.0
    assert judged.scores["strokes"] == 2.0
    assert judged.scores["ended"] == pytest.approx(66.6667)
    assert judged.scores["acc@10"] == 100.0
    assert judged.ranks.tolist() == search.ranks_of_drawings(sketches[:6]).tolist()
    assert judged.scores["acc@1_low"] <= judged.scores["acc@1"] <= judged.scores["acc@1_high"]


def test_all_drawings_of_a_photo_count_and_the_first_is_kept(search: Search) -> None:
    all_ended, first = np.ones(6, bool), search.test.sketches[:6]
    second = first[::-1]
    judged = judge(search).drawings([Sketches(first, all_ended), Sketches(second, ~all_ended)])
    alone = judge(search).drawings([Sketches(first, all_ended)])
    ranks = np.concatenate([search.ranks_of_drawings(sketches) for sketches in (first, second)])
    assert judged.scores["acc@1"] == pytest.approx(100 * np.mean(ranks == 1), abs=1e-4)
    assert judged.scores["mean_rank"] == pytest.approx(ranks.mean(), abs=1e-4)
    assert judged.scores["ended"] == 50 and judged.scores["fid"] == alone.scores["fid"]
    assert judged.strokes == alone.strokes and np.array_equal(judged.ranks, alone.ranks)


def test_scores_of_people_are_those_of_the_search(search: Search) -> None:
    scores = judge(search).scores_of_people()
    assert scores["mean_rank"] == pytest.approx(search.ranks.mean(), abs=1e-4)
    assert "fid" not in scores
    assert "ended" not in scores


@pytest.mark.parametrize(
    ("changed", "known"),
    [({}, True), ({"classes_are": "photos"}, False), ({"classes": ["lamp", "sofa"]}, False)],
)
def test_recognition_only_where_the_classifier_knows_the_categories(
    search: Search, changed: dict[str, object], known: bool
) -> None:
    scores = judge(search, {**DETAILS, **changed}).scores_of_people()
    assert ("recognition" in scores) == known


def test_watching_shows_what_was_drawn(search: Search) -> None:
    generator, rows = small_generator(), np.arange(4)
    inputs = search.test.photo_inputs("map")(rows)
    for drawing in watch_drawings(generator, inputs, temperature=0.5, seed=0, compute=cpu()):
        assert drawing.attention is not None and len(drawing.sequence) == len(drawing.attention)
        np.testing.assert_allclose(drawing.attention.sum((1, 2)), 1, atol=1e-5)
        if len(drawing.sequence):
            assert np.abs(drawing.strokes[:, :2] - CANVAS / 2).max() <= CANVAS / 2


def test_watching_a_generator_without_attention(search: Search) -> None:
    inputs = search.test.photo_inputs("map")(np.arange(2))
    watched = watch_drawings(small_generator(attention=False), inputs, temperature=0.0, seed=0, compute=cpu())
    assert [drawing.attention for drawing in watched] == [None, None]


def test_queries_of_every_kind_are_shown_with_their_number():
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


def test_what_is_shown_depends_on_ids_alone():
    ids = [f"p{i}" for i in range(20)]
    order = [ids[row] for row in shuffled(ids)]
    assert order == [ids[::-1][row] for row in shuffled(ids[::-1])]
    assert order != ids


def test_all_pictures_are_written(search: Search, tmp_path: Path) -> None:
    generator, photos = small_generator(), search.test.photo_inputs("map")
    drawn = draw_sketches(generator, photos, np.arange(len(photos)), 0, temperature=0.5, seed=0, compute=cpu())
    judged = judge(search).drawings([drawn])
    curve = tmp_path / "curve.csv"
    curve.write_text("step,certainty_0.00,certainty_0.50\n1,40,60\n2,30,70\n")
    folder = tmp_path / "pictures"
    sheets = PictureSheets(folder, search.test, 3)
    sheets.retrieval({"supervised": search, "joint": search}, 10)
    sheets.drawing(generator, temperature=0.5, seed=0, compute=cpu())
    sheets.before_after({"before_joint": judged, "after_joint": judged})
    certainty = np.linspace(0.2, 0.8, 6)
    sheets.certainty(certainty, 100 * certainty, certainty, curve)
    sheets.curves({"joint": curve})
    assert sorted(path.name for path in folder.iterdir()) == [
        "before_after.jpg",
        "certainty.png",
        "certainty_training.png",
        "curves.png",
        "drawing.jpg",
        "retrieval.jpg",
    ]


def test_protocol_names_what_figures_depend_on(search: Search) -> None:
    made = {"data": {"labelled_frac": 0.4, "labelled_photos": 2}, "unlabelled_frac": 0.5, "unlabelled_photos": 7}
    index = search.test.pictures.shards.index
    fields = protocol(index, made, seed=3, compute=cpu())
    assert fields["split_hash"] == index.split_hash
    assert (fields["labelled_frac"], fields["unlabelled_frac"], fields["seed"]) == (0.4, 0.5, 3)
    assert (fields["device"], fields["precision"]) == (processor(), "float32")
    assert all(isinstance(value, (str, int, float)) for value in fields.values())
