"""The default data set: what it holds, that it is the same everywhere, and that sketches are of their photos."""

import hashlib
import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image

from fgsbir.data.index import read_index
from fgsbir.data.readers.synthetic import read_synthetic
from fgsbir.data.records import DataError
from fgsbir.data.shards import write_shards
from fgsbir.data.strokes import CANVAS, centre, check_strokes, simplify, split_strokes
from fgsbir.synthetic import dataset, sketch
from fgsbir.synthetic.categories import CATEGORIES, MAIN
from fgsbir.synthetic.dataset import content_hash, plan, synthesise
from fgsbir.synthetic.dice import Dice
from fgsbir.synthetic.geometry import View, convex_hull, look
from fgsbir.synthetic.grammar import Values, misjudge, sample
from fgsbir.synthetic.lines import owners, visible_lines
from fgsbir.synthetic.parts import back_to_front
from fgsbir.synthetic.photo import draw_photo
from fgsbir.synthetic.shapes import box
from fgsbir.synthetic.sheet import contact_sheet
from fgsbir.synthetic.sketch import draw_sketch
from fgsbir.synthetic.truth import true_sketches
from fgsbir.synthetic.user import style

PARAMS = yaml.safe_load((Path(__file__).parents[2] / "params.yaml").read_text())["synthesise"]
DEFAULT: dict[str, int] = {name: value for name, value in PARAMS.items() if name not in ("size", "jpeg_quality")}
TINY = DEFAULT | {"labelled": 3, "unlabelled": 2, "val": 1, "test": 2, "seen_categories": 3, "seen_photos": 5}
TINY |= {"unseen_categories": 1, "unseen_train": 2, "unseen_test": 2, "users": 6, "unseen_users": 2}
# The freeze: figures are comparable only on the same bytes. A change of it is a change of the data
# set, to be recorded with the figures before and after.
TINY_HASH = "c4d2eb9a5967b1e13f2335d1efad8f89e7ae49feda8e97d16399d1b05acca180"
MAIN_HASH = "40ac77310055680df7179ac0f987ac83d04c0b715075e42280332c85b75fb225"


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tiny") / "synthetic"
    synthesise(folder, **TINY, size=256, jpeg_quality=90, workers=1)
    return folder


def test_the_tiny_set_has_the_frozen_bytes_whatever_the_number_of_workers(tiny: Path, tmp_path: Path) -> None:
    manifest = json.loads((tiny / "manifest.json").read_text())
    assert content_hash(tiny) == manifest["hash"] == TINY_HASH
    again = tmp_path / "again"
    synthesise(again, **TINY, size=256, jpeg_quality=90, workers=2)
    assert content_hash(again) == TINY_HASH
    assert (again / "manifest.json").read_bytes() == (tiny / "manifest.json").read_bytes()
    # Paper 1 learns from the main category by seen users alone: it has the bytes that it had before the rest grew.
    part = hashlib.sha256()
    for path in sorted(tiny.glob("photos/chair/*.jpg")):
        part.update(path.name.encode() + path.read_bytes())
    for line in (tiny / "sketches.ndjson").read_text().splitlines(keepends=True):
        if json.loads(line)["photo"].startswith("chair-") and json.loads(line)["user"].startswith("u"):
            part.update(line.encode())
    part.update(json.dumps([(p["id"], p["split"]) for p in manifest["photos"] if p["category"] == "chair"]).encode())
    assert part.hexdigest() == MAIN_HASH
    photo = draw_photo("chair-00000", seed=0)
    assert photo == (tiny / "photos/chair/chair-00000.jpg").read_bytes() and photo != draw_photo("chair-00000", seed=1)


def test_the_layout_is_complete(tiny: Path) -> None:
    manifest = json.loads((tiny / "manifest.json").read_text())
    rows = [json.loads(line) for line in (tiny / "sketches.ndjson").read_text().splitlines()]
    splits = {photo["id"]: photo["split"] for photo in manifest["photos"]}
    assert len(splits) == len(manifest["photos"]) and len({row["id"] for row in rows}) == len(rows)
    assert {path.stem for path in tiny.glob("photos/*/*.jpg")} == set(splits)
    assert all(splits[row["photo"]] != "unlabelled" for row in rows)
    assert {row["user"] for row in rows} <= {user["id"] for user in manifest["users"]}
    for photo in manifest["photos"]:
        with Image.open(tiny / "photos" / photo["category"] / f"{photo['id']}.jpg") as picture:
            assert picture.size == (256, 256) and picture.format == "JPEG"


def test_a_failure_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> bytes:
        raise OSError("no space")

    target = tmp_path / "synthetic"
    target.mkdir()
    (target / "old").write_text("old")
    monkeypatch.setattr(dataset, "draw_photo", fail)
    with pytest.raises(OSError, match="no space"):
        synthesise(target, **TINY, size=256, jpeg_quality=90, workers=1)
    assert [path.name for path in tmp_path.iterdir()] == ["synthetic"] and (target / "old").read_text() == "old"


