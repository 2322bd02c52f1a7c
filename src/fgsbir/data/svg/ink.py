"""Which parts of a drawing's shapes are visible: those that differ from what they lie on.

Shapes are painted in their order, coarsely, on a picture of the canvas. A stroke is seen where it differs from the
fills beneath it and no later shape covers it. A filled shape is seen as its outline, or, where it is the outline of a
pen's line, as that line. What a pale layer or one like ink holds covers nothing beneath the layer.
"""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from skimage.measure import find_contours

from fgsbir.data.records import DataError
from fgsbir.data.strokes import kept_points
from fgsbir.data.svg.lines import cut_to_box, dense_points, shown_parts
from fgsbir.data.svg.page import OPAQUE, Layer, Page, Paint, Region, Shape, cutting_clips
from fgsbir.data.svg.raster import PIXELS, SIDE, Raster, Window, pixel_range
from fgsbir.data.tracing import order_strokes, trace_mask

MIN_CONTRAST = 24.0  # of 255, as of ink on paper
WHOLE_SHARE = 0.95  # of the viewport, from which a fill is its background
MAX_PEN = 12.0  # canvas pixels: the width up to which a filled shape can be a pen's line
MIN_LENGTHS = 3.0  # widths that such a line is long
MIN_THICKNESS = 0.1  # canvas pixels, below which a fill is too pale to be seen
TRACE_TOLERANCE = 0.5  # canvas pixels
SHAPE_COST = 10_000  # of any shape, in painted pixels
TRACE_COST = 10  # of a pixel
LAYER_COST = 10  # of a pixel
CUT_COST = 5  # of a pixel
MAX_DENSE = 1_000_000  # points of all lines at a distance of a canvas pixel

_WHITE, _BLACK = np.full(3, 255.0), np.zeros(3)
_AROUND = np.append(0, np.exp(0.25j * np.pi * np.arange(8)))[:, None]


def seen_lines(page: Page) -> list[np.ndarray]:
    """The lines that a page shows, complex (m,) each in canvas pixels, in the order of its shapes.

    On white paper; a page that shows nothing there is a drawing for black paper. Raises DataError for a page that takes
    too much to paint.
    """
    for shape in page.shapes:
        shape.clips = cutting_clips(shape)
    for paper in (_WHITE, _BLACK):
        if all(_is_plain(shape) and _differs(shape.stroke, paper) for shape in page.shapes):
            lines = [(shape, line) for shape in page.shapes for line in shape.lines if len(line) > 1 or shape.capped]
            found = [part for shape, line in lines for part in cut_to_box(line, *_corners(page, shape.width))]
        else:
            found = _Picture(page, paper).lines()
        if found:
            return found
    return []


@dataclass(slots=True)
class _Candidate:
    """A line that may be seen, at points no more than a canvas pixel apart; around each of them nine pixels, (9, n)."""

    number: int  # of its shape
    outline: bool
    width: float
    points: np.ndarray
    corner: np.ndarray  # which of the points are the line's own
    differs: np.ndarray  # (9, n), from what is beneath
    beneath: np.ndarray  # (9, n), the numbers of the shapes there


