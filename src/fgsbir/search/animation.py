"""A sketch being drawn, as an animated GIF: the photo, and beside it the pen at an even pace."""

import io

import numpy as np
from PIL import Image

from fgsbir.data.sheet import sketch_picture
from fgsbir.data.strokes import join_strokes, split_strokes

SIDE = 256
FRAMES, FRAME_MS, LAST_MS = 60, 45, 2000
COLOURS = 232


def drawing_gif(photo: np.ndarray, strokes: np.ndarray) -> bytes:
    """An endless GIF of a canonical sketch being drawn in about 3 s, the photo, uint8 (s, s, 3), on its left."""
    # One palette for all frames: with one each, the photo would flicker. The page has greys of its own, and white.
    picture = Image.fromarray(photo).resize((SIDE, SIDE), Image.Resampling.LANCZOS).quantize(COLOURS)
    colours = (picture.getpalette() or [])[: 3 * COLOURS]
    greys = np.linspace(0, 255, 256 - COLOURS).round().astype(int).repeat(3).tolist()
    palette = colours + [0] * (3 * COLOURS - len(colours)) + greys
    page = np.empty((SIDE, 2 * SIDE + 1), np.uint8)
    page[:, :SIDE], page[:, SIDE] = np.asarray(picture), COLOURS + 20
    frames = []
    for share in np.linspace(0, 1, FRAMES + 1):
        ink = sketch_picture(drawn_part(strokes, share), SIDE)
        page[:, SIDE + 1 :] = COLOURS + np.rint(ink / 255 * (255 - COLOURS)).astype(np.uint8)
        frames.append(Image.fromarray(page.copy()))
        frames[-1].putpalette(palette)
    gif = io.BytesIO()
    durations = [FRAME_MS] * FRAMES + [LAST_MS]
    frames[0].save(gif, "GIF", save_all=True, append_images=frames[1:], duration=durations, loop=0, optimize=False)
    return gif.getvalue()


def drawn_part(strokes: np.ndarray, share: float) -> np.ndarray:
    """What of a canonical sketch the pen has drawn after ``share`` (0 to 1) of the way: canonical, perhaps empty."""
    if share >= 1:
        return strokes
    drawn, parts = [], split_strokes(strokes)
    # A dot takes as long as a pixel's line.
    steps = [np.hypot(*np.diff(part, axis=0).T) if len(part) > 1 else np.ones(1) for part in parts]
    left = share * float(sum(step.sum() for step in steps))
    for part, step in zip(parts, steps, strict=True):
        if left <= 0:
            break
        walked = np.append(0, np.cumsum(step))
        if left < walked[-1] and len(part) > 1:
            end = [np.interp(left, walked, part[:, axis]) for axis in (0, 1)]
            part = np.vstack([part[walked < left], end])
        drawn.append(part)
        left -= walked[-1]
    return join_strokes(drawn)
