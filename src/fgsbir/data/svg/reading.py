"""SVG drawings: from a file's bytes to the strokes that a browser would show."""

from typing import NamedTuple

import numpy as np

from fgsbir.data.records import DataError
from fgsbir.data.strokes import centre, check_strokes, join_strokes
from fgsbir.data.svg.boxes import turn_groups
from fgsbir.data.svg.document import data_of_url, parse_svg
from fgsbir.data.svg.ink import seen_lines
from fgsbir.data.svg.lines import without_frame
from fgsbir.data.svg.preparation import prepare
from fgsbir.data.svg.shapes import PageReader


class SvgDrawing(NamedTuple):
    """Canonical ``strokes`` on the 256 canvas, and what is ``left_out`` of them, as "2 texts".

    ``picture`` is the image file in a drawing that shows nothing but it, and has no strokes, float32 (0, 3).
    """

    strokes: np.ndarray
    left_out: tuple[str, ...] = ()
    picture: bytes | None = None


def read_svg(data: bytes, name: str) -> SvgDrawing:
    """Turn an SVG file, plain or gzipped, into strokes, in the order of the document.

    Lines are read where a browser would show them: not where they are hidden, covered, clipped, masked, transparent or
    of the colour that they lie on. Filled shapes give their outlines, or the line that they are the outline of. The
    viewport is scaled so that its longest side is the canvas; a file without size is centred. What lies outside is cut
    off, as browsers do, if the file has a width and a height. Curves become points about 3 canvas pixels apart;
    straight lines keep their ends, and dashes are joined. A picture that is SVG itself is read with the rest. Texts,
    other pictures, arrowheads and a frame are left out. Raises DataError naming ``name`` for a file that is malformed,
    hostile, huge or empty.
    """
    # It takes a third of a second to import, which commands that read no SVG need not wait for.
    from fgsbir.data.svg.normaliser import normalise

    root = parse_svg(data, name)
    try:
        prepared = prepare(root)
        closed, sized = "width" in root.attrib, "viewBox" in root.attrib
        normalised = normalise(root)
        turn_groups(normalised, prepared.turns)
        page = PageReader(normalised, prepared.alpha_masks).read(closed, sized)
        seen = seen_lines(page)
        lines = without_frame(seen, page.low, page.high)
        left_out = prepared.left_out + (() if lines is seen else ("a frame",))
        if not lines and len(page.pictures) == 1:
            others = tuple(each for each in left_out if each != "a picture")
            return SvgDrawing(np.zeros((0, 3), np.float32), others, data_of_url(page.pictures[0]))
        if not lines:
            found = ", ".join(["nothing drawn", *left_out])
            raise DataError(f"expected a drawing in SVG, found {found}")
    except DataError as error:
        raise DataError(f"{name}: {error}") from None
    except (ValueError, ArithmeticError) as error:
        raise DataError(f"{name}: expected a drawing in SVG, found a malformed one ({error!s:.200})") from None
    strokes = check_strokes(join_strokes([np.stack([line.real, line.imag], 1) for line in lines]), name)
    return SvgDrawing(strokes if closed or sized else centre(strokes), left_out)
