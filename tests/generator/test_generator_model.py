"""G: shapes, the two ways through its recurrence, what gradients reach, extremes."""

import pytest
import torch
from torch import Tensor

from fgsbir.generator.losses import kl_loss, reconstruction_loss
from fgsbir.generator.model import Generator

SIZE, POINTS = 32, 12


def make(seed: int = 0, **changes: object) -> Generator:
    torch.manual_seed(seed)
    settings = {
        "backbone": "small",
        "latent": 6,
        "hidden": 16,
        "mixtures": 3,
        "attention": True,
        "attention_width": 8,
        "pen_position": True,
        "max_points": POINTS,
        "image_size": SIZE,
    }
    model = Generator(**{**settings, **changes}).eval()  # type: ignore[arg-type]
    model.offset_scale.fill_(20.0)
    return model


def photos(n: int = 4) -> Tensor:
    return torch.rand(n, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(5))


def sequences(n: int = 4, steps: int = 7) -> tuple[Tensor, Tensor]:
    made = torch.zeros(n, steps, 5)
    made[..., :2] = torch.randn(n, steps, 2, generator=torch.Generator().manual_seed(6))
    made[..., 2] = 1
    lengths = torch.tensor([3, steps, 5, 6])[:n]
    for row in range(n):
        if lengths[row] < steps:
            made[row, lengths[row] - 1 :] = torch.tensor([0.0, 0, 0, 0, 1])
    return made, lengths


@pytest.mark.parametrize("attention", [True, False])
@pytest.mark.parametrize("pen_position", [True, False])
def test_shapes(attention: bool, pen_position: bool) -> None:
    model = make(attention=attention, pen_position=pen_position)
    output = model(photos(), sequences()[0], torch.randn(4, 6))
    assert all(field.shape == (4, 7, 3) and field.dtype == torch.float32 for field in output.mixture)
    assert output.pen_logits.shape == (4, 7, 3)
    assert output.hidden.shape == (4, 7, 16)
    assert output.mu.shape == output.log_sigma.shape == (4, 6)
    assert model.output_layer.out_features == 6 * 3 + 3
    drawing = model.sample(photos(), return_attention=True)
    steps = drawing.sequences.shape[1]
    assert drawing.sequences.shape == (4, steps, 5) and drawing.hidden.shape == (4, steps, 16)
    if attention:
        assert drawing.attention is not None and drawing.attention.shape == (4, steps, 4, 4)
    else:
        assert drawing.attention is None


@pytest.mark.parametrize("attention", [True, False])
def test_forced_states_equal_lstm_cell_with_the_keys_made_anew_at_each_step(attention: bool) -> None:
    model, (rows, lengths), noise = make(attention=attention), sequences(), torch.randn(4, 6)
    found = model(photos(), rows, noise).hidden
    # Beside the encoder's channels stand each place's own x and y: centres of a 4 x 4 grid over (-1, 1).
    side = torch.tensor([-0.75, -0.25, 0.25, 0.75])
    own = torch.stack([side.expand(4, 4), side.expand(4, 4).T])
    features = torch.cat([model.encoder(photos()), own.expand(4, 2, 4, 4)], 1)
    pooled = features.mean((2, 3))
    h, c = torch.tanh(model.to_state(model.to_mu(pooled) + model.to_log_sigma(pooled).exp() * noise)).chunk(2, 1)
    previous, pen = torch.tensor([0.0, 0, 1, 0, 0]).expand(4, 5), torch.zeros(4, 2)
    for step in range(rows.shape[1]):
        seen = pooled
        if model.attention is not None:
            keys = model.attention.key(features)
            joint = torch.tanh(keys + model.attention.query(h)[:, :, None, None])
            away = (own - pen[:, :, None, None] * 20.0 / 128).square().sum(1)
            scores = torch.einsum("nahw,a->nhw", joint, model.attention.score.weight[0]) - 8.0 * away / 2
            seen = torch.einsum("nhw,nchw->nc", scores.flatten(1).softmax(1).view_as(scores), features)
        h, c = model.cell(torch.cat([seen, previous, pen * 20.0 / 128], 1), (h, c))
        needed = step < lengths
        torch.testing.assert_close(found[needed, step], h[needed], rtol=1e-4, atol=1e-5)
        previous, pen = rows[:, step], pen + rows[:, step, :2]


def test_the_prediction_of_a_row_does_not_see_it() -> None:
    model, (rows, _), noise = make(), sequences(), torch.zeros(4, 6)
    changed = rows.clone()
    changed[1, 3, 0] += 5
    before, after = model(photos(), rows, noise).hidden[1], model(photos(), changed, noise).hidden[1]
    torch.testing.assert_close(before[:4], after[:4])
    assert (before[4] - after[4]).abs().max() > 1e-4


