"""What the evidence's rows decide: the claims, each with its figure in words."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy import stats

from fgsbir.evaluation.evidence import GAIN_KEYS, GAINS

# Points that count as none, where accuracy is not to fall.
AS_GOOD = 0.5


def claims(table: Sequence[Mapping[str, Any]], generator: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The claims that the rows at hand can decide: ``claim``, ``holds``, and the figure in words.

    One seed proves none: its interval is over photos alone.
    """
    made: list[dict[str, Any]] = []

    def claim(text: str, holds: bool, figure: str) -> None:
        made.append({"claim": text, "holds": bool(holds), "figure": figure})

    rows = {one["row"]: one for one in table if one.get("dataset") != "chairv2"}
    for of_which, prefix in (("", ""), (", both trained for longer", "long_")):
        row = rows.get(f"{prefix}full")
        if row and row["minus_control"] is not None:
            gain = gain_of(row)
            claim(
                f"acc@1 of full is at least 3 points above its control's, the interval above 0{of_which}",
                gain["difference"] >= 3 and gain["low"] > 0 and len(row["minus_control_seeds"]) > 1,
                f"{in_words(gain)}, {in_seeds(row['minus_control_seeds'])}",
            )
    for of_which, prefix in (
        ("", ""),
        (", both trained for longer", "long_"),
        (", both with a plain G", "plain_generator_"),
    ):
        ablated = rows.get(f"{prefix}full_minus_{prefix}vanilla")
        if ablated:
            claim(
                f"acc@1 of full is above vanilla's, the interval above 0{of_which}",
                ablated["low"] > 0 and len(ablated["seeds"]) > 1,
                f"{in_words(ablated)}, {in_seeds(ablated['seeds'])}",
            )
    steps = [name for name in (f"unlabelled_{share}" for share in ("0", "0.25", "0.5", "1")) if name in rows]
    seeds = rows[steps[0]]["seeds"] if steps else []
    if len(steps) == 4 and all(rows[name]["seeds"] == seeds for name in steps):
        values = [rows[name]["acc@1_mean"] for name in steps]
        claim(
            "acc@1 does not fall by more than half a point as unlabelled_frac grows: 0, 0.25, 0.5, 1",
            never_falls(values) and len(seeds) > 1,
            f"{', '.join(f'{value:.1f}' for value in values)}, {in_seeds(seeds)}",
        )
    if generator:
        before, after = generator
        bins, photos = (f"certainty_spearman_{name}" for name in ("bins", "photos"))
        low, high = over_seeds(after, photos)
        claim(
            "certainty follows the ranking percentile: Spearman over bins at least 0.8, over photos above 0",
            after[f"{bins}_mean"] >= 0.8 and low > 0,
            f"{after[f'{bins}_mean']:+.2f} ± {after[f'{bins}_sd']:.2f} over bins, "
            f"{after[f'{photos}_mean']:+.2f} over photos{by_t(low, high, 2)}, "
            f"{in_seeds(after['seeds'])}",
        )
        for k in (1, 10):
            score = f"generated_acc@{k}"
            low, high = over_seeds(after, f"{score}_gain")
            claim(
                f"G's sketches are found more often after joint training, acc@{k}, the interval above 0",
                low > 0,
                f"{before[f'{score}_mean']:.1f} before, {after[f'{score}_mean']:.1f} after, "
                f"{after[f'{score}_gain_mean']:+.1f}{by_t(low, high, 1)}, "
                f"{in_seeds(after['seeds'])}",
            )
    real = next((one for one in table if one.get("dataset") == "chairv2" and one["row"] == "labelled_0.4_full"), None)
    if real and len(real["minus_control_seeds"]) > 1:
        gain = gain_of(real)
        claim(
            "on ChairV2 with 40 % of the labels acc@1 of full is not below its control's",
            gain["difference"] >= 0,
            f"{in_words(gain)}, {in_seeds(real['minus_control_seeds'])}",
        )
    return made


def never_falls(values: Sequence[float]) -> bool:
    """Whether none of the accuracies, in percent, is more than ``AS_GOOD`` points below the best one before it."""
    return all(value >= max(values[:place]) - AS_GOOD for place, value in enumerate(values) if place)


def gain_of(row: Mapping[str, Any], score: str = "acc@1") -> dict[str, float]:
    """What a row of metrics/evidence.json is above its control: ``difference``, ``low``, ``high``."""
    return {key: row[f"{GAINS[score]}{end}"] for end, key in GAIN_KEYS.items()}


def over_seeds(row: Mapping[str, Any], name: str) -> tuple[float, float]:
    """The 95 % interval of a mean over seeds, by Student's t; without bounds where there is one seed."""
    seeds, mean = len(row["seeds"]), row[f"{name}_mean"]
    if seeds < 2:
        return -np.inf, np.inf
    reach = float(stats.t.ppf(0.975, seeds - 1)) * row[f"{name}_sd"] / seeds**0.5
    return mean - reach, mean + reach


def by_t(low: float, high: float, decimals: int) -> str:
    """An interval of :func:`over_seeds`; nothing where it has no bounds."""
    return f" [{low:.{decimals}f}, {high:.{decimals}f}] by Student's t" if np.isfinite(low) else ""


def in_seeds(seeds: Sequence[int]) -> str:
    """How many seeds."""
    return f"{len(seeds)} seed{'s' * (len(seeds) != 1)}"


def in_words(gain: Mapping[str, float]) -> str:
    """A difference with its interval."""
    # Without the addition a difference that rounds to nothing would be -0.0.
    difference, low, high = (round(gain[key], 1) + 0.0 for key in ("difference", "low", "high"))
    return f"{difference:+.1f} [{low:.1f}, {high:.1f}]"
