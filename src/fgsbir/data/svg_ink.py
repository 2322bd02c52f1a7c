"""Which parts of a drawing's shapes are visible: those that differ from what they lie on.

Shapes are painted in their order, coarsely, on a picture of the canvas. A stroke is seen where it differs from the
fills beneath it and no later shape covers it. A filled shape is seen as its outline, or, where it is the outline of a
pen's line, as that line.
"""

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw
from scipy import ndimage

from fgsbir.data.records import DataError
from fgsbir.data.strokes import CANVAS, kept_points
from fgsbir.data.svg_lines import cut_to_box, dense_points, shown_parts
from fgsbir.data.svg_shapes import Page, Paint, Region, Shape, cutting_clips
from fgsbir.data.tracing import order_strokes, trace_mask

MIN_CONTRAST = 24.0  # of 255, as of ink on paper
OPAQUE = 0.9
WHOLE_SHARE = 0.95  # of the viewport, from which a fill is its background
MAX_PEN = 12.0  # canvas pixels: the width up to which a filled shape can be a pen's line
MIN_LENGTHS = 3.0  # widths that such a line is long
MIN_THICKNESS = 0.1  # canvas pixels, below which a fill is too pale to be seen
TRACE_TOLERANCE = 0.5  # canvas pixels
MAX_PAINTED = 150_000_000  # pixels: some 500 shapes as large as the canvas
SHAPE_COST = 10_000  # of any shape, in painted pixels
TRACE_COST = 10  # of a pixel
CROSSING_COST = 30  # of an outline that crosses a row of pixels
MAX_DENSE = 1_000_000  # points of all lines at a distance of a canvas pixel

_WHITE, _BLACK = np.full(3, 255.0), np.zeros(3)
_SCALE = 2  # the picture's pixels in a canvas pixel
_SIDE = CANVAS * _SCALE
_AROUND = np.append(0, np.exp(0.25j * np.pi * np.arange(8)))[:, None]


def seen_lines(page: Page) -> list[np.ndarray]:
    """The lines that a page shows, complex (m,) each in canvas pixels, in the order of its shapes.

    On white paper; a page that shows nothing there is a drawing for black paper. Raises DataError for a page that takes
    too much to paint.
    """
    for shape in page.shapes:
        shape.clips = cutting_clips(shape)
    for paper in (_WHITE, _BLACK):
        if all(not shape.fill and not shape.clips and _differs(shape.stroke, paper) for shape in page.shapes):
            lines = [(shape, line) for shape in page.shapes for line in shape.lines if len(line) > 1 or shape.dots]
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


