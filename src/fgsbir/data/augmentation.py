"""Augmentation of sketch-photo pairs: vector changes of the sketch, pixel changes of the photo.

* *joint*: mirror image and a change of proportions of photo and sketch alike, a new instance that both show;
* *sketch only*: another hand: rotation, proportions, a smooth warp, strokes left out, placement;
* *photo only*: another camera: rotation, scale, position, brightness, contrast, colour.

The changes of a batch are applied together: one at a time they cost as much as decoding the photos.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
import torch
from torch.nn import functional

from fgsbir.data.strokes import CANVAS, centre_all

HALF = CANVAS / 2


@dataclass(frozen=True, slots=True)
class Changes:
    """The changes of n pairs, row by row. Matrices are 2 x 2 and act on column vectors (x, y) about the centre."""

    joint: np.ndarray  # (n, 2, 2)
    sketch: np.ndarray  # (n, 2, 2)
    sketch_shift: np.ndarray  # (n, 2), canvas pixels
    sketch_scale: np.ndarray  # (n,)
    warp: np.ndarray  # (n, 2, 4, 4), canvas pixels, displacement on a coarse grid
    dropout: np.ndarray  # (n, 16): uniform numbers, one a stroke, used cyclically
    dropout_rate: np.ndarray  # (n,)
    photo: np.ndarray  # (n, 2, 2)
    photo_shift: np.ndarray  # (n, 2), in half widths
    colour: np.ndarray  # (n, 5): brightness, contrast, saturation, red gain, blue gain


def draw_changes(rng: np.random.Generator, n: int, strength: float) -> Changes:
    """Draw the changes of ``n`` pairs; ``strength`` 1 is the usual amount and 0 none at all."""
    s = strength
    even = iter(rng.uniform(-1, 1, (23, n)))

    def within(bound: float) -> np.ndarray:
        return bound * next(even)

    joint = _linear(within, rotation=0.0, scale=0.0, aspect=0.12 * s, shear=0.06 * s)
    joint[:, :, 0] *= np.where(rng.random(n) < 0.5 * min(s, 1.0), -1, 1)[:, None]
    return Changes(
        joint=joint,
        sketch=_linear(within, rotation=0.08 * s, scale=0.0, aspect=0.06 * s, shear=0.06 * s),
        sketch_shift=np.stack([within(8 * s), within(8 * s)], 1),
        sketch_scale=np.exp(-0.03 * s + within(0.07 * s)),
        warp=rng.normal(0, 4.0, (n, 2, 4, 4)) * s,
        dropout=rng.random((n, 16)),
        dropout_rate=0.1 * s + within(0.1 * s),
        photo=_linear(within, rotation=0.08 * s, scale=0.12 * s, aspect=0.0, shear=0.03 * s),
        photo_shift=np.stack([within(0.08 * s), within(0.08 * s)], 1),
        colour=np.stack([within(s) for _ in range(5)], 1),
    )


def drawn_separately(numbers: Sequence[int] | np.ndarray, strength: float) -> Changes:
    """The changes of these numbers, one each: a photo and a sketch of one number are changed alike."""
    each = [draw_changes(np.random.default_rng(int(number)), 1, strength) for number in numbers]
    return Changes(*(np.concatenate([getattr(one, field.name) for one in each]) for field in fields(Changes)))


def _linear(
    within: Callable[[float], np.ndarray], *, rotation: float, scale: float, aspect: float, shear: float
) -> np.ndarray:
    """Rotations after shears after changes of size, (n, 2, 2), each drawn evenly between its bound and minus it."""
    angle, size, stretch, slant = within(rotation), within(scale), within(aspect), within(shear)
    sine, cosine = np.sin(angle), np.cos(angle)
    wide, high = np.exp(size + stretch), np.exp(size - stretch)
    matrix = [[cosine * wide, (cosine * slant - sine) * high], [sine * wide, (sine * slant + cosine) * high]]
    return np.array(matrix).transpose(2, 0, 1)


def change_sketches(sketches: Sequence[np.ndarray], changes: Changes) -> list[np.ndarray]:
    """Apply the joint and the sketch-only change of each canonical sketch, centred; one stroke at least is kept."""
    strokes, counts = _joined(sketches)
    owner, first = np.repeat(np.arange(len(counts)), counts), np.cumsum(counts) - counts
    # Which stroke of its sketch a point belongs to: the number of strokes that ended before it.
    lifted = strokes[:, 2] > 0.5
    ended: np.ndarray = np.cumsum(lifted) - lifted
    stroke: np.ndarray = ended - ended[first][owner]
    stays = changes.dropout >= changes.dropout_rate[:, None]
    kept = stays[owner, stroke % stays.shape[1]]
    kept |= (np.add.reduceat(kept, first, dtype=np.intp) <= 1)[owner]

    strokes, owner = centre_all(strokes, counts)[kept], owner[kept]
    counts = np.bincount(owner, minlength=len(counts))
    _turn(strokes, (changes.sketch @ changes.joint)[owner])
    strokes[:, :2] += _displacements(strokes[:, :2], changes.warp, owner)
    strokes = centre_all(strokes, counts)
    scale = changes.sketch_scale[owner, None]
    strokes[:, :2] = (strokes[:, :2] - HALF) * scale + HALF + changes.sketch_shift[owner]
    return _parted(strokes, counts)


def sketch_variant(strokes: np.ndarray, rng: np.random.Generator, strength: float) -> np.ndarray:
    """A canonical sketch as another hand might have drawn it, of the same thing: only the sketch's own changes."""
    changes = replace(draw_changes(rng, 1, strength), joint=np.eye(2)[None])
    return change_sketches([strokes], changes)[0]


