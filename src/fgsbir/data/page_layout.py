"""What lies on a page: a frame round a drawing, and notes beside it."""

import numpy as np
from scipy import ndimage

from fgsbir.data.photos import Box

# Shares of the picture's sides. A frame's lines lie so near to the border, and stray so far from straight.
NEAR_BORDER, STRAY = 0.15, 0.06
CLOSED = 0.9  # of each side's length that a frame's line covers
# Of the longer side: ink beyond a wider gap is another group. Of the ink: the least that the drawing has, and the least
# that notes beside it have.
GAP, MOST_INK, SOME_INK = 0.06, 0.5, 0.01
MARGIN = 0.02

_EIGHT = np.ones((3, 3), int)


def without_frame(ink: np.ndarray) -> tuple[np.ndarray, bool]:
    """Ink, bool (h, w), less a rectangle near the picture's border that all other ink lies in; and whether there was
    one.
    """
    labels, _ = ndimage.label(ink, _EIGHT)
    rest, found = ink, False
    for label, place in enumerate(ndimage.find_objects(labels), 1):
        part = labels[place] == label
        if _is_near_border(place, ink.shape) and _is_ring(part):
            inside = rest & (labels != label)
            if inside.any() and np.count_nonzero(inside[place]) == np.count_nonzero(inside):
                rest, found = inside, True
    return rest, found


def drawing_box(ink: np.ndarray) -> Box | None:
    """The part of a picture with the drawing alone, where other ink, bool (h, w), such as notes, lies beside it."""
    side = max(ink.shape)
    near = ndimage.binary_dilation(ink, _EIGHT, iterations=max(1, round(GAP * side / 2)))
    groups = ndimage.label(near, _EIGHT)[0] * ink
    shares = np.bincount(groups.ravel())[1:] / max(1, int(ink.sum()))
    boxes = [(across.start, down.start, across.stop, down.stop) for down, across in ndimage.find_objects(groups)]
    if not boxes or shares.max() < MOST_INK:
        return None
    left, top, right, bottom = boxes[int(shares.argmax())]
    others = [box for box, share in zip(boxes, shares, strict=True) if share > SOME_INK]
    if all(box[0] < right and box[2] > left and box[1] < bottom and box[3] > top for box in others):
        return None
    margin, (height, width) = MARGIN * side, ink.shape
    return (
        max(0.0, (left - margin) / width),
        max(0.0, (top - margin) / height),
        min(1.0, (right + margin) / width),
        min(1.0, (bottom + margin) / height),
    )


def _is_near_border(place: tuple[slice, ...], shape: tuple[int, ...]) -> bool:
    return all(
        along.start <= NEAR_BORDER * length and along.stop >= (1 - NEAR_BORDER) * length
        for along, length in zip(place, shape, strict=True)
    )


def _is_ring(part: np.ndarray) -> bool:
    """Whether ink, bool (h, w), in its own box runs along the box's four sides and nowhere else."""
    down, across = (max(2, round(STRAY * length)) for length in part.shape)
    sides = part[:down].any(0), part[-down:].any(0), part[:, :across].any(1), part[:, -across:].any(1)
    return not part[down:-down, across:-across].any() and all(side.mean() >= CLOSED for side in sides)
