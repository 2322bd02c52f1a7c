"""Features that need no training, to tell how much of the task a trivial measurement solves."""

import numpy as np
from scipy.ndimage import binary_fill_holes
from skimage.feature import canny, hog

EDGE_SIGMA = 1.5  # Gaussian width of the edge detector, in pixels of a 128-pixel picture


def ink_statistics(shapes: np.ndarray) -> np.ndarray:
    """Aspect, area and centroid of what is drawn or shown: float64 (n, 4), each column standardised.

    ``shapes`` is boolean (n, h, w): a sketch's ink or a photo's silhouette. Enclosed holes are
    filled, so that both describe the body. Columns: log of width over height of the box, share of
    the box that is filled, and the centroid's x and y in the box. They do not depend on where in the
    picture the shape lies, nor on its size, and are standardised over the n shapes, so that sketches
    and photos are comparable. A shape without a pixel is all zeros.
    """
    features = np.zeros((len(shapes), 4))
    for row, shape in enumerate(shapes):
        if not shape.any():
            continue
        ys, xs = np.nonzero(binary_fill_holes(shape))
        width, height = int(np.ptp(xs)) + 1, int(np.ptp(ys)) + 1
        features[row] = (
            np.log(width / height),
            len(xs) / (width * height),
            (xs.mean() - xs.min()) / width,
            (ys.mean() - ys.min()) / height,
        )
    spread = features.std(0)
    return (features - features.mean(0)) / np.where(spread > 0, spread, 1.0)


def hog_on_edges(pictures: np.ndarray, *, drawn: bool) -> np.ndarray:
    """Histograms of oriented gradients of edge maps: float32 (n, f), each row of length 1.

    ``pictures`` is uint8 (n, s, s) grey. Photos go through Canny's edge detector; sketches
    (``drawn``, black on white) are edges already. The box of the edges is resized to 64 x 64 pixels,
    keeping its aspect, before the histograms (8 orientations, cells of 8 pixels, blocks of 2 x 2).
    """
    rows = []
    for picture in pictures:
        edges = picture < 128 if drawn else canny(picture / 255.0, EDGE_SIGMA * picture.shape[0] / 128)
        rows.append(
            hog(_boxed(edges), orientations=8, pixels_per_cell=(8, 8), cells_per_block=(2, 2), block_norm="L2-Hys")
        )
    features = np.asarray(rows, np.float32)
    lengths = np.linalg.norm(features, axis=1, keepdims=True)
    return np.asarray(features / np.where(lengths > 0, lengths, 1.0), np.float32)


def _boxed(edges: np.ndarray, side: int = 64, margin: int = 4) -> np.ndarray:
    """The edges' box, scaled into the middle of ``side`` pixels; an output pixel is the share of edges it covers."""
    canvas = np.zeros((side, side))
    ys, xs = np.nonzero(edges)
    if not len(xs):
        return canvas
    scale = (side - 2 * margin - 1) / max(int(np.ptp(xs)), int(np.ptp(ys)), 1)
    columns = np.rint((xs - (xs.min() + xs.max()) / 2) * scale + (side - 1) / 2).astype(int)
    rows = np.rint((ys - (ys.min() + ys.max()) / 2) * scale + (side - 1) / 2).astype(int)
    np.add.at(canvas, (rows, columns), 1.0)
    return np.minimum(canvas, 1.0)
