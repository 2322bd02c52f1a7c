"""Sketches in the place of people's: what was drawn of each photo, what the trunk says of it, how far it is trusted.

A folder holds ``index.json`` (photos, and how many sketches each has), ``sketches.npz`` (points and all that is small),
``taps.npy`` and, where F reads maps, ``maps.npy``.
"""

import json
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, Literal, get_args

import numpy as np
import torch
from torch import Tensor

from fgsbir.data.atomic import reserve, write_folder, write_json
from fgsbir.data.records import DataError
from fgsbir.features.statistics import Standardise
from fgsbir.features.store import half
from fgsbir.features.trunk import Features

FORMAT = 3
INDEX, ARRAYS, TAPS, MAPS = "index.json", "sketches.npz", "taps.npy", "maps.npy"
OF_SKETCHES = ("form", "source", "certainty", "typical")
OF_SOURCES = ("scale", "offset")

Source = Literal["edges", "generator", "another", "file", "person"]
SOURCES: tuple[Source, ...] = get_args(Source)


@dataclass(slots=True)
class PseudoSketches:
    """Sketches of photos, one after the other in the order of ``photo_ids``; each a row of every array.

    ``photo`` int64 (n,) rises: the row of ``photo_ids`` that a sketch shows. ``form`` uint8 (n,): 1 if it shows the
    mirrored photo. ``source`` uint8 (n,): its place in ``SOURCES``. ``strokes``: canonical, centred. ``taps`` float16
    (n, D), ``maps`` float16 (n, c, h, w) or None. ``certainty`` float32 (n,): D_C's, from when the sketch was drawn.
    ``typical`` float32 (n,): the mean certainty then of all that G had drawn. ``drawn_in`` int64 (n,): the round of
    joint training that drew it, 0 for what was stored.

    ``scale`` and ``offset``, float32 (sources, D), were applied to the taps of each source. ``edges``: how often the
    drawing of a photo's edges counts among its sketches.
    """

    photo_ids: list[str]
    photo: np.ndarray
    form: np.ndarray
    source: np.ndarray
    strokes: list[np.ndarray]
    taps: np.ndarray
    maps: np.ndarray | None
    certainty: np.ndarray
    typical: np.ndarray
    scale: np.ndarray
    offset: np.ndarray
    edges: int = 1
    drawn_in: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        self.drawn_in = np.zeros(len(self.photo), np.int64)

    def __len__(self) -> int:
        return len(self.photo)

    def of_source(self, *sources: Source) -> np.ndarray:
        """Which sketches are of these sources: bool (n,)."""
        return np.isin(self.source, [SOURCES.index(source) for source in sources])

    def fit(self, taps: Tensor, source: Source) -> Tensor:
        """Taps (m, D) just read, as those of ``source`` are kept."""
        scale, offset = self.fitting(source).to(taps.device)
        return taps * scale + offset

    def fitting(self, source: Source) -> Tensor:
        """What the taps of ``source`` are multiplied by, and what is added then: float32 (2, D)."""
        place = SOURCES.index(source)
        return torch.from_numpy(np.stack([self.scale[place], self.offset[place]]))

    def standardise_source(self, source: Source, mean: np.ndarray, deviation: np.ndarray) -> None:
        """Give the sketches of ``source`` the mean and deviation, float32 (D,), that people's have, number by number.

        Drawings that nobody made have statistics of their own, which F should not learn.
        """
        rows, place = np.flatnonzero(self.of_source(source)), SOURCES.index(source)
        if not len(rows):
            return
        own_mean, own_deviation = moments(self.taps, rows)
        self.scale[place] = deviation / own_deviation
        self.offset[place] = mean - own_mean * self.scale[place]
        for part in _parts(rows):
            self.taps[part] = half(self.fit(torch.from_numpy(self.taps[part]).float(), source))

    def replace(self, rows: np.ndarray, strokes: Sequence[np.ndarray], read: Features, drawn_in: int) -> None:
        """Put drawings that G made in round ``drawn_in``, and what the trunk says of them, in the place of ``rows``."""
        for row, drawing in zip(rows, strokes, strict=True):
            self.strokes[row] = drawing
        self.taps[rows] = half(self.fit(read.taps, "generator"))
        if self.maps is not None:
            self.maps[rows] = half(read.map)
        self.drawn_in[rows] = drawn_in

    def state_dict(self) -> dict[str, Any]:
        """What rounds of joint training have replaced, for a checkpoint."""
        rows = np.flatnonzero(self.drawn_in)
        arrays = {name: torch.from_numpy(getattr(self, name)[rows]) for name in self._changing()}
        strokes = [torch.from_numpy(self.strokes[row]) for row in rows]
        return {"rows": torch.from_numpy(rows), "strokes": strokes, **arrays}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on with the sketches of a checkpoint."""
        rows = state["rows"].numpy()
        for row, strokes in zip(rows, state["strokes"], strict=True):
            self.strokes[row] = strokes.numpy()
        for name in self._changing():
            getattr(self, name)[rows] = state[name].numpy()

    def _changing(self) -> list[str]:
        return ["taps", "certainty", "typical", "drawn_in", *(["maps"] if self.maps is not None else [])]


def moments(taps: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and deviation of ``rows`` of float16 taps (n, D): float32 (D,) each, the deviation kept from 0."""
    total, square = np.zeros(taps.shape[1]), np.zeros(taps.shape[1])
    for part in _parts(rows):
        values = taps[part].astype(np.float64)
        total += values.sum(0)
        square += np.square(values).sum(0)
    mean, statistics = total / len(rows), Standardise(taps.shape[1])
    statistics.set(torch.from_numpy(mean), torch.from_numpy(np.sqrt(np.maximum(square / len(rows) - mean**2, 0))))
    return statistics.mean.numpy(), statistics.deviation.numpy()