def test_the_default_plan_meets_the_protocol() -> None:
    whole = plan(**DEFAULT)
    assert len({photo.id for photo in whole.photos}) == len(whole.photos)
    unseen_users = {user for user, unseen in whole.users.items() if unseen}
    unseen = {name for name, is_unseen in whole.categories.items() if is_unseen}
    assert (len(whole.users), len(unseen_users), len(whole.categories), len(unseen)) == (36, 12, 25, 6)
    assert next(iter(whole.categories)) == MAIN not in unseen

    def drawn(category: str, split: str, users: set[str]) -> list[int]:
        """How many sketches by ``users`` each photo has."""
        photos = [photo for photo in whole.photos if (photo.category, photo.split) == (category, split)]
        return [len(users.intersection(photo.users)) for photo in photos]

    seen_users = whole.users.keys() - unseen_users
    assert drawn(MAIN, "train", seen_users) == [3] * 100 and drawn(MAIN, "test", seen_users) == [3] * 400
    assert len(drawn(MAIN, "unlabelled", set())) >= 15 * 100
    for user in unseen_users:
        assert sum(drawn(MAIN, "train", {user})) == 20 and sum(drawn(MAIN, "test", {user})) == 60
    for category in unseen:
        assert drawn(category, "train", seen_users) == [1] * 24 and drawn(category, "test", seen_users) == [2] * 120
    assert all(photo.category == MAIN for photo in whole.photos if unseen_users.intersection(photo.users))

    # More unlabelled photos leave the others as they are.
    few, many = (plan(**DEFAULT | {"unlabelled": count}).photos for count in (10, 3000))
    assert [photo for photo in few if photo.split != "unlabelled"] == [p for p in many if p.split != "unlabelled"]
    for change, message in (
        ({"users": 2}, "at least 3 users"),
        ({"seen_categories": 99}, "0 to 18 other seen categories"),
        ({"unseen_categories": 99}, "0 to 6 unseen categories"),
    ):
        with pytest.raises(DataError, match=message):
            plan(**DEFAULT | change)


@pytest.mark.parametrize("name", CATEGORIES)
def test_every_parameter_shapes_the_product(name: str) -> None:
    read: set[str] = set()

    class Watched(Values):
        def __getattribute__(self, key: str) -> Any:
            read.add(key)
            return super().__getattribute__(key)

    category = CATEGORIES[name]
    for i in range(300):
        parts = list(category.parts(Watched(**vars(sample(category, Dice("watched", name, i))))))
        assert 0 < len(parts) < 255  # a byte names the part that is seen at a pixel
        assert {part.material for part in parts} <= set(category.materials)
    assert read == set(category.parameters)
    numbers = sum(isinstance(parameter, tuple) for parameter in category.parameters.values())
    assert numbers >= 12 and len(category.parameters) >= numbers + 3


@pytest.mark.parametrize("name", CATEGORIES)
def test_sketches_are_valid_and_within_what_the_generator_draws(name: str) -> None:
    counts = []
    # New users draw the main category alone.
    new = [f"n{i:02d}" for i in range(12)] if name == MAIN else []
    for i, user in enumerate([*(f"u{5 * i:02d}" for i in range(5)), *new]):
        strokes = check_strokes(draw_sketch(f"{name}-{i:05d}", user, seed=3), name)
        assert strokes[:, :2].min() >= 0 and strokes[:, :2].max() <= CANVAS
        assert np.ptp(strokes[:, :2], axis=0).max() > 100
        counts.append(len(simplify(centre(strokes), 3.0)))
    assert max(counts) < 100 and min(counts) > 8


def test_a_sketch_depends_on_nothing_but_its_names() -> None:
    names = {"photo_id": "chair-01999", "user_id": "u03", "seed": 0}
    first = draw_sketch(**names)
    assert np.array_equal(first, draw_sketch(**names))
    for other in ({"photo_id": "chair-01998"}, {"user_id": "u04"}, {"seed": 1}):
        assert not np.array_equal(first, draw_sketch(**names | other))


def test_users_have_hands_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    users = {name: style(0, name) for name in (f"u{i:02d}" for i in range(30))}
    assert len({(user.wobble, user.order, user.line_below, user.split) for user in users.values()}) == 30
    often = max(users, key=lambda name: users[name].split)

    def lifts() -> float:
        photos = [f"cabinet-{i:05d}" for i in range(12)]
        return float(np.mean([len(split_strokes(draw_sketch(photo, often, seed=0))) for photo in photos]))

    # The same lines by one hand that lifts the pen at corners and one that does not.
    lifting = lifts()
    monkeypatch.setattr(sketch, "style", lambda *_: replace(users[often], split=0.0))
    assert lifting > 1.1 * lifts()