def change_sketches_jointly(sketches: Sequence[np.ndarray], changes: Changes) -> list[np.ndarray]:
    """Apply only what photo and sketch share, so that the sketches stay faithful drawings of the photos."""
    strokes, counts = _joined(sketches)
    strokes = centre_all(strokes, counts)
    _turn(strokes, np.repeat(changes.joint, counts, axis=0))
    return _parted(centre_all(strokes, counts), counts)


def _joined(sketches: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """The points of all sketches, float32 (n, 3), and how many each has."""
    return np.concatenate(sketches, dtype=np.float32), np.array([len(strokes) for strokes in sketches])


def _parted(strokes: np.ndarray, counts: np.ndarray) -> list[np.ndarray]:
    return np.split(strokes, np.cumsum(counts)[:-1])


def _turn(strokes: np.ndarray, matrices: np.ndarray) -> None:
    """Turn each point of (n, 3) about the canvas centre by its own matrix (n, 2, 2), in place."""
    x, y = (strokes[:, :2] - HALF).T
    strokes[:, 0] = matrices[:, 0, 0] * x + matrices[:, 0, 1] * y + HALF
    strokes[:, 1] = matrices[:, 1, 0] * x + matrices[:, 1, 1] * y + HALF


def _displacements(points: np.ndarray, grids: np.ndarray, owner: np.ndarray) -> np.ndarray:
    """Where points (n, 2) move, by the coarse grids (m, 2, 4, 4) over the canvas; bilinear between the nodes."""
    place = np.clip(points / CANVAS * 3, 0, 2.999)
    cell = place.astype(np.intp)
    cx, cy = cell.T
    fx, fy = (place - cell).T[:, :, None]
    return (
        grids[owner, :, cy, cx] * (1 - fx) * (1 - fy)
        + grids[owner, :, cy, cx + 1] * fx * (1 - fy)
        + grids[owner, :, cy + 1, cx] * (1 - fx) * fy
        + grids[owner, :, cy + 1, cx + 1] * fx * fy
    )


def change_photos(photos: torch.Tensor, changes: Changes) -> torch.Tensor:
    """Apply the joint and the photo-only changes to float32 photos (n, 3, h, w) in [0, 1], on their device."""
    n, _, height, width = photos.shape
    # A place of the result to the place of the photo that it shows, hence the inverse.
    inverse = np.linalg.inv(changes.photo @ changes.joint)
    shift = -inverse @ changes.photo_shift[:, :, None]
    numbers = np.concatenate([np.concatenate([inverse, shift], 2).reshape(n, 6), _colours(changes.colour)], 1)
    numbers_there = torch.from_numpy(numbers.astype(np.float32)).to(photos.device, non_blocking=True)
    place, matrix, offset = numbers_there.split([6, 9, 3], 1)
    per_x, per_y, start = place.view(n, 2, 3)[:, :, None, None].unbind(-1)
    x, y = ((torch.arange(side, device=photos.device) + 0.5) * (2 / side) - 1 for side in (width, height))
    grid = (per_x * x + (per_y * y + start).transpose(2, 3)).permute(0, 2, 3, 1)
    moved = functional.grid_sample(photos, grid, padding_mode="border", align_corners=False)
    # Colours change pixel by pixel, and affinely: one product. Autocast would round the result.
    with torch.autocast(photos.device.type, enabled=False):
        coloured = torch.baddbmm(offset.view(n, 3, 1), matrix.view(n, 3, 3), moved.flatten(2))
    return coloured.view_as(moved).clamp_(0, 1)


def _colours(colour: np.ndarray) -> np.ndarray:
    """Saturation, gain, contrast and brightness as one affine change of (r, g, b): (n, 9 + 3), matrix and offset."""
    brightness, contrast, saturation, red, blue = colour.T
    vivid, contrast = (1 + 0.6 * saturation)[:, None, None], 1 + 0.3 * contrast
    gain = 1 + 0.15 * np.stack([red, -(red + blue) / 2, blue], 1)
    matrix = (gain * contrast[:, None])[:, :, None] * (vivid * np.eye(3) + (1 - vivid) / 3)
    offset = np.repeat((0.5 - 0.5 * contrast + 0.15 * brightness)[:, None], 3, axis=1)
    return np.concatenate([matrix.reshape(-1, 9), offset], 1)