class _Picture:
    """A page as it is painted: the colours of its fills, and the last shape that covers each pixel."""

    def __init__(self, page: Page, paper: np.ndarray) -> None:
        self.page = page
        self.paper = paper
        self.colours = np.broadcast_to(paper, (_SIDE, _SIDE, 3)).astype(np.float32)
        self.cover = np.full((_SIDE, _SIDE), -1, np.int32)
        self.candidates: list[_Candidate] = []
        self.areas: dict[int, tuple[tuple[slice, slice], np.ndarray]] = {}  # of the fills that may be a pen's line
        self.clips: dict[tuple[int, ...], np.ndarray] = {}
        self.painted = self.dense = 0

    def lines(self) -> list[np.ndarray]:
        """Paint all shapes, and say which lines can be seen."""
        self._spend(SHAPE_COST * len(self.page.shapes))
        for number, shape in enumerate(self.page.shapes):
            clip = self._clip(shape)
            if shape.fill:
                self._fill(number, shape, shape.fill, clip)
            if shape.stroke:
                self._stroke(number, shape, shape.stroke)
        visible = {candidate.number for candidate in self.candidates if candidate.differs.any()}
        traced = {number: self._traced(number) for number in self.areas if number in visible}
        pens = [number for number, lines in traced.items() if lines]
        found = [(number, line) for number in pens for line in traced[number]]
        for candidate in self.candidates:
            if not (candidate.outline and candidate.number in pens):
                found += [(candidate.number, part) for part in self._shown(candidate, pens)]
        return [line for _, line in sorted(found, key=lambda numbered: numbered[0])]

    def _fill(self, number: int, shape: Shape, paint: Paint, clip: np.ndarray | None) -> None:
        window, area = self._area(shape)
        if _thickness(shape, float(area.sum()) / _SCALE**2) < MIN_THICKNESS:
            return
        if clip is not None:
            area &= clip[window]
        whole = area.sum() >= WHOLE_SHARE * _SCALE**2 * _area_of(self.page)
        if not whole:
            closed = [np.append(line, line[0]) for line in shape.lines if len(line) > 2]
            ends = [line[[-1, 0]] for line, done in zip(shape.lines, shape.closed, strict=True) if not done]
            for line in ends if shape.stroke else closed:
                self._add(number, line, paint, 0.0)
            if not shape.stroke:
                self.areas[number] = window, area
        colour, opacity = paint
        below = self.colours[window]
        mixed = colour if opacity == 1 else below + np.float32(opacity) * (colour - below)
        np.copyto(below, mixed, "unsafe", where=area[..., None])
        if opacity >= OPAQUE:
            self.cover[window][area] = number
            self.paper = colour if whole else self.paper

    def _stroke(self, number: int, shape: Shape, paint: Paint) -> None:
        before = len(self.candidates)
        for line in shape.lines:
            if len(line) > 1 or shape.dots:
                self._add(number, line, paint, shape.width)
        added = self.candidates[before:]
        same = [~candidate.differs.any(0) for candidate in added]
        if paint[1] >= OPAQUE and any(part.any() for part in same):
            # It has the colour of what is beneath, and rubs out other lines there: all along, if it is an eraser's.
            window, mask = self._outline(shape.lines, shape.width * _SCALE)
            if not _differs(paint, self.paper) and np.concatenate(same).mean() > 0.5:
                for candidate in added:
                    candidate.differs[:] = False
            else:
                mask &= np.abs(self.colours[window] - paint[0]).max(-1) < MIN_CONTRAST
            self.cover[window][mask] = number

    def _add(self, number: int, line: np.ndarray, paint: Paint, width: float) -> None:
        """Compare a line with what is beneath it so far."""
        for part in cut_to_box(line, *_corners(self.page, width)):
            self.dense += int(np.abs(np.diff(part)).sum()) + len(part)
            if self.dense > MAX_DENSE:
                raise DataError("expected lines that a canvas can show, found far too many")
            points, own = dense_points(part)
            at = _pixels(points, 0.0)
            differs = np.abs(self.colours[at] - paint[0]).max(-1) * paint[1] >= MIN_CONTRAST
            outline = not width
            self.candidates.append(_Candidate(number, outline, width, points, own, differs, self.cover[at]))

    def _shown(self, candidate: _Candidate, pens: list[int]) -> list[np.ndarray]:
        """The parts of a line that differ from what is beneath, are not clipped and not covered by later shapes."""
        differs = candidate.differs
        covered = self.cover[_pixels(candidate.points, candidate.width / 2)].min(0) > candidate.number
        if candidate.outline:  # the edge of a line that is traced is that line's, and two shapes may look like one
            differs = differs & ~np.isin(candidate.beneath, pens)
            covered |= np.ptp(self.colours[_pixels(candidate.points, 0.0)], 0).max(-1) < MIN_CONTRAST
        shown = differs.any(0) & ~covered
        clip = self._clip(self.page.shapes[candidate.number])
        if clip is not None:
            shown &= clip[_pixels(candidate.points, 0.0)].any(0)
        return shown_parts(candidate.points, candidate.corner, shown, max(candidate.width, 3.0))

    def _traced(self, number: int) -> list[np.ndarray]:
        """The lines of a fill that is a pen's line where it is not covered; none for another."""
        window, area = self.areas[number]
        self._spend(TRACE_COST * area.size)
        shape = self.page.shapes[number]
        lines, clip = [np.append(line, line[0]) for line in shape.lines], self._clip(shape)
        seen = area & (self.cover[window] <= number)
        if seen.sum() > MAX_PEN * _SCALE**2 * sum(float(np.abs(np.diff(line)).sum()) for line in lines):
            return []
        # Hairs that run between the pixels' centres are drawn as well.
        hairs = self._outline(lines, 1.0, window)[1] & (self.cover[window] <= number)
        hairs = hairs if clip is None else hairs & clip[window]
        seen = ndimage.binary_closing(np.pad(seen | hairs, 1), np.ones((3, 3)))[1:-1, 1:-1]
        width = 2 * float(ndimage.distance_transform_edt(np.pad(seen, 1)).max())
        if width > MAX_PEN * _SCALE or seen.sum() < MIN_LENGTHS * width**2:
            return []
        corner = np.array([window[1].start, window[0].start])
        parts = [(part + corner) / _SCALE for part in trace_mask(seen)]
        kept = [part[kept_points(part.tolist(), TRACE_TOLERANCE)] for part in (order_strokes(parts) if parts else [])]
        return [part[:, 0] + 1j * part[:, 1] for part in kept if len(part) > 1]

    def _clip(self, shape: Shape) -> np.ndarray | None:
        """The pixels where a shape may show; None for all."""
        if not shape.clips:
            return None
        key = tuple(map(id, shape.clips))
        if key not in self.clips:
            self._spend(_SIDE**2)
            whole = np.ones((_SIDE, _SIDE), bool)
            for regions in shape.clips:
                mask = np.zeros_like(whole)
                for region in regions:
                    window, area = self._area(region)
                    mask[window] |= area
                whole &= mask
            self.clips[key] = whole
        return self.clips[key]

    def _area(self, region: Region) -> tuple[tuple[slice, slice], np.ndarray]:
        """The pixels whose centres lie in a region, by the turns of its outlines around them; and their window."""
        lines = [line * _SCALE for line in region.lines]
        start = np.concatenate([np.zeros(0, complex), *lines])
        end = np.concatenate([np.zeros(0, complex), *(np.roll(line, -1) for line in lines)])
        rows, columns = _range(start.imag, 0), _range(start.real, 0)
        height, width = rows.stop - rows.start, columns.stop - columns.start
        heights = np.minimum(start.imag, end.imag), np.maximum(start.imag, end.imag)
        first, last = (np.clip(np.ceil(side - 0.5), rows.start, rows.stop).astype(int) for side in heights)
        numbers = last - first
        self._spend(CROSSING_COST * int(numbers.sum()) + height * width)
        of = np.repeat(np.arange(len(start)), numbers)
        row = np.arange(len(of)) - np.repeat(np.cumsum(numbers) - numbers, numbers) + first[of]
        step = (end - start)[of]
        across = start.real[of] + (row + 0.5 - start.imag[of]) * step.real / step.imag
        column = np.clip(np.ceil(across - 0.5), columns.start, columns.stop).astype(int) - columns.start
        at = (row - rows.start) * (width + 1) + column
        turns = np.bincount(at, np.sign(step.imag), height * (width + 1)).reshape(height, width + 1)
        turns = np.rint(np.cumsum(turns, 1)).astype(int)[:, :-1]
        return (rows, columns), turns % 2 == 1 if region.even_odd else turns != 0

    def _outline(
        self, lines: list[np.ndarray], width: float, window: tuple[slice, slice] | None = None
    ) -> tuple[tuple[slice, slice], np.ndarray]:
        """The pixels under lines of a width in pixels, with round joints; and their window."""
        points = np.concatenate(lines) * _SCALE
        rows, columns = window or (_range(points.imag, width), _range(points.real, width))
        size = (max(columns.stop - columns.start, 1), max(rows.stop - rows.start, 1))
        self._spend(size[0] * size[1])
        image = Image.new("L", size)
        draw = ImageDraw.Draw(image)
        radius = width / 2
        for line in lines:
            moved = line * _SCALE - complex(columns.start, rows.start)
            places = list(zip(moved.real.tolist(), moved.imag.tolist(), strict=True))
            draw.line(places, 255, max(1, round(width)), joint="curve")
            for x, y in places[:: len(places) - 1 or 1] if radius > 1 else []:
                draw.ellipse((x - radius, y - radius, x + radius, y + radius), 255)
        return (rows, columns), (np.asarray(image) > 0)[: rows.stop - rows.start, : columns.stop - columns.start]

    def _spend(self, pixels: int) -> None:
        self.painted += pixels
        if self.painted > MAX_PAINTED:
            raise DataError("expected a drawing, found one that takes too much to paint")


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
    at = points * _SCALE + _AROUND * max(1.0, 0.8 * radius * _SCALE)
    return np.clip(at.imag.astype(int), 0, _SIDE - 1), np.clip(at.real.astype(int), 0, _SIDE - 1)


def _range(values: np.ndarray, margin: float) -> slice:
    """The pixels along one axis that a shape can touch."""
    if not len(values):
        return slice(0, 0)
    return slice(*np.clip([values.min() - margin, values.max() + margin + 1], 0, _SIDE).astype(int).tolist())
