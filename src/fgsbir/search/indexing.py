"""Making an index: walk folders, embed every photo once, and only those that are new."""

import hashlib
import shutil
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import NamedTuple

from tqdm import tqdm

from fgsbir.adaptation.model import AdaptiveModel
from fgsbir.data.atomic import hold, write_folder, write_json
from fgsbir.data.files import list_files
from fgsbir.data.photos import PHOTO_SUFFIXES
from fgsbir.data.records import DataError
from fgsbir.retrieval.encoder import Encoder
from fgsbir.runtime.model_folder import load_model, read_config
from fgsbir.search.gallery import ADAPTIVE, CORRECTIONS, FORMAT, INDEX, MANY, MODEL, Gallery, write_photos
from fgsbir.search.index_merge import Source, merge
from fgsbir.search.index_parts import FILES, Part, Work, name_of, read_part, write_part
from fgsbir.search.searcher import model_folder, sharing


class Indexed(NamedTuple):
    """Counts of the photos in the index, of those embedded now, and of files that are copies of another; each file left
    out with its reason; counts of the kinds of files that are not read. ``left`` counts the files that an interruption
    left undone; None without one.
    """

    photos: int
    new: int
    copies: int
    skipped: dict[str, str]
    others: dict[str, int]
    left: int | None = None


def index_photos(
    roots: Sequence[Path], model: Path, out: Path, *, adaptive: Path | None = None, many: int = MANY
) -> Indexed | None:
    """Index the photos in the files and folders ``roots`` by the F in ``model``, into the folder ``out``, at once.

    Photos whose bytes an index at ``out`` holds already are not embedded again; those no longer found are dropped;
    one that lies there twice is in it once, with all its paths. ``adaptive`` is the folder of an adaptive
    model whose features are kept beside, so that the index can be searched as adapted to a hand; by default that of
    the index at ``out``, if it has one. More than ``many`` photos are searched by an inverted file. Files that cannot
    be read are left out and listed.

    Processes of torchrun share the files, part by part; all but the first return None. What is whole of the parts
    outlasts a kill, beside ``out``, and the same call goes on from there. After KeyboardInterrupt the index of one
    process holds what is done beside all that it held before. Raises DataError where there is no photo, for an ``out``
    that is no index or one by another model, and while another run makes it; it leaves ``out`` unchanged then.
    """
    folder = model_folder(model, "retrieval")
    sha256 = read_config(folder)["sha256"]
    old = Gallery(out) if out.exists() else None
    if old and old.about.model != sha256:
        raise DataError(f"{out}: was made by another model; give another --out, or delete it first")
    encoder = Encoder.load(folder, sharing(old.about.precision if old else "bf16"))
    compute = encoder.compute
    if adaptive is None and old and old.about.adaptive:
        adaptive = old.folder / ADAPTIVE
    adaptive_sha256 = _adaptive(adaptive, encoder) if adaptive else None
    # Photos are known with the features of this adaptive model.
    known = old if old and old.about.adaptive == adaptive_sha256 else None

    listing = list_files([root.resolve() for root in roots], PHOTO_SUFFIXES)
    files = [listing.files[start : start + FILES] for start in range(0, len(listing.files), FILES)]
    scratch = out.resolve().with_name(f".{out.resolve().name}.parts")
    with ExitStack() as stack:
        if compute.is_main:
            lock = out.resolve().with_name(f".{out.resolve().name}.held")
            stack.enter_context(hold(lock, "another fgsbir index"))
            stack.callback(lock.unlink, missing_ok=True)  # while it is held
        compute.wait_for_all()  # a run that may not work here has told so by now
        before = hashlib.sha256(known.hashes.tobytes() if known else b"").hexdigest()
        key = f"{sha256} {adaptive_sha256} {compute.precision} {before}"
        work = Work(encoder, lambda hash: bool(known and known.find(hash) is not None), features=bool(adaptive))
        parts = [scratch / f"{name_of(some, key)}.npz" for some in files]
        nothing = work.part()
        in_hand, left = dict[int, Part](), None
        try:
            with tqdm(desc="indexing", total=len(listing.files), unit=" photos", disable=None) as progress:

                def done(numbers: Iterable[int]) -> None:
                    for number in numbers:
                        if not parts[number].exists():
                            in_hand[number] = nothing
                            write_part(parts[number], work.run(files[number], progress.update))
                            in_hand.clear()

                done(compute.in_turn(range(len(files)), "index"))
                compute.wait_for_all()
                if compute.is_main:  # what others have seen otherwise, since files change meanwhile
                    done(range(len(files)))
        except KeyboardInterrupt:
            in_hand = {number: work.part() for number in in_hand}
            anything = any(len(part.new) for part in in_hand.values()) or any(path.exists() for path in parts)
            # Processes wait for each other; and photos without features do not go with old ones that have them.
            if compute.world > 1 or (old and not known) or not anything:
                raise
            whole = sum(len(some) for some, path in zip(files, parts, strict=True) if path.exists())
            left = len(listing.files) - whole - sum(len(part.hashes) for part in in_hand.values())
        if not compute.is_main:
            compute.wait_for_all()  # or else torchrun would end the merging one
            return None

        sources: list[Source] = [
            (some, partial(read_part, path) if path.exists() else partial(in_hand.__getitem__, number))
            for number, (some, path) in enumerate(zip(files, parts, strict=True))
            if path.exists() or number in in_hand
        ]
        with write_folder(out) as folder_now:
            merged = merge(sources, known, folder_now, keep=left is not None)
            if not len(merged.photos.hashes):
                raise DataError(f"{', '.join(map(str, roots))}: expected photos, found none that can be read")
            write_photos(folder_now, merged.photos, old=old.folder if old else None, many=many)
            shutil.copytree(folder, folder_now / MODEL)
            if adaptive:
                shutil.copytree(adaptive, folder_now / ADAPTIVE)
            if (out / CORRECTIONS).is_file():
                shutil.copy(out / CORRECTIONS, folder_now / CORRECTIONS)
            skipped = {each.path: f"{each.path}: {each.reason}" for each in listing.skipped} | merged.skipped
            about: dict[str, object] = {
                "format": FORMAT,
                "photos": len(merged.photos.hashes),
                "dimensions": encoder.dimensions,
            }
            about |= {"skipped": skipped, "model": sha256, "adaptive": adaptive_sha256, "precision": compute.precision}
            write_json(folder_now / INDEX, about)
        shutil.rmtree(scratch, ignore_errors=True)
        compute.wait_for_all()
    return Indexed(len(merged.photos.hashes), merged.new, merged.copies, skipped, dict(listing.others), left)


def _adaptive(folder: Path, encoder: Encoder) -> str:
    """The SHA-256 of an adaptive model, which must read pictures as the F of ``encoder`` does."""
    model = load_model(folder, AdaptiveModel)
    if not model.adapts:
        raise DataError(f"{folder}: expected a model that adapts, as models/adaptive/user/adaptive")
    if encoder.model.level != "taps" or model.retrieval.spec != encoder.spec:
        raise DataError(
            f"{folder}: expected a model on the same stored taps as the other model's, {encoder.spec}, "
            f"found {model.retrieval.spec}"
        )
    return str(read_config(folder)["sha256"])
