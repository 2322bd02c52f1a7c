"""Writes the default data set: photos, sketches and a manifest, the same bytes for any number of workers."""

import hashlib
import json
import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

from tqdm import tqdm

from fgsbir.data.cores import sharing_processes
from fgsbir.data.records import DataError, Split
from fgsbir.data.strokes import check_strokes, split_strokes
from fgsbir.synthetic.categories import CATEGORIES, MAIN, UNSEEN
from fgsbir.synthetic.dice import Dice
from fgsbir.synthetic.photo import draw_photo
from fgsbir.synthetic.sketch import draw_sketch
from fgsbir.synthetic.user import NEW

FORMAT = 1


class PlannedPhoto(NamedTuple):
    """One photo of the set, and who draws it (in the order of the sketches' numbers)."""

    id: str
    category: str
    split: Split
    users: tuple[str, ...]


class Plan(NamedTuple):
    """The whole set before anything is drawn: categories and users, each with whether it is unseen, and the photos."""

    categories: dict[str, bool]
    users: dict[str, bool]
    photos: list[PlannedPhoto]


def plan(
    *,
    seed: int,
    labelled: int,
    sketches_per_photo: int,
    unlabelled: int,
    val: int,
    test: int,
    seen_categories: int,
    seen_photos: int,
    unseen_categories: int,
    unseen_train: int,
    unseen_test: int,
    users: int,
    unseen_users: int,
    unseen_user_train: int,
    unseen_user_test: int,
) -> Plan:
    """Decide what the set holds.

    The main category has ``labelled`` training photos with ``sketches_per_photo`` sketches each, ``unlabelled`` photos
    without, ``val`` with 2 and ``test`` with 3. Each of the other ``seen_categories`` has ``seen_photos`` photos, a
    tenth of them val and a fifth test, with a sketch each. Each of the ``unseen_categories`` has ``unseen_train``
    photos with a sketch, and ``unseen_test`` with 2. All these sketches are by the ``users`` that training may see.
    Each of the ``unseen_users`` draws ``unseen_user_train`` training and ``unseen_user_test`` test photos of the main
    category in addition, or all where there are fewer. A photo's number decides what it shows, and numbers go test,
    val, train, unlabelled, so that more unlabelled photos leave the others as they are.
    """
    seen_users = [f"u{i:02d}" for i in range(users)]
    new_users = [f"{NEW}{i:02d}" for i in range(unseen_users)]
    seen = [name for name in CATEGORIES if name != MAIN and name not in UNSEEN]
    for wanted, known, kind in ((seen_categories, seen, "other seen"), (unseen_categories, UNSEEN, "unseen")):
        if wanted > len(known):
            raise DataError(f"synthesise: expected 0 to {len(known)} {kind} categories, found {wanted}")
    most = max(3, sketches_per_photo)
    if users < most:
        raise DataError(f"synthesise: expected at least {most} users, found {users}")
    categories = [MAIN, *seen[:seen_categories], *UNSEEN[:unseen_categories]]

    # Of each split, the photos and the sketches of each.
    of_main: dict[Split, tuple[int, int]] = {
        "test": (test, 3), "val": (val, 2), "train": (labelled, sketches_per_photo), "unlabelled": (unlabelled, 0)
    }  # fmt: skip
    seen_test, seen_val = seen_photos // 5, seen_photos // 10
    of_seen: dict[Split, tuple[int, int]] = {
        "test": (seen_test, 1), "val": (seen_val, 1), "train": (seen_photos - seen_test - seen_val, 1)
    }  # fmt: skip
    of_unseen: dict[Split, tuple[int, int]] = {"test": (unseen_test, 2), "train": (unseen_train, 1)}
    extra: dict[str, list[str]] = {}
    for user in new_users:
        for first, count, wanted in ((0, test, unseen_user_test), (test + val, labelled, unseen_user_train)):
            for number in Dice(seed, user, "photos", first).shuffled(range(first, first + count))[:wanted]:
                extra.setdefault(f"{MAIN}-{number:05d}", []).append(user)
    photos = []
    for category in categories:
        sizes = of_main if category == MAIN else of_unseen if category in UNSEEN else of_seen
        places = [(split, sketches) for split, (count, sketches) in sizes.items() for _ in range(count)]
        for number, (split, sketches) in enumerate(places):
            photo = f"{category}-{number:05d}"
            drawn = Dice(seed, photo, "users").shuffled(seen_users)[:sketches]
            photos.append(PlannedPhoto(photo, category, split, (*drawn, *extra.get(photo, ()))))
    unseen = {category: category in UNSEEN for category in categories}
    return Plan(unseen, {user: user in new_users for user in (*seen_users, *new_users)}, sorted(photos))


