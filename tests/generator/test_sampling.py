"""Drawing point by point: the distribution drawn from, ends, independence, temperature."""

import math

import pytest
import torch

from fgsbir.generator.model import RHO_LIMIT, Generator
from fgsbir.generator.sampling import draw_noise
from tests.generator.conftest import make_generator, maps, numbers


def test_drawn_rows_are_well_formed_and_end_once() -> None:
    drawing = make_generator(end_bias=-1.0).sample(maps(12), generator=numbers())
    rows = drawing.sequences
    assert torch.equal(rows[..., 2:].sum(-1), torch.ones(rows.shape[:2]))
    assert set(rows[..., 2:].unique().tolist()) <= {0.0, 1.0}
    for row, length, ended in zip(rows, drawing.lengths.tolist(), drawing.ended.tolist(), strict=True):
        ends = (row[:, 4] > 0).nonzero().squeeze(1).tolist()
        assert ended == bool(ends) and length == (ends[0] + 1 if ends else len(row))
        assert ends == (list(range(length - 1, len(row))) if ended else [])
        assert not row[length - ended :, :2].any()
    assert drawing.ended.any() and rows.shape[1] == drawing.lengths.max()


def test_never_ending_drawings_are_cut_off_and_look_at_the_whole_map() -> None:
    drawing = make_generator(end_bias=-100.0).sample(maps(2), generator=numbers(), max_points=11)
    assert drawing.sequences.shape == (2, 11, 5)
    assert not drawing.ended.any() and drawing.lengths.tolist() == [11, 11]
    assert drawing.attention is not None and make_generator(attention=False).sample(maps(1)).attention is None
    torch.testing.assert_close(drawing.attention.sum((2, 3)), torch.ones(2, 11))


def test_a_drawing_does_not_depend_on_the_photos_after_it() -> None:
    model = make_generator(end_bias=-1.0)
    few, many = model.sample(maps(9)[:3], generator=numbers()), model.sample(maps(9), generator=numbers())
    assert torch.equal(few.lengths, many.lengths[:3])
    steps = int(few.lengths.max())
    torch.testing.assert_close(few.sequences[:, :steps], many.sequences[:3, :steps], rtol=1e-4, atol=1e-5)


def test_the_states_of_a_drawing_are_those_of_reading_it() -> None:
    """So the policy gradient scores what was drawn."""
    model, noise = make_generator(end_bias=-2.0), torch.randn(5, 6)
    drawing = model.sample(maps(5), generator=numbers(), noise=noise)
    read = model(maps(5), drawing.sequences, noise).hidden
    for row, length in enumerate(drawing.lengths.tolist()):
        torch.testing.assert_close(drawing.hidden[row, :length], read[row, :length], rtol=1e-4, atol=1e-5)


def test_greedy_takes_the_likeliest_and_no_numbers() -> None:
    model = make_generator(end_bias=-3.0)
    drawing, again = (model.sample(maps(3), temperature=0.0, generator=numbers(seed)) for seed in (2, 3))
    assert torch.equal(drawing.sequences, again.sequences)
    mixture, pens = model.output(drawing.hidden)
    likeliest = mixture.weight_logits.argmax(-1, keepdim=True)
    means = torch.cat([field.gather(2, likeliest) for field in (mixture.mean_x, mixture.mean_y)], 2)
    for row, (length, ended) in enumerate(zip(drawing.lengths.tolist(), drawing.ended.tolist(), strict=True)):
        drawn, moved = drawing.sequences[row, :length], slice(0, length - ended)
        assert torch.equal(drawn[moved, 2:4].argmax(-1), pens[row, moved, :2].argmax(-1))
        assert torch.equal(drawn[:, 4] == 1, pens[row, :length].softmax(-1)[:, 2] > 0.5)
        torch.testing.assert_close(drawn[moved, :2], means[row, moved])


def always(fields: list[list[float]], pens: list[float]) -> Generator:
    """A model with one output whatever it has seen: a mixture's six fields as they leave the last layer, the pen."""
    model = make_generator()
    with torch.no_grad():
        model.output_layer.weight.zero_()
        model.output_layer.bias.copy_(torch.cat([torch.tensor(fields).flatten(), torch.tensor(pens)]))
    return model


@pytest.mark.parametrize("temperature", [1.0, 0.4])
def test_points_follow_the_mixture_at_the_temperature(temperature: float) -> None:
    """Two components a long way apart: shares, means, spreads, correlation and pens of 40,000 first points."""
    logits, pens = torch.tensor([0.5, -0.2, -50.0]), torch.tensor([0.3, 0.9, -0.4])
    means, log_sigmas = [[-300.0, 300.0, 0.0], [10.0, -20.0, 0.0]], [[0.5, -0.5, 0.0], [0.0, 1.0, 0.0]]
    rho = [1.0, -0.3, 0.0]
    model, inputs = (
        always([logits.tolist(), *means, *log_sigmas, rho], pens.tolist()),
        maps(1).expand(40_000, -1, -1, -1),
    )
    rows = model.sample(inputs, temperature=temperature, generator=numbers(), max_points=1).sequences[:, 0]
    # The chance of an end is the model's own at every temperature; between down and lifted, it counts.
    end = pens.softmax(0)[2]
    expected = torch.cat([(pens[:2] / temperature).softmax(0) * (1 - end), end.view(1)])
    torch.testing.assert_close(rows[:, 2:].mean(0), expected, atol=0.01, rtol=0)
    moved = rows[rows[:, 4] == 0]
    share = (moved[:, 0] < 0).float().mean()
    assert share.item() == pytest.approx((logits / temperature).softmax(0)[0].item(), abs=0.012)
    for component, part in enumerate((moved[moved[:, 0] < 0], moved[moved[:, 0] > 0])):
        spread, centre = torch.tensor(log_sigmas)[:, component].exp(), torch.tensor(means)[:, component]
        torch.testing.assert_close(part[:, :2].std(0), spread * math.sqrt(temperature), rtol=0.03, atol=0)
        torch.testing.assert_close(part[:, :2].mean(0), centre, rtol=0, atol=0.1)
        correlation = torch.corrcoef(part[:, :2].T)[0, 1]
        assert correlation.item() == pytest.approx(math.tanh(rho[component]) * RHO_LIMIT, abs=0.03)


def test_wild_outputs_draw_finite_points() -> None:
    model = always([[1e30, -1e30, 1e30]] * 6, [1e30, -1e30, -1e30])
    assert model.sample(maps(2), generator=numbers()).sequences.isfinite().all()


def test_noise_is_finite_and_the_latents_normal() -> None:
    noise = draw_noise(500, 20, 8, 3, numbers(), torch.device("cpu"))
    assert all(part.isfinite().all() for part in noise)
    assert noise.latent.mean().item() == pytest.approx(0, abs=0.05)
    assert noise.latent.std().item() == pytest.approx(1, abs=0.03)