def test_a_row_does_not_depend_on_the_batch() -> None:
    model, (rows, lengths), noise = make(), sequences(), torch.randn(4, 6)
    together = model(photos(), rows, noise)
    for row, length in enumerate(lengths.tolist()):
        alone = model(photos()[row : row + 1], rows[row : row + 1], noise[row : row + 1])
        torch.testing.assert_close(alone.hidden[0, :length], together.hidden[row, :length], rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(alone.mu[0], together.mu[row], rtol=1e-4, atol=1e-5)


def test_every_weight_learns() -> None:
    model, (rows, lengths) = make(), sequences()
    output = model(photos(), rows, torch.randn(4, 6))
    loss = reconstruction_loss(output.mixture, output.pen_logits, rows, lengths).mean()
    (loss + kl_loss(output.mu, output.log_sigma)).backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None and parameter.grad.any(), name


def test_the_policy_gradient_reaches_the_last_layer_alone() -> None:
    model, (rows, lengths) = make(), sequences()
    hidden = model(photos(), rows, torch.zeros(4, 6)).hidden.detach()
    model.log_probability(hidden, rows, lengths).sum().backward()
    reached = {name for name, parameter in model.named_parameters() if parameter.grad is not None}
    assert reached == {"output_layer.weight", "output_layer.bias"}


def test_log_probability_has_the_gradient_of_finite_differences() -> None:
    model, (rows, lengths) = make(), sequences()
    layer = model.output_layer.double()
    hidden = torch.randn(4, 7, 16, dtype=torch.float64, generator=torch.Generator().manual_seed(7))

    def value() -> Tensor:
        return model.log_probability(hidden, rows.double(), lengths).sum()

    value().backward()
    for parameter in (layer.weight, layer.bias):
        assert parameter.grad is not None
        flat, gradient = parameter.data.view(-1), parameter.grad.view(-1)
        for place in range(0, len(flat), 11):
            original = flat[place].item()
            flat[place] = original + 1e-6
            above = value().item()
            flat[place] = original - 1e-6
            below = value().item()
            flat[place] = original
            assert gradient[place].item() == pytest.approx((above - below) / 2e-6, rel=1e-5, abs=1e-6)


def test_log_probability_of_a_forced_sequence_is_minus_its_reconstruction_loss() -> None:
    model, (rows, lengths) = make(), sequences()
    output = model(photos(), rows, torch.zeros(4, 6))
    loss = reconstruction_loss(output.mixture, output.pen_logits, rows, lengths)
    torch.testing.assert_close(model.log_probability(output.hidden, rows, lengths), -loss * lengths)


@pytest.mark.parametrize("scale", [1e4, 1e-8, 0.0])
def test_extremes_stay_finite(scale: float) -> None:
    model, (rows, lengths) = make(), sequences()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(scale)
    rows[..., :2] *= 1e5
    output = model(photos(), rows, 10 * torch.randn(4, 6))
    loss = reconstruction_loss(output.mixture, output.pen_logits, rows, lengths).mean()
    divergence = kl_loss(output.mu, output.log_sigma)
    assert loss.isfinite()
    assert output.mu.isfinite().all() and output.log_sigma.isfinite().all() and divergence.isfinite()
    if scale < 1:
        (loss + divergence).backward()
        assert all(value.grad is None or value.grad.isfinite().all() for value in model.parameters())
    drawing = model.sample(photos(), generator=torch.Generator().manual_seed(0))
    assert drawing.sequences.isfinite().all()


def test_runs_under_bf16_with_a_float32_mixture() -> None:
    model, (rows, lengths), noise = make(), sequences(), torch.zeros(4, 6)
    expected = model(photos(), rows, noise)
    with torch.autocast("cpu", torch.bfloat16):
        found = model(photos(), rows, noise)
        drawing = model.sample(photos(), generator=torch.Generator().manual_seed(0))
    assert {part.dtype for part in (*found.mixture, *found[1:])} == {torch.float32}
    assert drawing.sequences.dtype == drawing.hidden.dtype == torch.float32
    mask = torch.arange(7) < lengths[:, None]
    torch.testing.assert_close(found.hidden[mask], expected.hidden[mask], rtol=0, atol=0.05)
    reconstruction_loss(found.mixture, found.pen_logits, rows, lengths).mean().backward()
    assert all(value.grad is None or value.grad.dtype == torch.float32 for value in model.parameters())


def test_the_config_rebuilds_the_same_architecture() -> None:
    model = make(attention=False)
    again = Generator(**model.config())
    again.load_state_dict(model.state_dict())
    assert again.config() == model.config()
    assert again.offset_scale == 20