def synthesise(folder: Path, *, seed: int, size: int, jpeg_quality: int, workers: int, **counts: int) -> str:
    """Write the set into ``folder`` (replacing it) and return its content hash.

    ``counts`` are those of :func:`plan`. ``size`` is the photos' side in pixels. The folder appears whole
    or not at all: everything is written beside it first. Raises DataError for impossible counts.
    """
    whole = plan(seed=seed, **counts)
    unfinished = folder.with_name(f".{folder.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    try:
        for category in whole.categories:
            (unfinished / "photos" / category).mkdir(parents=True)
        draw = partial(_draw, folder=unfinished, seed=seed, size=size, quality=jpeg_quality)
        drawn = _mapped(draw, whole.photos, workers)
        shown = tqdm(drawn, total=len(whole.photos), desc="synthesise", unit="photo")
        lines = [f"{line}\n" for of_photo in shown for line in of_photo]
        (unfinished / "sketches.ndjson").write_text("".join(lines), encoding="utf-8")
        manifest = {
            "format": FORMAT,
            "seed": seed,
            "categories": [{"name": name, "unseen": unseen} for name, unseen in whole.categories.items()],
            "users": [{"id": user, "unseen": unseen} for user, unseen in whole.users.items()],
            "photos": [{"id": p.id, "category": p.category, "split": p.split} for p in whole.photos],
            "hash": content_hash(unfinished),
        }
        (unfinished / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
        shutil.rmtree(folder, ignore_errors=True)
        unfinished.rename(folder)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise
    return str(manifest["hash"])


def content_hash(folder: Path) -> str:
    """SHA-256 over the relative paths and the SHA-256 of all photos and of the sketches, in order of path."""
    total = hashlib.sha256()
    for path in sorted([*folder.glob("photos/*/*.jpg"), folder / "sketches.ndjson"]):
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        total.update(f"{digest}  {path.relative_to(folder).as_posix()}\n".encode())
    return total.hexdigest()


def _mapped(draw: "partial[list[str]]", photos: list[PlannedPhoto], workers: int) -> Iterator[list[str]]:
    if workers <= 1:
        yield from map(draw, photos)
        return
    with sharing_processes(workers) as pool:
        yield from pool.map(draw, photos, chunksize=16)


def _draw(photo: PlannedPhoto, *, folder: Path, seed: int, size: int, quality: int) -> list[str]:
    """Write one photo; return its sketches as lines of JSON."""
    picture = draw_photo(photo.id, seed=seed, size=size, quality=quality)
    (folder / "photos" / photo.category / f"{photo.id}.jpg").write_bytes(picture)
    lines = []
    for number, user in enumerate(photo.users, 1):
        name = f"{photo.id}-{number}"
        strokes = check_strokes(draw_sketch(photo.id, user, seed=seed), name)
        # To a tenth of a pixel.
        listed = [[[round(float(x), 1), round(float(y), 1)] for x, y in part] for part in split_strokes(strokes)]
        lines.append(json.dumps({"id": name, "photo": photo.id, "user": user, "strokes": listed}))
    return lines
