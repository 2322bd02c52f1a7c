"""How drawings are judged, watched and chosen for the pictures."""

import numpy as np
import pytest
import torch

from fgsbir.data.strokes import CANVAS
from fgsbir.evaluation.drawings import DrawingJudge, watch_drawings
from fgsbir.evaluation.pictures import Pictures, choose_queries, shuffled
from fgsbir.evaluation.protocol import protocol
from fgsbir.evaluation.search import PhotoSizes, Search, evaluation_set
from fgsbir.generator.drawing import Sketches, draw_sketches
from fgsbir.generator.model import Generator
from fgsbir.retrieval.model import RetrievalModel
from fgsbir.sketch_classifier.model import SketchClassifier

CPU = torch.device("cpu")
DETAILS = {"classes": ["chair", "lamp"], "classes_are": "categories", "image_size": 16, "line_width": 3.0}


def small_generator(attention=True, max_points=12):
    torch.manual_seed(1)
    return Generator(
        backbone="small",
        latent=4,
        hidden=8,
        mixtures=2,
        attention=attention,
        attention_width=4,
        pen_position=True,
        max_points=max_points,
        image_size=16,
    ).eval()


@pytest.fixture
def searched(make_store):
    store = make_store("chair")
    test = evaluation_set(store)
    sizes = PhotoSizes(store, test.photos, 1)
    torch.manual_seed(0)
    model = RetrievalModel(backbone="small", embedding_dim=8, attention=True, image_size=16).eval()
    return Search(model, sizes.at(16), test, line_width=3.0, device=CPU, precision="float32"), sizes, store


def judge(search, details=DETAILS, classes=2):
    torch.manual_seed(2)
    classifier = SketchClassifier(image_size=16, classes=classes).eval()
    where = {"device": CPU, "precision": "float32"}
    return DrawingJudge(search, classifier, details, resamples=100, seed=0, **where)


def test_human_sketches_judged_as_drawings_are_perfect_in_distribution(searched):
    search, _, _ = searched
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


def test_all_drawings_of_a_photo_count_and_the_first_is_kept(searched):
    search, _, _ = searched
    all_ended, first = np.ones(6, bool), search.test.sketches[:6]
    second = first[::-1]
    judged = judge(search).drawings([Sketches(first, all_ended), Sketches(second, ~all_ended)])
    alone = judge(search).drawings([Sketches(first, all_ended)])
    ranks = np.concatenate([search.ranks_of_drawings(sketches) for sketches in (first, second)])
    assert judged.scores["acc@1"] == pytest.approx(100 * np.mean(ranks == 1), abs=1e-4)
    assert judged.scores["mean_rank"] == pytest.approx(ranks.mean(), abs=1e-4)
    assert judged.scores["ended"] == 50 and judged.scores["fid"] == alone.scores["fid"]
    assert judged.strokes == alone.strokes and np.array_equal(judged.ranks, alone.ranks)


def test_human_scores_are_those_of_the_search(searched):
    search, _, _ = searched
    scores = judge(search).human_scores()
    assert scores["mean_rank"] == pytest.approx(search.ranks.mean(), abs=1e-4)
    assert "fid" not in scores
    assert "ended" not in scores


@pytest.mark.parametrize(
    ("changed", "known"),
    [({}, True), ({"classes_are": "photos"}, False), ({"classes": ["lamp", "sofa"]}, False)],
)
def test_recognition_only_where_the_classifier_knows_the_categories(searched, changed, known):
    search, _, _ = searched
    scores = judge(search, {**DETAILS, **changed}).human_scores()
    assert ("recognition" in scores) == known


def test_watching_does_not_change_what_is_drawn(searched):
    _, sizes, _ = searched
    generator = small_generator()
    pixels = sizes.at(16)[np.arange(4)]
    watched = watch_drawings(generator, pixels, temperature=0.5, seed=0, device=CPU)
    drawn = draw_sketches(generator, pixels, temperature=0.5, seed=0, batch=4, device=CPU, precision="float32")
    for drawing, strokes in zip(watched, drawn.strokes, strict=True):
        assert len(drawing.sequence) == len(drawing.attention)
        np.testing.assert_allclose(drawing.attention.sum((1, 2)), 1, atol=1e-5)
        if len(drawing.sequence):
            assert len(drawing.sequence) == len(strokes)
            assert np.abs(drawing.strokes[:, :2] - CANVAS / 2).max() <= CANVAS / 2


def test_watching_a_generator_without_attention(searched):
    _, sizes, _ = searched
    watched = watch_drawings(
        small_generator(attention=False), sizes.at(16)[np.arange(2)], temperature=0.0, seed=0, device=CPU
    )
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


def test_all_pictures_are_written(searched, tmp_path):
    search, sizes, _ = searched
    generator = small_generator()
    drawn = draw_sketches(generator, sizes.at(16), temperature=0.5, seed=0, batch=8, device=CPU, precision="float32")
    judged = judge(search).drawings([drawn])
    curve = tmp_path / "curve.csv"
    curve.write_text("step,certainty_0.00,certainty_0.50\n1,40,60\n2,30,70\n")
    folder = tmp_path / "pictures"
    pictures = Pictures(folder, search.test, sizes, 3)
    pictures.retrieval({"supervised": search, "joint": search}, 10)
    pictures.drawing(generator, temperature=0.5, seed=0, device=CPU)
    pictures.before_after({"before_joint": judged, "after_joint": judged})
    certainty = np.linspace(0.2, 0.8, 6)
    pictures.certainty(certainty, 100 * certainty, certainty, curve)
    pictures.curves({"joint": curve})
    assert sorted(path.name for path in folder.iterdir()) == [
        "before_after.jpg",
        "certainty.png",
        "certainty_training.png",
        "curves.png",
        "drawing.jpg",
        "retrieval.jpg",
    ]


def test_protocol_names_what_figures_depend_on(searched):
    *_, store = searched
    made = {
        "data": {"labelled_frac": 0.4, "labelled_photos": 2},
        "unlabelled_frac": 0.5,
        "unlabelled_photos": 7,
        "commit": None,
    }
    fields = protocol(store.index, made, seed=3, device=CPU, precision="float32")
    assert fields["split_hash"] == store.index.split_hash
    assert (fields["labelled_frac"], fields["unlabelled_frac"], fields["seed"]) == (0.4, 0.5, 3)
    assert (fields["device"], fields["precision"], fields["commit"]) == ("cpu", "float32", "none")
    assert all(isinstance(value, (str, int, float)) for value in fields.values())
