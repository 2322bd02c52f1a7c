"""G, the photo-to-sketch generator: a VAE whose decoder attends to the photo (paper 1, section 3.2)."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from fgsbir.data.records import DataError
from fgsbir.data.strokes import CANVAS, from_sequence
from fgsbir.features.pictures import Level
from fgsbir.features.reading_model import ReadingModel
from fgsbir.features.trunk import Trunk, build_trunk
from fgsbir.generator.attention import MapAttention
from fgsbir.generator.losses import Mixture, sequence_log_probability, tempered
from fgsbir.generator.sampling import Drawing, Noise, draw_noise, draw_rows, start_token
from fgsbir.generator.sequences import SequenceForm
from fgsbir.runtime.model_folder import given

# Where training starts: attention falls to exp(-1/2) a sixth of the page from the pen, 2.4 places of a 14 x 14 map.
FOCUS = 8.0
LOG_FOCUS = (-4.0, 6.0)
# Bounds of the latent's log sigma: its KL and its sample stay finite whatever the encoder says.
LATENT_LOG_SIGMA = (-8.0, 3.0)
# log sigma of an offset in scaled units: 0.02 to 20 times the data's standard deviation.
LOG_SIGMA = (-4.0, 3.0)
RHO_LIMIT = 0.95


State = tuple[Tensor, Tensor]


class Encoding(NamedTuple):
    """What the decoder knows of each photo, computed once and not once per point.

    ``features`` (n, p, c) is the map B, its p places on a ``grid`` of (h', w'), or the pooled map in one place without
    attention; ``keys`` (n, p, width) are the attention's. ``mu``, ``log_sigma`` (n, latent): the latent's distribution.
    """

    features: Tensor
    keys: Tensor
    mu: Tensor
    log_sigma: Tensor
    grid: tuple[int, int]


class GeneratorOutput(NamedTuple):
    """Predictions for every row of a teacher-forced sequence, all float32; rows after its end are unspecified.

    ``mixture``: fields (n, T, M); ``pen_logits`` (n, T, 3); ``mu``, ``log_sigma`` (n, latent); ``hidden`` (n, T, H).
    """

    mixture: Mixture
    pen_logits: Tensor
    mu: Tensor
    log_sigma: Tensor
    hidden: Tensor


class Generator(ReadingModel):
    """Photo to a sequence of points; see :mod:`fgsbir.data.strokes` for the sequence's five columns.

    It reads the map of ``spec.map_block``, which has ``map_channels``, through a 1 x 1 convolution to
    ``encoder_width`` channels; ``level`` is then "map". With ``encoder``, the timm name of a network, it reads images
    by that network up to its block ``encoder_block``, all of it trained, as the paper does with VGG-16; ``level`` is
    "pixels" and ``map_channels`` are those of that block.

    ``form`` is the form of the sketches that it learns from; ``form.max_points`` bounds the rows of a sample. Offsets
    are divided by ``offset_scale``, a buffer in canvas pixels that is set once from the labelled sketches.
    ``attention`` False feeds the pooled map to every step in place of Eq. 2. ``pen_position`` tells the decoder where
    on the page the pen is, and of each place of the map where it lies; and what is near the pen gains in the attention.
    """

    kind = "generator"

    def __init__(
        self,
        *,
        spec: Mapping[str, Any],
        form: Mapping[str, Any],
        map_channels: int,
        encoder_width: int,
        latent: int,
        hidden: int,
        mixtures: int,
        attention: bool,
        attention_width: int,
        pen_position: bool,
        encoder: str | None = None,
        encoder_block: int | None = None,
    ) -> None:
        super().__init__(**given(locals()))
        self.form, self.mixtures, self.pen_position = SequenceForm(**form), mixtures, pen_position
        self.level: Level = "map" if encoder is None else "pixels"
        self.network: Trunk | None = None
        if encoder is not None:
            if encoder_block is None:
                raise DataError("a network of G's own needs encoder_block, the block whose map is read")
            self.network = build_trunk(encoder, encoder_block, "nothing").requires_grad_(True)
        self.narrow = nn.Conv2d(map_channels, encoder_width, 1)
        self.channels = channels = encoder_width + 2 * pen_position
        self.to_mu = nn.Linear(channels, latent)
        self.to_log_sigma = nn.Linear(channels, latent)
        self.to_state = nn.Linear(latent, 2 * hidden)
        self.attention = MapAttention(channels, hidden, attention_width) if attention else None
        self.log_focus = nn.Parameter(torch.tensor(FOCUS).log()) if attention and pen_position else None
        self.cell = nn.LSTMCell(channels + 5 + 2 * pen_position, hidden)
        self.output_layer = nn.Linear(hidden, 6 * mixtures + 3)
        self.offset_scale: Tensor
        self.register_buffer("offset_scale", torch.ones(()))

    def take_network(self, network: Trunk) -> None:
        """Start this model's own network from the weights of ``network``."""
        assert self.network is not None
        self.network.load_state_dict(network.state_dict())

    def map(self, inputs: Tensor) -> Tensor:
        """The map B (n, c, h', w') of inputs of :attr:`level`, each place with its position if ``pen_position``."""
        if self.network is not None:
            (inputs,) = self.network.maps(inputs, [len(self.network.blocks) - 1])
        mapped = self.narrow(inputs)
        if self.pen_position:
            where = places((mapped.shape[2], mapped.shape[3]), mapped.device).to(mapped.dtype)
            mapped = torch.cat([mapped, where.expand(len(mapped), -1, -1, -1)], 1)
        return mapped

    def encode(self, inputs: Tensor) -> Encoding:
        """Encode inputs of :attr:`level`; float32, though the map may be made in bf16."""
        mapped = self.map(inputs)
        keys = self.attention.keys(mapped) if self.attention else mapped.new_zeros(0)
        with torch.autocast(inputs.device.type, enabled=False):
            features = mapped.float().flatten(2).transpose(1, 2).contiguous()
            pooled = features.mean(1)
            grid = (mapped.shape[2], mapped.shape[3])
            if self.attention is None:
                features, grid = pooled.unsqueeze(1), (1, 1)
            log_sigma = self.to_log_sigma(pooled).clamp(*LATENT_LOG_SIGMA)
            return Encoding(features, keys, self.to_mu(pooled), log_sigma, grid)

    def initial_state(self, encoding: Encoding, noise: Tensor) -> State:
        """[h0; c0] = tanh(W_z z + b_z) with z = mu + sigma * noise; noise (n, latent)."""
        latent = encoding.mu + encoding.log_sigma.exp() * noise
        h, c = torch.tanh(self.to_state(latent)).chunk(2, 1)
        return h, c

    def step(self, encoding: Encoding, row: Tensor, pen: Tensor, state: State) -> tuple[State, Tensor | None]:
        """The decoder reads a row (n, 5): the next (h, c), each (n, H), and where it looked, (n, p), with attention.

        ``pen`` (n, 2) is the sum of all offsets up to the row, in scaled units from the canvas centre.
        """
        (h, c), attention, seen = state, None, encoding.features[:, 0]
        at = pen * (self.offset_scale / (CANVAS / 2))
        if self.attention is not None:
            near = self.nearness(encoding.grid, at)
            attention, seen = self.attention(encoding.keys, encoding.features, h, near)
        read = torch.cat([seen, row, at], 1) if self.pen_position else torch.cat([seen, row], 1)
        return self.cell(read, (h, c)), attention

    def nearness(self, grid: tuple[int, int], at: Tensor) -> Tensor | float:
        """What each place x gains in its score for being near the pen at (n, 2): -f |x - pen|^2 / 2, one learned f.

        Without f |pen|^2 / 2, which is the same for every place.
        """
        if self.log_focus is None:
            return 0.0
        where = places(grid, at.device).flatten(1)
        return self.log_focus.clamp(*LOG_FOCUS).exp() * (at @ where - where.square().sum(0) / 2)

    def output(self, hidden: Tensor) -> tuple[Mixture, Tensor]:
        """The last layer (W_y, b_y) on h (..., H): the mixture, fields (..., M), and pen logits (..., 3), float32."""
        with torch.autocast(hidden.device.type, enabled=False):
            raw = self.output_layer(hidden.to(self.output_layer.weight.dtype))
        logits, mean_x, mean_y, log_x, log_y, rho = raw[..., :-3].unflatten(-1, (6, self.mixtures)).unbind(-2)
        return (
            Mixture(logits, mean_x, mean_y, log_x.clamp(*LOG_SIGMA), log_y.clamp(*LOG_SIGMA), rho.tanh() * RHO_LIMIT),
            raw[..., -3:],
        )

    def forward(self, inputs: Tensor, sequences: Tensor, noise: Tensor) -> GeneratorOutput:
        """Teacher-forced decoding of ``sequences``, float32 (n, T, 5) with scaled offsets; noise (n, latent).

        The prediction at t is of row t, after reading the start token (t = 0) or row t - 1.
        """
        encoding = self.encode(inputs)
        with torch.autocast(inputs.device.type, enabled=False):
            state, states = self.initial_state(encoding, noise), []
            rows = torch.cat([start_token(len(sequences), inputs.device).unsqueeze(1), sequences[:, :-1]], 1)
            for row, pen in zip(rows.unbind(1), rows[..., :2].cumsum(1).unbind(1), strict=True):
                state, _ = self.step(encoding, row, pen, state)
                states.append(state[0])
            hidden = torch.stack(states, 1)
        return GeneratorOutput(*self.output(hidden), encoding.mu, encoding.log_sigma, hidden)

    def strokes_of(self, drawing: Drawing) -> list[np.ndarray]:
        """The drawings as strokes in canvas pixels, not centred."""
        sequences = drawing.sequences.float().cpu().numpy().copy()
        sequences[..., :2] *= float(self.offset_scale)
        return [from_sequence(sequence) for sequence in sequences]

    def log_probability(self, drawing: Drawing, temperature: float) -> Tensor:
        """log p of drawings from what G draws from at ``temperature`` > 0: (n,).

        The states that drew them are constants here, so its gradient reaches G's last layer (W_y, b_y) and nothing
        else, as the policy gradient of paper 1 (Eq. 9) wants.
        """
        policy = tempered(*self.output(drawing.hidden), temperature)
        return sequence_log_probability(*policy, drawing.sequences, drawing.lengths)

    @torch.no_grad()
    def sample(
        self,
        inputs: Tensor,
        *,
        temperature: float = 1.0,
        max_points: int | None = None,
        noise: Tensor | None = None,
        generator: torch.Generator | None = None,
    ) -> Drawing:
        """Draw one sketch a photo; ``inputs`` are of :attr:`level`.

        Points are drawn from the :func:`tempered` output, the latent with as much less noise. Temperature 0 takes the
        likeliest component's mean, ends where that is likelier than not, and else has the likelier of pen down and up.
        ``noise`` (n, latent), if given, is the latent's. All random numbers come from ``generator`` before the first
        point, in the photos' order: a drawing depends neither on how long the others get, nor on the photos after it.
        """
        n, device, latent = len(inputs), inputs.device, self.to_mu.out_features
        steps = self.form.max_points if max_points is None else max_points
        drawn = draw_noise(n, steps, latent, self.mixtures, generator, device)
        drawn = drawn if temperature else Noise(*map(torch.zeros_like, drawn))
        encoding = self.encode(inputs)
        rows, states, looks = [], [], list[Tensor]()
        with torch.autocast(device.type, enabled=False):
            state = self.initial_state(encoding, drawn.latent * temperature**0.5 if noise is None else noise)
            row, pen = start_token(n, device), torch.zeros(n, 2, device=device)
            end, ended = row.new_tensor([0, 0, 0, 0, 1]), torch.zeros(n, 1, dtype=torch.bool, device=device)
            for of_point in zip(*drawn[1:], strict=True):
                state, attention = self.step(encoding, row, pen, state)
                output = self.output(state[0])
                row = draw_rows(*(tempered(*output, temperature) if temperature else output), *of_point)
                ended = ended | (row[:, 4:] > 0.5)
                row = torch.where(ended, end, row)
                pen = pen + row[:, :2]
                rows.append(row)
                states.append(state[0])
                looks += [] if attention is None else [attention.unflatten(1, encoding.grid)]
                if ended.all():
                    break
        sequences, hidden = torch.stack(rows, 1), torch.stack(states, 1)
        # Rows after the first end are ends too, so all but one of them lie beyond the drawing.
        lengths = (sequences[..., 4] < 0.5).sum(1) + ended.squeeze(1)
        return Drawing(sequences, lengths, ended.squeeze(1), hidden, torch.stack(looks, 1) if looks else None)


def places(grid: tuple[int, int], device: torch.device) -> Tensor:
    """Where each place of a map of (h', w') lies: x and y in (-1, 1), float32 (2, h', w'), like the pen's position."""
    height, width = grid
    x = (torch.arange(width, device=device) + 0.5) / width * 2 - 1
    y = (torch.arange(height, device=device) + 0.5) / height * 2 - 1
    return torch.stack(torch.meshgrid(x, y, indexing="xy"))


def channels_of(network: Trunk, image_size: int) -> int:
    """Channels of the map after the last block of ``network``."""
    with torch.no_grad():
        (mapped,) = network.maps(torch.zeros(1, 3, image_size, image_size), [len(network.blocks) - 1])
    return mapped.shape[1]
