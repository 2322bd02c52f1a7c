"""The statistics of a new task: how its sketches are standardised, from a few of them. They come before any weight."""

import copy

from torch import Tensor

from fgsbir.features.statistics import Standardise

# By how much more than expected a mean may miss, and say nothing: by chance it misses by more half of the time. On
# validation tasks a fifth more costs new categories 0.3 points of acc@1 and saves new users 0.8.
CAUTION = 1.2


def shrinkage(side: Standardise, rows: Tensor) -> float:
    """How much the mean of ``rows`` (k, D), k >= 0, counts beside that of ``side``, from 0 to 1.

    By James and Stein's estimate ("Estimation with quadratic loss", 1961, its positive part): the mean of k rows
    misses that of their kind by about D / k in squared deviations, if rows of one kind spread as the side does. What
    lies beyond that, and :data:`CAUTION`, is the kind's own. So a new category, which is far, counts nearly whole from
    few sketches, and a new user, who is near, hardly counts.
    """
    if not len(rows):
        return 0.0
    far = float(side(rows).mean(0).square().sum())
    return max(0.0, 1.0 - CAUTION * rows.shape[1] / len(rows) / far) if far else 0.0


def met(side: Standardise, rows: Tensor) -> Standardise:
    """A copy of ``side`` for a kind of picture of which ``rows`` (k, D) are some; mixed by :func:`shrinkage`."""
    own, share = copy.deepcopy(side), shrinkage(side, rows)
    if share:
        # The share of k rows is k / (k + prior).
        own.mix(rows, len(rows) * (1 / share - 1))
    return own
