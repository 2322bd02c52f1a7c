"""G: shapes, its recurrence written out, what gradients reach, extremes."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from fgsbir.data.records import DataError
from fgsbir.features.trunk import build_trunk
from fgsbir.generator.losses import kl_loss, reconstruction_loss
from fgsbir.generator.model import channels_of, places
from tests.generator.conftest import make_generator, maps, numbers


def sequences(n: int = 4, steps: int = 7) -> tuple[Tensor, Tensor]:
    made, lengths = torch.zeros(n, steps, 5), torch.tensor([3, steps, 5, 6])[:n]
    made[..., :2] = torch.randn(n, steps, 2, generator=numbers(6))
    made[..., 2] = 1
    made[torch.arange(steps) >= lengths[:, None] - (lengths < steps).long()[:, None]] = torch.tensor([0.0, 0, 0, 0, 1])
    return made, lengths


@pytest.mark.parametrize("attention", [True, False])
@pytest.mark.parametrize("pen_position", [True, False])
def test_states_equal_eq_2_and_a_library_cell_step_by_step(attention: bool, pen_position: bool) -> None:
    """J = tanh(W_B * B + W_S s), alpha = softmax(W_a J), g = sum of alpha B, then the LSTM."""
    model, (rows, lengths) = make_generator(attention=attention, pen_position=pen_position), sequences()
    features, noise = model.narrow(maps()), torch.randn(4, 6)
    output = model(maps(), rows, noise)
    # Beside the encoder's channels stand each place's own x and y: centres of a 4 x 4 grid over (-1, 1).
    side = torch.tensor([-0.75, -0.25, 0.25, 0.75])
    own = torch.stack([side.expand(4, 4), side.expand(4, 4).T])
    if pen_position:
        features = torch.cat([features, own.expand(4, 2, 4, 4)], 1)
    pooled = features.mean((2, 3))
    h, c = torch.tanh(model.to_state(model.to_mu(pooled) + model.to_log_sigma(pooled).exp() * noise)).chunk(2, 1)
    previous, pen = torch.tensor([0.0, 0, 1, 0, 0]).expand(4, 5), torch.zeros(4, 2)
    for step in range(rows.shape[1]):
        at, seen = pen * 20.0 / 128, pooled
        if (look := model.attention) is not None:
            keys = functional.conv2d(features, look.key.weight, look.key.bias, padding=1).flatten(2)
            scores = look.score.weight @ torch.tanh(keys + (h @ look.query.weight.T)[:, :, None])
            if pen_position:
                scores = scores - 4.0 * (own - at[:, :, None, None]).square().sum(1).flatten(1)[:, None]
            seen = (scores.softmax(2) * features.flatten(2)).sum(2)
        h, c = model.cell(torch.cat([seen, previous, *([at] if pen_position else [])], 1), (h, c))
        needed = step < lengths
        torch.testing.assert_close(output.hidden[needed, step], h[needed], rtol=1e-4, atol=1e-5)
        previous, pen = rows[:, step], pen + rows[:, step, :2]
    assert all(field.shape == (4, 7, 3) and field.dtype == torch.float32 for field in output.mixture)
    assert output.pen_logits.shape == (4, 7, 3) and output.mu.shape == output.log_sigma.shape == (4, 6)


def test_every_weight_learns() -> None:
    model, (rows, lengths) = make_generator(), sequences()
    output = model(maps(), rows, torch.randn(4, 6))
    loss = reconstruction_loss(output.mixture, output.pen_logits, rows, lengths).mean()
    (loss + kl_loss(output.mu, output.log_sigma)).backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None and parameter.grad.any(), name


@pytest.mark.parametrize("scale", [1e4, 1e-8, 0.0])
def test_extremes_stay_finite(scale: float) -> None:
    model, (rows, lengths) = make_generator(), sequences()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(scale)
    rows[..., :2] *= 1e5
    output = model(maps(), rows, 10 * torch.randn(4, 6))
    loss = reconstruction_loss(output.mixture, output.pen_logits, rows, lengths).mean()
    divergence = kl_loss(output.mu, output.log_sigma)
    assert all(value.isfinite().all() for value in (loss, divergence, output.mu, output.log_sigma))
    if scale < 1:
        (loss + divergence).backward()
        assert all(value.grad is None or value.grad.isfinite().all() for value in model.parameters())
    assert model.sample(maps(), generator=numbers()).sequences.isfinite().all()


def test_runs_under_bf16_with_a_float32_mixture() -> None:
    model, (rows, lengths), noise = make_generator(), sequences(), torch.zeros(4, 6)
    expected = model(maps(), rows, noise)
    with torch.autocast("cpu", torch.bfloat16):
        found, drawing = model(maps(), rows, noise), model.sample(maps(), generator=numbers())
    assert {part.dtype for part in (*found.mixture, *found[1:])} == {torch.float32}
    assert drawing.sequences.dtype == drawing.hidden.dtype == torch.float32
    mask = torch.arange(7) < lengths[:, None]
    torch.testing.assert_close(found.hidden[mask], expected.hidden[mask], rtol=0, atol=0.05)
    reconstruction_loss(found.mixture, found.pen_logits, rows, lengths).mean().backward()
    assert all(value.grad is None or value.grad.dtype == torch.float32 for value in model.parameters())


def test_a_network_of_its_own_reads_pixels_and_learns() -> None:
    network = build_trunk("tf_efficientnet_lite0", 2, "package")
    model = make_generator(encoder="tf_efficientnet_lite0", encoder_block=2, map_channels=channels_of(network, 64))
    model.take_network(network)
    images, (rows, lengths) = torch.rand(2, 3, 64, 64, generator=numbers()), sequences(2)
    assert model.level == "pixels" and make_generator().level == "map" and model.network is not None
    own = places((16, 16), torch.device("cpu")).expand(2, 2, 16, 16)
    torch.testing.assert_close(model.map(images), torch.cat([model.narrow(network.maps(images, [2])[0]), own], 1))
    output = model(images, rows, torch.zeros(2, 6))
    reconstruction_loss(output.mixture, output.pen_logits, rows, lengths).mean().backward()
    assert all(weights.grad is not None and weights.grad.any() for weights in model.network.parameters())
    with pytest.raises(DataError, match="needs encoder_block"):
        make_generator(encoder="tf_efficientnet_lite0")
