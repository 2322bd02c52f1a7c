"""A sheet of pictures: pixel-exact images with text, written the same way on every run."""

import io
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from PIL import Image

from fgsbir.data.atomic import write_bytes
from fgsbir.data.rasterise import rasterise
from fgsbir.data.strokes import CANVAS

DPI = 100
INK, QUIET, LINE = "#222222", "#6b6b6b", "#dddddd"
RIGHT, WRONG = "#12805c", "#b8401f"
BLUE, ORANGE = "#2f6db5", "#d9822b"
# Any: matplotlib types every key on its own.
STYLE: Any = {
    "font.family": "DejaVu Sans",  # comes with matplotlib, so sheets look alike everywhere
    "font.size": 9,
    "text.color": INK,
    "axes.edgecolor": QUIET,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "xtick.color": QUIET,
    "ytick.color": QUIET,
    "axes.grid": True,
    "grid.color": "#eeeeee",
    "axes.axisbelow": True,
}
# Pictures are looked at in a repository's pages; beyond this they only cost.
LARGEST_FILE = 300_000
JPEG_QUALITIES = (90, 82, 74, 64, 52, 40)


class Sheet:
    """A white page of ``width`` x ``height`` pixels, y down."""

    def __init__(self, width: int, height: int) -> None:
        self.pixels = np.full((height, width, 3), 255, np.uint8)
        self._frames: list[Rectangle] = []
        self._texts: list[tuple[float, float, str, dict[str, Any]]] = []

    def image(self, x: int, y: int, picture: np.ndarray, *, border: bool = True) -> None:
        """Put a uint8 picture (h, w, 3) or (h, w) with its upper left corner at (x, y)."""
        height, width = picture.shape[:2]
        self.pixels[y : y + height, x : x + width] = picture if picture.ndim == 3 else picture[..., None]
        if border:
            self.frame(x, y, width, height, LINE, 0.8)

    def frame(self, x: float, y: float, width: float, height: float, colour: str, line: float = 3.0) -> None:
        """Draw a frame of ``line`` pixels on the edge of a rectangle."""
        self._frames.append(Rectangle((x, y), width, height, edgecolor=colour, linewidth=line * 72 / DPI, fill=False))

    def text(self, x: float, y: float, words: str, *, colour: str = INK, size: float = 9, **options: Any) -> None:
        """Write ``words``; options are matplotlib's (ha, va, weight), the default is left and vertically centred."""
        self._texts.append((x, y, words, {"color": colour, "size": size, "va": "center", **options}))

    def save(self, path: Path) -> None:
        """Write the sheet as the suffix of ``path`` says, .png or .jpg."""
        height, width = self.pixels.shape[:2]
        with matplotlib.rc_context(STYLE):
            figure = Figure(figsize=(width / DPI, height / DPI), dpi=DPI)
            axes = figure.add_axes((0, 0, 1, 1))
            axes.axis("off")
            axes.imshow(self.pixels, interpolation="none", aspect="auto", extent=(0, width, height, 0))
            for frame in self._frames:
                axes.add_patch(frame)
            for x, y, words, options in self._texts:
                axes.text(x, y, words, **options)
            save_figure(figure, path)


def save_figure(figure: Figure, path: Path) -> None:
    """Write a figure atomically, with nothing in the file that changes from run to run.

    A .jpg gets the best quality that keeps it below ``LARGEST_FILE`` bytes; a .png beyond it is reduced to 256 colours.
    """
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    picture = Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3])
    if path.suffix == ".png":
        data = _encoded(picture, "PNG", optimize=True)
        if len(data) > LARGEST_FILE:
            data = _encoded(picture.quantize(256), "PNG", optimize=True)
    else:
        for quality in JPEG_QUALITIES:
            data = _encoded(picture, "JPEG", quality=quality, optimize=True)
            if len(data) <= LARGEST_FILE:
                break
    write_bytes(path, data)


def _encoded(picture: Image.Image, format: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, format, **options)
    return buffer.getvalue()


def resized(picture: np.ndarray, size: int) -> np.ndarray:
    """A square uint8 picture at another size, antialiased."""
    return np.asarray(Image.fromarray(picture).resize((size, size), Image.Resampling.LANCZOS))


def sketch_picture(strokes: np.ndarray, size: int) -> np.ndarray:
    """A canonical sketch drawn thin, as on paper: uint8 (size, size)."""
    return rasterise(strokes, size, line_width=1.4 * CANVAS / size)