def _parts(rows: np.ndarray, size: int = 1024) -> list[np.ndarray]:
    return np.array_split(rows, max(1, -(-len(rows) // size)))


def gathered(parts: Sequence[PseudoSketches], folder: Path) -> PseudoSketches:
    """The sketches of several sets of photos as one, their taps as read; of none at all is an error.

    Taps and maps lie in nameless files below ``folder``, which go with them: they may be larger than the memory.
    """
    first = np.cumsum([0, *(len(part.photo_ids) for part in parts)])
    maps = [part.maps for part in parts if part.maps is not None]
    return PseudoSketches(
        photo_ids=[name for part in parts for name in part.photo_ids],
        photo=np.concatenate([part.photo + start for part, start in zip(parts, first, strict=False)]),
        strokes=[strokes for part in parts for strokes in part.strokes],
        taps=_in_a_file([part.taps for part in parts], folder),
        maps=_in_a_file(maps, folder) if maps else None,
        edges=parts[0].edges,
        **{name: np.concatenate([getattr(part, name) for part in parts]) for name in OF_SKETCHES},
        **{name: getattr(parts[0], name) for name in OF_SOURCES},
    )


def _in_a_file(parts: Sequence[np.ndarray], folder: Path) -> np.ndarray:
    """Arrays float16 (n_i, ...), one after the other."""
    count = sum(map(len, parts))
    if not count:
        return parts[0]
    with TemporaryFile(dir=folder) as file:
        whole = np.memmap(file, np.float16, "w+", shape=(count, *parts[0].shape[1:]))
        reserve(file)
    np.concatenate(parts, out=whole)
    return whole


def write_pseudo(folder: Path, pseudo: PseudoSketches) -> None:
    """Write the folder of pseudo sketches, in one piece: the old folder or the new, never half."""
    numbers = np.bincount(pseudo.photo, minlength=len(pseudo.photo_ids)).tolist()
    with write_folder(folder) as partial:
        np.savez(
            partial / ARRAYS,
            points=np.concatenate([np.zeros((0, 3), np.float32), *pseudo.strokes]),
            counts=np.array([len(strokes) for strokes in pseudo.strokes], np.int64),
            **{name: getattr(pseudo, name) for name in (*OF_SKETCHES, *OF_SOURCES)},
        )
        np.save(partial / TAPS, pseudo.taps)
        if pseudo.maps is not None:
            np.save(partial / MAPS, pseudo.maps)
        photos = [{"id": name, "sketches": number} for name, number in zip(pseudo.photo_ids, numbers, strict=True)]
        about = {"format": FORMAT, "sources": list(SOURCES), "edges": pseudo.edges, "photos": photos}
        write_json(partial / INDEX, about, indent=1)


def read_pseudo(folder: Path) -> PseudoSketches:
    """Read what :func:`write_pseudo` wrote. Raises DataError where files are missing, damaged or do not agree.

    Taps and maps are mapped, and change in memory alone.
    """
    try:
        index = json.loads((folder / INDEX).read_text(encoding="utf-8"))
        found, sources, edges = index["format"], index["sources"], int(index["edges"])
        numbers = {str(photo["id"]): int(photo["sketches"]) for photo in index["photos"]}
        with np.load(folder / ARRAYS, allow_pickle=False) as arrays:
            points, counts = arrays["points"], arrays["counts"]
            small = {name: arrays[name] for name in (*OF_SKETCHES, *OF_SOURCES)}
        total = sum(numbers.values())
        taps = np.load(folder / TAPS, "c", allow_pickle=False)
        maps = np.load(folder / MAPS, "c", allow_pickle=False) if (folder / MAPS).exists() else None
    except FileNotFoundError as error:
        raise DataError(f"{error.filename}: no such file; expected the output of the stage pseudo") from error
    except (ValueError, KeyError, TypeError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(f"{folder}: expected what the stage pseudo writes, found damage: {error}") from error
    if found != FORMAT or sources != list(SOURCES):
        raise DataError(f"{folder / INDEX}: expected format {FORMAT}, found {found!r}; run the stage pseudo again")
    lengths = {len(values) for values in (counts, taps, *(small[name] for name in OF_SKETCHES))}
    if min(numbers.values(), default=0) < 0 or lengths != {total} or counts.sum() != len(points):
        raise DataError(f"{folder}: {INDEX} lists {total} sketches, the arrays hold {sorted(lengths)}")
    return PseudoSketches(
        photo_ids=list(numbers),
        photo=np.repeat(np.arange(len(numbers)), list(numbers.values())),
        strokes=list(np.split(points, np.cumsum(counts)[:-1])) if total else [],
        taps=taps,
        maps=maps,
        edges=edges,
        **small,
    )
