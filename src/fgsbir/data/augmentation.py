"""Augmentation of sketch-photo pairs: vector changes of the sketch, pixel changes of the photo.

Three kinds of change, every one drawn from a generator of (seed, stream, position) so that a batch
depends on nothing else:

* *joint*: mirror image and a change of proportions of photo and sketch alike, which makes a new
  instance that both show;
* *sketch only*: another hand: rotation, proportions, a smooth warp, strokes left out, placement;
* *photo only*: another camera: rotation, scale, position, brightness, contrast, colour.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional

from fgsbir.data.strokes import CANVAS, centre

HALF = CANVAS / 2


@dataclass(frozen=True, slots=True)
class Change:
    """One pair's change. Matrices are 2 x 2 and act on column vectors (x, y) about the centre."""

    joint: np.ndarray
    sketch: np.ndarray
    sketch_shift: np.ndarray  # (2,), canvas pixels
    sketch_scale: float
    warp: np.ndarray  # (2, 4, 4), canvas pixels, displacement on a coarse grid
    dropout: np.ndarray  # uniform numbers, one a stroke, used cyclically
    dropout_rate: float
    photo: np.ndarray
    photo_shift: np.ndarray  # (2,), in half widths
    colour: np.ndarray  # (5,): brightness, contrast, saturation, red gain, blue gain


def _linear(rng: np.random.Generator, rotation: float, scale: float, aspect: float, shear: float) -> np.ndarray:
    angle = rng.uniform(-rotation, rotation)
    size, stretch = rng.uniform(-scale, scale), rng.uniform(-aspect, aspect)
    slant = rng.uniform(-shear, shear)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    grow = np.diag(np.exp([size + stretch, size - stretch]))
    return turn @ np.array([[1.0, slant], [0.0, 1.0]]) @ grow


def draw_change(rng: np.random.Generator, strength: float) -> Change:
    """Draw one pair's change; ``strength`` 1 is the usual amount and 0 none at all."""
    s = strength
    joint = _linear(rng, 0.0, 0.0, 0.12 * s, 0.06 * s)
    if rng.random() < 0.5 * min(s, 1.0):
        joint = joint @ np.diag([-1.0, 1.0])
    return Change(
        joint=joint,
        sketch=_linear(rng, 0.08 * s, 0.0, 0.06 * s, 0.06 * s),
        sketch_shift=rng.uniform(-8 * s, 8 * s, 2),
        sketch_scale=float(np.exp(rng.uniform(-0.10 * s, 0.04 * s))),
        warp=rng.normal(0, 4.0 * s, (2, 4, 4)) if s else np.zeros((2, 4, 4)),
        dropout=rng.random(16),
        dropout_rate=float(rng.uniform(0, 0.2)) * s,
        photo=_linear(rng, 0.08 * s, 0.12 * s, 0.0, 0.03 * s),
        photo_shift=rng.uniform(-0.08 * s, 0.08 * s, 2),
        colour=rng.uniform(-s, s, 5),
    )


def _warp(points: np.ndarray, grid: np.ndarray) -> np.ndarray:
    """Displace points (n, 2) bilinearly by a coarse grid (2, 4, 4) over the canvas."""
    place = np.clip(points / CANVAS * 3, 0, 2.999)
    cell = place.astype(np.intp)
    fx, fy = (place - cell).T
    cx, cy = cell.T
    moved = (
        grid[:, cy, cx] * (1 - fx) * (1 - fy)
        + grid[:, cy, cx + 1] * fx * (1 - fy)
        + grid[:, cy + 1, cx] * (1 - fx) * fy
        + grid[:, cy + 1, cx + 1] * fx * fy
    )
    return points + moved.T


def change_sketch(strokes: np.ndarray, change: Change) -> np.ndarray:
    """Apply the joint and the sketch-only change to a canonical sketch; centred before and after."""
    placed = centre(strokes)
    # Which stroke a point belongs to: the number of strokes that ended before it.
    stroke = np.cumsum(placed[:, 2]) - placed[:, 2]
    kept = change.dropout[stroke.astype(np.intp) % len(change.dropout)] >= change.dropout_rate
    if kept.sum() > 1:
        placed = placed[kept]
    turned = (placed[:, :2] - HALF) @ (change.sketch @ change.joint).T.astype(np.float32) + HALF
    placed[:, :2] = _warp(turned, change.warp)
    placed = centre(placed)
    placed[:, :2] = (placed[:, :2] - HALF) * change.sketch_scale + HALF + change.sketch_shift
    return placed


def change_sketch_jointly(strokes: np.ndarray, change: Change) -> np.ndarray:
    """Apply only what photo and sketch share, so that the sketch stays a faithful drawing of the photo."""
    moved = centre(strokes)
    moved[:, :2] = (moved[:, :2] - HALF) @ change.joint.T + HALF
    return centre(moved)


def change_photos(photos: torch.Tensor, changes: list[Change]) -> torch.Tensor:
    """Apply the joint and the photo-only changes to float photos (n, 3, s, s) in [0, 1], on their device."""
    # affine_grid maps output places to input places, hence the inverse.
    inverse = np.stack([np.linalg.inv(change.photo @ change.joint) for change in changes])
    shift = np.stack([change.photo_shift for change in changes])
    theta = np.concatenate([inverse, -(inverse @ shift[:, :, None])], axis=2)
    colour = torch.as_tensor(np.stack([change.colour for change in changes]), dtype=photos.dtype).to(photos.device)
    grid = functional.affine_grid(
        torch.as_tensor(theta, dtype=photos.dtype).to(photos.device), list(photos.shape), align_corners=False
    )
    moved = functional.grid_sample(photos, grid, padding_mode="border", align_corners=False)
    brightness, contrast, saturation = (colour[:, k, None, None, None] for k in range(3))
    gain = torch.ones_like(moved[:, :, :1, :1]) + 0.15 * torch.stack(
        [colour[:, 3], -(colour[:, 3] + colour[:, 4]) / 2, colour[:, 4]], dim=1
    ).view(-1, 3, 1, 1)
    grey = moved.mean(1, keepdim=True)
    moved = grey + (moved - grey) * (1 + 0.6 * saturation)
    moved = (moved * gain - 0.5) * (1 + 0.3 * contrast) + 0.5 + 0.15 * brightness
    return moved.clamp_(0, 1)
