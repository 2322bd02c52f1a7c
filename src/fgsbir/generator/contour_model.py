"""G as a chooser of contours: which lines of a photo does a person draw?

The paper's G (:mod:`fgsbir.generator.model`) draws every point anew, and needs many pairs to get them right. A photo's
contours are right already, and too many: this G says of each piece how likely a person draws it, and a drawing is a
draw from that.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from fgsbir.data.contours import MOST_PIECES, SIDE, line_length, line_of, runs
from fgsbir.data.strokes import join_strokes, simplify
from fgsbir.features.pictures import ContourBatch, Level
from fgsbir.features.reading_model import ReadingModel
from fgsbir.generator.sequences import SequenceForm
from fgsbir.runtime.model_folder import given

GEOMETRY = 12
SHORTEST = 10.0  # pixels; a stroke shorter than this is left out
BRIDGED = -1.5  # the logit from which a piece is drawn that lies between two others of its contour


class ContourDrawing(NamedTuple):
    """Drawings as choices among contours: ``kept`` bool (n, S) of the pieces in ``batch``, of which ``lengths`` int64
    (n,) are real; ``logits`` (n, S) that they were drawn from. ``ended`` bool (n,) is always true.
    """

    kept: Tensor
    logits: Tensor
    batch: ContourBatch
    lengths: Tensor
    ended: Tensor


class ContourGenerator(ReadingModel):
    """Photo to a choice among its contours, which have the ``form`` of people's sketches.

    It reads the map along each piece of contour, its geometry, and what all pieces of the photo have in common.
    """

    kind = "contour_generator"
    level: Level = "contours"

    def __init__(self, *, spec: Mapping[str, Any], form: Mapping[str, Any], map_channels: int, hidden: int) -> None:
        super().__init__(**given(locals()))
        self.form, self.hidden = SequenceForm(**form), hidden
        self.seen = nn.LayerNorm(map_channels)
        self.piece = nn.Linear(map_channels + GEOMETRY, hidden)
        self.photo = nn.Linear(2 * hidden, hidden)
        self.output_layer = nn.Linear(hidden, 1)

    def forward(self, batch: ContourBatch, keep: Tensor | float = 1.0) -> Tensor:
        """The logit that a person draws each piece: float32 (n, S); of no meaning where ``batch.mask`` is false.

        ``keep`` (hidden,) multiplies the hidden layers: a dropout mask.
        """
        places = (batch.points + 0.5) * (2 / SIDE) - 1
        along = functional.grid_sample(batch.map, places, padding_mode="border", align_corners=False).mean(3)
        piece = torch.cat([self.seen(along.transpose(1, 2)), geometry(places, batch.strength)], 2)
        hidden = functional.gelu(self.piece(piece)) * keep
        real = batch.mask.unsqueeze(2).to(hidden.dtype)
        common = (hidden * real).sum(1, keepdim=True) / real.sum(1, keepdim=True).clamp(min=1)
        hidden = functional.gelu(self.photo(torch.cat([hidden, common.expand_as(hidden)], 2))) * keep
        return self.output_layer(hidden).squeeze(2).float()

    def sample(
        self, inputs: ContourBatch, *, temperature: float = 1.0, generator: torch.Generator | None = None
    ) -> ContourDrawing:
        """Draw one sketch a photo: each piece by its own chance, at ``temperature`` 0 what is likelier than not.

        The likeliest piece is always drawn. All random numbers come from ``generator``, in the photos' order.
        """
        with torch.no_grad():
            logits = self(inputs)
            uniform = torch.rand(logits.shape[0], MOST_PIECES, generator=generator)[:, : logits.shape[1]].to(
                logits.device
            )
            noise = torch.logit(uniform.clamp(2.0**-24, 1 - 2.0**-24))
            score = torch.where(inputs.mask, logits + temperature * noise, -torch.inf)
            kept = score > 0
            kept[torch.arange(len(kept)), score.argmax(1)] = True
            kept &= inputs.mask
        return ContourDrawing(kept, logits, inputs, inputs.mask.sum(1), torch.ones(len(kept), dtype=torch.bool))

    def log_probability(self, drawing: ContourDrawing, temperature: float) -> Tensor:
        """log p of drawings from this G at ``temperature`` > 0, over their pieces: (n,), with gradient."""
        return (choice_log_probability(self(drawing.batch) / temperature, drawing.kept) * drawing.batch.mask).sum(1)

    def strokes_of(self, drawing: ContourDrawing) -> list[np.ndarray]:
        """The drawings as canonical strokes, not centred: pieces that follow each other are one stroke.

        A likely enough piece between two that were chosen is drawn too, as a pen would. Of too many points the strokes
        stay that are longest and likeliest.
        """
        values = (drawing.batch.points, drawing.batch.contour, drawing.logits, drawing.kept)
        arrays = (value.float().cpu().numpy() for value in values)
        return [self._joined(*each) for each in zip(*arrays, strict=True)]

    def _joined(self, points: np.ndarray, contour: np.ndarray, logits: np.ndarray, kept: np.ndarray) -> np.ndarray:
        between = np.zeros(len(kept), bool)
        follows = contour[1:] == contour[:-1]
        between[1:-1] = (kept[:-2] * kept[2:] > 0) & follows[:-1] & follows[1:] & (logits[1:-1] > BRIDGED)
        rows = runs(contour, (kept > 0) | between)
        lines = [line_of(points[each]) for each in rows]
        worth = [line_length(line) / (1 + np.exp(-logits[each].mean())) for line, each in zip(lines, rows, strict=True)]
        drawn: list[np.ndarray] = []
        for place in np.argsort(worth)[::-1]:
            line = simplify(join_strokes([lines[place]]), self.form.simplify)[:, :2]
            few = sum(map(len, drawn)) + len(line) <= self.form.max_points
            if not drawn or (few and line_length(line) >= SHORTEST):
                drawn.append(line[: self.form.max_points])
        return self.form.ordered(join_strokes(drawn))


def choice_log_probability(logits: Tensor, chosen: Tensor) -> Tensor:
    """log p of independent choices, float32 like ``logits``; ``chosen`` true, false, or a share in [0, 1]."""
    return -functional.binary_cross_entropy_with_logits(logits, chosen.to(logits.dtype), reduction="none")


def choice_loss(logits: Tensor, covered: Tensor, batch: ContourBatch) -> Tensor:
    """L_R of each photo: minus the log probability of what a sketch ``covered``, (n, S), a pixel of contour: (n,)."""
    pixels = batch.points.diff(dim=2).norm(dim=3).sum(2) * batch.mask
    return -(choice_log_probability(logits, covered) * pixels).sum(1) / pixels.sum(1).clamp(min=1e-6)


def geometry(places: Tensor, strength: Tensor) -> Tensor:
    """Where pieces (n, S, P, 2) in [-1, 1] lie, how long, straight and steep they are, and how they stand out."""
    low, high, middle = places.amin(2), places.amax(2), places.mean(2)
    chord = places[:, :, -1] - places[:, :, 0]
    length = places.diff(dim=2).norm(dim=3).sum(2).clamp(min=1e-6)
    straight = chord.norm(dim=2) / length
    angle = 2 * torch.atan2(chord[..., 1], chord[..., 0])
    rows = [length * 3, straight, angle.cos(), angle.sin(), strength * 20, (strength * 20).clamp(min=1e-3).log()]
    return torch.cat([low, high, middle, torch.stack(rows, 2)], 2)
