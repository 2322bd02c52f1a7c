"""Pixels of areas and lines on a picture of the canvas, as many as a drawing may cost."""

import numpy as np
from PIL import Image, ImageDraw

from fgsbir.data.strokes import CANVAS
from fgsbir.data.svg.document import Budget
from fgsbir.data.svg.page import SHOWN, Region

MAX_PAINTED = 150_000_000  # pixels: some 500 shapes as large as the canvas
CROSSING_COST = 30  # of an outline that crosses a row of pixels
JOINT_COST = 0.1  # of a pixel around a point of a wide line
PIXELS = 2  # of the picture, in a canvas pixel
SIDE = CANVAS * PIXELS

Window = tuple[slice, slice]  # rows and columns


class Raster:
    """Says which pixels belong to what. Raises DataError for a drawing that takes too much to paint."""

    def __init__(self) -> None:
        self.spend = Budget(MAX_PAINTED, "to paint").spend
        self._clips: dict[tuple[int, ...], np.ndarray] = {}

    def area(self, region: Region) -> tuple[Window, np.ndarray]:
        """The pixels whose centres lie in a region, by the turns of its outlines around them; and their window."""
        lines = [line * PIXELS for line in region.lines]
        start = np.concatenate([np.zeros(0, complex), *lines])
        end = np.concatenate([np.zeros(0, complex), *(np.roll(line, -1) for line in lines)])
        rows, columns = pixel_range(start.imag, 0), pixel_range(start.real, 0)
        height, width = rows.stop - rows.start, columns.stop - columns.start
        heights = np.minimum(start.imag, end.imag), np.maximum(start.imag, end.imag)
        first, last = (np.clip(np.ceil(side - 0.5), rows.start, rows.stop).astype(int) for side in heights)
        numbers = last - first
        self.spend(CROSSING_COST * int(numbers.sum()) + height * width)
        of = np.repeat(np.arange(len(start)), numbers)
        row = np.arange(len(of)) - np.repeat(np.cumsum(numbers) - numbers, numbers) + first[of]
        step = (end - start)[of]
        across = start.real[of] + (row + 0.5 - start.imag[of]) * step.real / step.imag
        column = np.clip(np.ceil(across - 0.5), columns.start, columns.stop).astype(int) - columns.start
        at = (row - rows.start) * (width + 1) + column
        turns = np.bincount(at, np.sign(step.imag), height * (width + 1)).reshape(height, width + 1)
        turns = np.rint(np.cumsum(turns, 1)).astype(int)[:, :-1]
        return (rows, columns), turns % 2 == 1 if region.even_odd else turns != 0

    def region(self, region: Region) -> tuple[Window, np.ndarray]:
        """The pixels of an area, or of a line; and their window."""
        return (
            self.outline(region.lines, region.pen * PIXELS, capped=region.capped) if region.pen else self.area(region)
        )

    def outline(
        self, lines: list[np.ndarray], width: float, *, capped: bool = False, window: Window | None = None
    ) -> tuple[Window, np.ndarray]:
        """The pixels under lines of a width in pixels, with round joints; and their window."""
        points = np.concatenate(lines) * PIXELS
        rows, columns = window or (pixel_range(points.imag, width), pixel_range(points.real, width))
        size = (max(columns.stop - columns.start, 1), max(rows.stop - rows.start, 1))
        self.spend(size[0] * size[1] + int(JOINT_COST * len(points) * width**2))
        image = Image.new("L", size)
        draw = ImageDraw.Draw(image)
        radius = width / 2
        for line in lines:
            moved = line * PIXELS - complex(columns.start, rows.start)
            places = list(zip(moved.real.tolist(), moved.imag.tolist(), strict=True))
            draw.line(places, 255, max(1, round(width)))
            for x, y in (places if capped else places[1:-1]) if radius > 1 else []:
                draw.ellipse((x - radius, y - radius, x + radius, y + radius), 255)
        return (rows, columns), (np.asarray(image) > 0)[: rows.stop - rows.start, : columns.stop - columns.start]

    def clip(self, region: Region) -> np.ndarray | None:
        """The pixels where a region may be; None for all."""
        if not region.clips:
            return None
        key = tuple(map(id, region.clips))
        if key not in self._clips:
            self.spend(SIDE**2)
            whole = np.ones((SIDE, SIDE), bool)
            for regions in region.clips:
                light = np.zeros(whole.shape, np.float32)
                for part in regions:
                    window, area = self.region(part)
                    clip, lit = self.clip(part), light[window]
                    area = area if clip is None else area & clip[window]
                    lit[area] += part.opacity * (part.light - lit[area])
                whole &= light >= SHOWN
            self._clips[key] = whole
        return self._clips[key]


def pixel_range(values: np.ndarray, margin: float) -> slice:
    """The pixels along one axis that a shape can touch."""
    if not len(values):
        return slice(0, 0)
    return slice(*np.clip([values.min() - margin, values.max() + margin + 1], 0, SIDE).astype(int).tolist())