def test_the_habits_of_new_users_show_in_all_their_drawings() -> None:
    photos = [f"chair-{i:05d}" for i in range(12)]

    def drawn(user: str) -> list[np.ndarray]:
        return [draw_sketch(photo, user, seed=0) for photo in photos]

    def shape(user: str) -> float:
        return float(np.mean([np.divide(*np.ptp(strokes[:, :2], axis=0)) for strokes in drawn(user)]))

    def lean(user: str) -> float:
        """How far right a drawing's points move with height, in pixels a pixel."""
        return float(np.mean([-np.polyfit(strokes[:, 1], strokes[:, 0], 1)[0] for strokes in drawn(user)]))

    usual = [f"u{i:02d}" for i in range(8)]
    assert shape("n01") < 0.8 * min(map(shape, usual)) and shape("n06") > 1.15 * max(map(shape, usual))  # narrow, wide
    assert lean("n00") > max(map(lean, usual)) + 0.1 and lean("n05") < min(map(lean, usual)) - 0.1
    made_of = (
        "slant",
        "squeeze",
        "tilt",
        "taper",
        "turn",
        "wobble",
        "rounding",
        "overshoot",
        "again",
        "line_below",
        "inner",
    )
    styles = [style(0, f"n{i}") for i in range(180)]
    habits = {tuple(getattr(user, name) for name in made_of) for user in styles}
    assert len(habits) == 180


def test_misjudging_keeps_the_kind_and_nearly_the_measures() -> None:
    category = CATEGORIES[MAIN]
    values = sample(category, Dice("a"))
    seen = misjudge(category, values, Dice("b"), 0.1)
    for name, parameter in category.parameters.items():
        one, other = getattr(seen, name), getattr(values, name)
        assert abs(one - other) <= 0.3001 * (parameter[1] - parameter[0]) if type(parameter) is tuple else one == other
    assert seen != values


def test_hidden_lines_are_left_out() -> None:
    view = look(0.0, 0.0, 0.0, False)
    near, far = box("near", "m", (0, 0, 20), (40, 40, 4)), box("far", "m", (0, 0, -20), (20, 20, 4))
    view = view.fitted([*near.points(), *far.points()], 200, 128, 128)
    assert back_to_front([near, far], view) == [1, 0]

    def seen(view: View) -> set[str]:
        parts = [near, far]
        return {line.role for line in visible_lines(parts, view, owners(parts, view), 0.0)}

    assert seen(view) == {"near"}
    above = look(0.0, 60.0, 0.0, False).fitted([*near.points(), *far.points()], 200, 128, 128)
    assert seen(above) == {"near", "far"}


def test_a_hull_has_corners_alone() -> None:
    square = [(0.0, 0.0), (4.0, 0.0), (4.0, 4.0), (0.0, 4.0)]
    assert convex_hull([*square, (2.0, 1.0), (2.0, 0.0), (4.0, 4.0)]) == square
    assert convex_hull([(1.0, 1.0), (0.0, 0.0), (3.0, 3.0)]) == [(0.0, 0.0), (3.0, 3.0)]
    assert convex_hull([(1.0, 1.0)]) == [(1.0, 1.0)]


def test_dice_are_the_same_everywhere() -> None:
    dice = Dice(0, "chair-00042", "values")
    drawn = [round(dice.between(0, 1), 6) for _ in range(3)]
    assert drawn == [0.795489, 0.688848, 0.780875]
    assert sorted(Dice("x").shuffled(range(9))) == list(range(9))
    spread = [Dice("bell", i).bell(2.0) for i in range(2000)]
    assert max(map(abs, spread)) <= 6 and abs(float(np.std(spread)) - 2.0) < 0.15
    assert {Dice("pick", i).pick({"a": 0, "b": 1}) for i in range(50)} == {"b"}


def test_the_contact_sheet_is_small_and_whole(tiny: Path, tmp_path: Path) -> None:
    contact_sheet(tiny, tmp_path / "sheet.png")
    data = (tmp_path / "sheet.png").read_bytes()
    assert len(data) < 400_000
    with Image.open(io.BytesIO(data)) as picture:
        assert picture.width > 500 and len(picture.convert("L").getcolors() or []) > 20
    contact_sheet(tiny, tmp_path / "again.png")
    assert data == (tmp_path / "again.png").read_bytes()


def test_true_sketches_are_by_the_users_of_the_training_photos(tiny: Path, tmp_path: Path) -> None:
    source = read_synthetic(tiny, 1.0)
    write_shards(source, tmp_path, name="toy", layout="synthetic", category=MAIN, photos_per_shard=100)
    index = read_index(tmp_path)
    names = [photo.id for photo in index.photos if photo.split == "unlabelled"]
    seen = {one.user for photo in index.photos for one in photo.sketches if one.user and not one.unseen}
    for name, (strokes,) in zip(names, true_sketches(index, names, seed=TINY["seed"]), strict=True):
        by = [user for user in seen if np.array_equal(strokes, centre(draw_sketch(name, user, seed=TINY["seed"])))]
        assert len(by) == 1
    with pytest.raises(DataError, match="of the default data set alone, found one of the layout folder"):
        true_sketches(replace(index, layout="folder"), [], seed=0)