@dataclass(slots=True)
class _Painted:
    """A layer's part of the picture: the colours beneath it, and the last of its shapes that covers each pixel."""

    window: Window
    below: np.ndarray
    cover: np.ndarray

    def at(self, where: Window | tuple[np.ndarray, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """Rows and columns in this part, of a window or of pixels of the whole."""
        rows, columns = (np.arange(side.start, side.stop) if isinstance(side, slice) else side for side in where)
        if isinstance(where[0], slice):
            rows = rows[:, None]
        height, width = self.cover.shape
        row, column = rows - self.window[0].start, columns - self.window[1].start
        return np.clip(row, 0, height - 1), np.clip(column, 0, width - 1)


class _Picture:
    """A page as it is painted: the colours of its fills, and the last shape that covers each pixel."""

    def __init__(self, page: Page, paper: np.ndarray) -> None:
        self.page = page
        self.paper = paper
        self.colours = np.broadcast_to(paper, (SIDE, SIDE, 3)).astype(np.float32)
        self.cover = np.full((SIDE, SIDE), -1, np.int32)
        self.candidates: list[_Candidate] = []
        self.areas: dict[int, tuple[Window, np.ndarray]] = {}  # of the fills that may be a pen's line
        self.layers: dict[Layer, _Painted] = {}
        self.raster = Raster()
        self.dense = 0

    def lines(self) -> list[np.ndarray]:
        """Paint all shapes, and say which lines can be seen."""
        self.raster.spend(SHAPE_COST * len(self.page.shapes))
        for number, shape in enumerate(self.page.shapes):
            if shape.layer and shape.layer not in self.layers:
                self.layers[shape.layer] = self._begun(shape.layer)
            clip = self.raster.clip(shape)
            if shape.fill:
                self._fill(number, shape, shape.fill, clip)
            if shape.stroke:
                self._stroke(number, shape, shape.stroke, clip)
        visible = {candidate.number for candidate in self.candidates if candidate.differs.any()}
        traced = {number: self._traced(number) for number in self.areas if number in visible}
        pens = [number for number, lines in traced.items() if lines]
        found = [(number, line) for number in pens for line in traced[number]]
        for candidate in self.candidates:
            if not (candidate.outline and candidate.number in pens):
                found += [(candidate.number, part) for part in self._shown(candidate, pens)]
        return [line for _, line in sorted(found, key=lambda numbered: numbered[0])]

    def _begun(self, layer: Layer) -> _Painted:
        """The part of the picture that a layer can change, as it is before."""
        widest = max(shape.width for shape in layer.shapes) * PIXELS
        points = np.concatenate([line for shape in layer.shapes for line in shape.lines]) * PIXELS
        window = pixel_range(points.imag, widest), pixel_range(points.real, widest)
        below = self.colours[window].copy()
        self.raster.spend(LAYER_COST * below.size)
        return _Painted(window, below, np.full(below.shape[:2], -1, np.int32))

    def _covers(self, shape: Shape, where: Window | tuple[np.ndarray, np.ndarray]) -> np.ndarray:
        """The last of the shapes that can cover this one, at some pixels."""
        if not shape.layer:
            return self.cover[where]
        painted = self.layers[shape.layer]
        return np.maximum(self.cover[where], painted.cover[painted.at(where)])

    def _cover(self, number: int, window: Window, mask: np.ndarray) -> None:
        layer = self.page.shapes[number].layer
        if not layer:
            self.cover[window][mask] = number
            return
        rows, columns = np.broadcast_arrays(*self.layers[layer].at(window))
        self.layers[layer].cover[rows[mask], columns[mask]] = number

    def _colour(self, shape: Shape, paint: Paint, where: Window | tuple[np.ndarray, np.ndarray]) -> np.ndarray:
        """The colour that a paint gives pixels, if nothing but the layer is transparent."""
        if not shape.layer:
            return paint[0]
        painted = self.layers[shape.layer]
        below = painted.below[painted.at(where)]
        colour = paint[0]
        if shape.layer.blend == "multiply":
            colour = colour * below / 255
        elif shape.layer.blend == "screen":
            colour = colour + below - colour * below / 255
        return below + shape.layer.opacity * (colour - below)

    def _fill(self, number: int, shape: Shape, paint: Paint, clip: np.ndarray | None) -> None:
        window, area = self.raster.area(shape)
        if _thickness(shape, float(area.sum()) / PIXELS**2) < MIN_THICKNESS:
            return
        cut: list[np.ndarray] = []
        if clip is not None and (area & ~clip[window]).any():
            area &= clip[window]
            cut = self._cut(shape, window, area)
        whole = area.sum() >= WHOLE_SHARE * PIXELS**2 * _area_of(self.page)
        if not whole:
            closed = [np.append(line, line[0]) for line in shape.lines if len(line) > 2]
            ends = [line[[-1, 0]] for line, done in zip(shape.lines, shape.closed, strict=True) if not done]
            for line in [*(ends if shape.stroke else closed), *cut]:
                self._add(number, line, paint, 0.0)
            if not shape.stroke:
                self.areas[number] = window, area
        opacity, colour = paint[1], self._colour(shape, paint, window)
        below = self.colours[window]
        mixed = colour if opacity == 1 else below + np.float32(opacity) * (colour - below)
        np.copyto(below, mixed, "unsafe", where=area[..., None])
        if opacity >= OPAQUE:
            self._cover(number, window, area)
            self.paper = paint[0] if whole and not shape.layer else self.paper

    def _cut(self, shape: Shape, window: Window, area: np.ndarray) -> list[np.ndarray]:
        """The edges of a fill at some pixels where clips or masks have cut it, and no outline runs."""
        self.raster.spend(CUT_COST * area.size)
        pen = shape.width * PIXELS if shape.stroke else 0.0
        near = self.raster.outline(_closed(shape), pen + 3.0, window=window)[1]
        corner = complex(window[1].start, window[0].start) + (0.5 + 0.5j)
        found = []
        for contour in find_contours(np.pad(area, 1).astype(np.float32), 0.5):
            kept = (contour - 1)[kept_points(contour.tolist(), TRACE_TOLERANCE * PIXELS)]
            points, own = dense_points(kept[:, 1] + 1j * kept[:, 0])
            rows = np.clip(points.imag.round().astype(int), 0, area.shape[0] - 1)
            columns = np.clip(points.real.round().astype(int), 0, area.shape[1] - 1)
            found += shown_parts((points + corner) / PIXELS, own, ~near[rows, columns], 3.0)
        return found

    def _stroke(self, number: int, shape: Shape, paint: Paint, clip: np.ndarray | None) -> None:
        before = len(self.candidates)
        for line in shape.lines:
            if len(line) > 1 or shape.capped:
                self._add(number, line, paint, shape.width)
        added = self.candidates[before:]
        same = [~candidate.differs.any(0) for candidate in added]
        if paint[1] >= OPAQUE and any(part.any() for part in same):
            # It has the colour of what is beneath, and rubs out other lines there: all along, if it is an eraser's.
            window, mask = self.raster.outline(shape.lines, shape.width * PIXELS, capped=shape.capped)
            if not _differs(paint, self.paper) and np.concatenate(same).mean() > 0.5:
                for candidate in added:
                    candidate.differs[:] = False
            else:
                mask &= np.abs(self.colours[window] - self._colour(shape, paint, window)).max(-1) < MIN_CONTRAST
            self._cover(number, window, mask if clip is None else mask & clip[window])

    def _add(self, number: int, line: np.ndarray, paint: Paint, width: float) -> None:
        """Compare a line with what is beneath it so far."""
        for part in cut_to_box(line, *_corners(self.page, width)):
            self.dense += int(np.abs(np.diff(part)).sum()) + len(part)
            if self.dense > MAX_DENSE:
                raise DataError("expected lines that a canvas can show, found far too many")
            points, own = dense_points(part)
            at = _pixels(points, 0.0)
            shape, outline = self.page.shapes[number], not width
            differs = np.abs(self.colours[at] - self._colour(shape, paint, at)).max(-1) * paint[1] >= MIN_CONTRAST
            self.candidates.append(_Candidate(number, outline, width, points, own, differs, self._covers(shape, at)))

    def _shown(self, candidate: _Candidate, pens: list[int]) -> list[np.ndarray]:
        """The parts of a line that differ from what is beneath, are not clipped and not covered by later shapes."""
        differs, shape = candidate.differs, self.page.shapes[candidate.number]
        covered = self._covers(shape, _pixels(candidate.points, candidate.width / 2)).min(0) > candidate.number
        if candidate.outline:  # the edge of a line that is traced is that line's, and two shapes may look like one
            differs = differs & ~np.isin(candidate.beneath, pens)
            covered |= np.ptp(self.colours[_pixels(candidate.points, 0.0)], 0).max(-1) < MIN_CONTRAST
        shown = differs.any(0) & ~covered
        clip = self.raster.clip(shape)
        if clip is not None:
            shown &= clip[_pixels(candidate.points, 0.0)].any(0)
        return shown_parts(candidate.points, candidate.corner, shown, max(candidate.width, 3.0))

    def _traced(self, number: int) -> list[np.ndarray]:
        """The lines of a fill that is a pen's line where it is not covered; none for another."""
        window, area = self.areas[number]
        self.raster.spend(TRACE_COST * area.size)
        shape = self.page.shapes[number]
        lines, clip = _closed(shape), self.raster.clip(shape)
        bare = self._covers(shape, window) <= number
        seen = area & bare
        if seen.sum() > MAX_PEN * PIXELS**2 * sum(float(np.abs(np.diff(line)).sum()) for line in lines):
            return []
        # Hairs that run between the pixels' centres are drawn as well.
        hairs = self.raster.outline(lines, 1.0, window=window)[1] & bare
        hairs = hairs if clip is None else hairs & clip[window]
        seen = ndimage.binary_closing(np.pad(seen | hairs, 1), np.ones((3, 3)))[1:-1, 1:-1]
        width = 2 * float(ndimage.distance_transform_edt(np.pad(seen, 1)).max())
        if width > MAX_PEN * PIXELS or seen.sum() < MIN_LENGTHS * width**2:
            return []
        corner = np.array([window[1].start, window[0].start])
        parts = [(part + corner) / PIXELS for part in trace_mask(seen)]
        kept = [part[kept_points(part.tolist(), TRACE_TOLERANCE)] for part in (order_strokes(parts) if parts else [])]
        return [part[:, 0] + 1j * part[:, 1] for part in kept if len(part) > 1]


def _closed(region: Region) -> list[np.ndarray]:
    return [np.append(line, line[0]) for line in region.lines]


def _is_plain(shape: Shape) -> bool:
    return not shape.fill and not shape.clips and not shape.layer


def _differs(paint: Paint | None, paper: np.ndarray) -> bool:
    return paint is not None and float(np.abs(paint[0] - paper).max() * paint[1]) >= MIN_CONTRAST


def _thickness(region: Region, painted: float) -> float:
    """Twice a region's area over the length of its outlines: about the thickness of a thin one.

    The area is what is ``painted``, or the shoelace formula's where pixels are too coarse for it.
    """
    sides = [(line, np.roll(line, -1)) for line in region.lines]
    twice = max(2 * painted, sum(abs(float((one.conj() * other).imag.sum())) for one, other in sides))
    return twice / max(sum(float(np.abs(other - one).sum()) for one, other in sides), 1e-9)


def _corners(page: Page, width: float) -> tuple[complex, complex]:
    """The corners between which the page shows something of a line, if its middle lies there."""
    margin = page.margin + width / 2
    return page.low - margin * (1 + 1j), page.high + margin * (1 + 1j)


def _area_of(page: Page) -> float:
    return (page.high - page.low).real * (page.high - page.low).imag


def _pixels(points: np.ndarray, radius: float) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns, (9, n) each, of the pixels at points and around them: next to them, or at a radius (canvas)."""
    at = points * PIXELS + _AROUND * max(1.0, 0.8 * radius * PIXELS)
    return np.clip(at.imag.astype(int), 0, SIDE - 1), np.clip(at.real.astype(int), 0, SIDE - 1)
