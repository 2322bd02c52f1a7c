"""How good generated sketches are: FID, recognition, shape, and whether certainty follows quality. numpy and scipy."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.stats import rankdata

from fgsbir.data.strokes import split_strokes


def frechet_distance(a: np.ndarray, b: np.ndarray) -> float:
    """Frechet distance of Gaussians fitted to features (n, f) and (m, f): the FID, in the features' own units.

        |mean_a - mean_b|^2 + tr(A + B - 2 (A B)^(1/2))

    with covariances A and B. It depends on n and m (fewer samples give a larger distance), so they
    belong beside the number. Computed in float64 from eigenvalues of symmetric matrices, hence real
    and defined for singular covariances too. Raises ValueError for fewer than two samples.
    """
    if len(a) < 2 or len(b) < 2:
        raise ValueError(f"a covariance needs at least 2 samples, found {len(a)} and {len(b)}")
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    gap = a.mean(0) - b.mean(0)
    cov_a, cov_b = (np.atleast_2d(np.cov(features, rowvar=False)) for features in (a, b))
    values, vectors = np.linalg.eigh(cov_a)
    root = (vectors * np.sqrt(values.clip(min=0))) @ vectors.T
    # A B has the eigenvalues of the symmetric A^(1/2) B A^(1/2); the trace of a root is the sum of their roots.
    cross = np.sqrt(np.linalg.eigvalsh(root @ cov_b @ root).clip(min=0)).sum()
    return max(0.0, float(gap @ gap + np.trace(cov_a) + np.trace(cov_b) - 2 * cross))


def recognition(logits: np.ndarray, classes: np.ndarray) -> float:
    """Share of sketches that the classifier names rightly, in percent: logits (n, c), classes int (n,).

    Ties count against the sketch.
    """
    true = np.take_along_axis(logits, classes[:, None], 1)
    return 100.0 * float(np.mean((logits >= true).sum(1) == 1))


def shape_scores(sketches: Sequence[np.ndarray]) -> dict[str, float]:
    """Mean number of points and of strokes of canonical sketches."""
    return {
        "points": float(np.mean([len(strokes) for strokes in sketches])),
        "strokes": float(np.mean([len(split_strokes(strokes)) for strokes in sketches])),
    }


def spearman(x: np.ndarray, y: np.ndarray) -> float:
    """Spearman's rank correlation of (n,) and (n,); 0 where either is constant and so orders nothing."""
    a, b = rankdata(x), rankdata(y)
    a, b = a - a.mean(), b - b.mean()
    scale = np.sqrt((a @ a) * (b @ b))
    return float(a @ b / scale) if scale > 0 else 0.0


class Bins(NamedTuple):
    """Means in bins of equal count, in the order of certainty; all (bins,).

    ``error`` is the standard error of ``percentile``, 0 in a bin of one.
    """

    certainty: np.ndarray
    percentile: np.ndarray
    error: np.ndarray
    size: np.ndarray


def certainty_bins(certainty: np.ndarray, percentile: np.ndarray, bins: int = 10) -> Bins:
    """Bin photos by certainty (n,), equally many to a bin, and average their ranking percentile (n,).

    The relation that paper 1 plots in Figure 4a: it should rise. Fewer photos than bins give a bin each.
    """
    order = np.argsort(certainty, kind="stable")
    parts = np.array_split(order, min(bins, len(order)))
    return Bins(
        certainty=np.array([certainty[part].mean() for part in parts]),
        percentile=np.array([percentile[part].mean() for part in parts]),
        error=np.array([percentile[part].std(ddof=1) / np.sqrt(len(part)) if len(part) > 1 else 0.0 for part in parts]),
        size=np.array([len(part) for part in parts]),
    )


def certainty_scores(certainty: np.ndarray, percentile: np.ndarray) -> dict[str, float]:
    """Mean and spread of certainty (n,), and its correlation with ranking percentile (n,), over photos and bins."""
    bins = certainty_bins(certainty, percentile)
    return {
        "mean": float(np.mean(certainty)),
        "sd": float(np.std(certainty)),
        "spearman_photos": spearman(certainty, percentile),
        "spearman_bins": spearman(bins.certainty, bins.percentile),
    }
