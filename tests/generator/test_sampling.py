"""Drawing with G: the distribution drawn from, early stop, independence, temperature."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from fgsbir.generator import sampling
from fgsbir.generator.model import Generator
from fgsbir.generator.sampling import LOG_SIGMA, RHO_LIMIT, Output, draw_randomness, draw_rows, end_rows, put
from tests.generator.conftest import MakeGenerator
from tests.toy import MAP_CHANNELS

Make = Callable[..., Generator]
MIXTURES = 3
CPU = torch.device("cpu")


@pytest.fixture
def make(make_generator: MakeGenerator) -> Make:
    """Generators of up to 40 points, by their bias to end and whether they attend."""
    return lambda end_bias=0.0, attention=True: make_generator(max_points=40, end_bias=end_bias, attention=attention)


def maps(n: int) -> Tensor:
    return torch.randn(n, MAP_CHANNELS, 4, 4, generator=torch.Generator().manual_seed(1))


def numbers(seed: int = 2) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_drawn_rows_are_well_formed_and_end_once(make: Make) -> None:
    drawing = make(-1.0).sample(maps(12), generator=numbers())
    rows = drawing.sequences
    assert torch.equal(rows[..., 2:].sum(-1), torch.ones(rows.shape[:2]))
    assert set(rows[..., 2:].unique().tolist()) <= {0.0, 1.0}
    for row, length, ended in zip(rows, drawing.lengths.tolist(), drawing.ended.tolist(), strict=True):
        ends = (row[:, 4] > 0).nonzero().squeeze(1).tolist()
        assert ended == bool(ends)
        assert length == (ends[0] + 1 if ends else len(row))
        assert ends == list(range(length - 1, len(row))) if ended else not ends
        assert not row[length - ended :, :2].any()
    assert drawing.ended.any()


def test_never_ending_drawings_are_cut_off(make: Make) -> None:
    drawing = make(-100.0).sample(maps(2), generator=numbers(), max_points=11)
    assert drawing.sequences.shape == (2, 11, 5)
    assert not drawing.ended.any() and drawing.lengths.tolist() == [11, 11]


@pytest.mark.parametrize("attention", [True, False])
def test_early_stop_equals_the_full_run(make: Make, attention: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    model = make(-1.0, attention)
    short = model.sample(maps(24), generator=numbers(), return_attention=True)
    monkeypatch.setattr(sampling, "CHECK_EVERY", 40)
    full = model.sample(maps(24), generator=numbers(), return_attention=True)
    assert full.sequences.shape[1] == 40 > short.sequences.shape[1]
    steps = short.sequences.shape[1]
    torch.testing.assert_close(short.sequences, full.sequences[:, :steps], rtol=1e-4, atol=1e-5)
    assert (full.sequences[:, steps:, 4] == 1).all()
    assert torch.equal(short.lengths, full.lengths) and torch.equal(short.ended, full.ended)
    for row, length in enumerate(short.lengths.tolist()):
        torch.testing.assert_close(short.hidden[row, :length], full.hidden[row, :length], rtol=1e-4, atol=1e-5)
        if attention:
            assert short.attention is not None and full.attention is not None
            torch.testing.assert_close(short.attention[row, :length], full.attention[row, :length])


def test_a_drawing_does_not_depend_on_the_photos_after_it(make: Make) -> None:
    model = make(-1.0)
    few, many = model.sample(maps(9)[:3], generator=numbers()), model.sample(maps(9), generator=numbers())
    assert torch.equal(few.lengths, many.lengths[:3])
    steps = int(few.lengths.max())
    torch.testing.assert_close(few.sequences[:, :steps], many.sequences[:3, :steps], rtol=1e-4, atol=1e-5)


def test_the_states_of_a_drawing_are_those_of_reading_it(make: Make) -> None:
    """The sampler and teacher forcing are the same decoder, so log_probability scores what was drawn."""
    model, noise = make(-2.0), torch.randn(5, 6)
    drawing = model.sample(maps(5), generator=numbers(), noise=noise)
    read = model(maps(5), drawing.sequences, noise).hidden
    for row, length in enumerate(drawing.lengths.tolist()):
        torch.testing.assert_close(drawing.hidden[row, :length], read[row, :length], rtol=1e-4, atol=1e-5)


def test_attention_at_each_point_sums_to_one(make: Make) -> None:
    drawing = make(-100.0).sample(maps(3), generator=numbers(), return_attention=True)
    assert drawing.attention is not None
    torch.testing.assert_close(drawing.attention.sum((2, 3)), torch.ones(3, 40))


def test_same_seed_same_drawing_and_another_seed_another(make: Make) -> None:
    model = make(-2.0)
    first, again, other = (model.sample(maps(3), generator=numbers(seed)).sequences for seed in (2, 2, 3))
    assert torch.equal(first, again)
    assert first.shape != other.shape or not torch.equal(first, other)


def test_greedy_takes_the_likeliest_and_no_numbers(make: Make) -> None:
    model = make(-3.0)
    drawing, again = (model.sample(maps(3), temperature=0.0, generator=numbers(seed)) for seed in (2, 3))
    assert torch.equal(drawing.sequences, again.sequences)
    mixture, pens = model.output(drawing.hidden)
    likeliest = mixture.weight_logits.argmax(-1, keepdim=True)
    for row, (length, ended) in enumerate(zip(drawing.lengths.tolist(), drawing.ended.tolist(), strict=True)):
        drawn = drawing.sequences[row, :length]
        moved = slice(0, length - ended)
        assert torch.equal(drawn[moved, 2:4].argmax(-1), pens[row, moved, :2].argmax(-1))
        assert torch.equal(drawn[:, 4] == 1, pens[row, :length].softmax(-1)[:, 2] > 0.5)
        means = torch.stack([mixture.mean_x, mixture.mean_y], -1)[row, moved]
        expected = means.gather(1, likeliest[row, moved].unsqueeze(-1).expand(-1, 1, 2)).squeeze(1)
        torch.testing.assert_close(drawn[moved, :2], expected)


def output_of(raw: torch.Tensor) -> Output:
    """The fields of three components and the pen's two logits, as one step gives them; there is no query."""
    return Output(*raw.split((3, 15, 1, 1, 0), 1))


@pytest.mark.parametrize("temperature", [1.0, 0.4])
def test_rows_follow_the_mixture_at_the_temperature(temperature: float) -> None:
    """Two components a long way apart: shares, means, spreads, correlation and pens of 40,000 draws."""
    n = 40_000
    logits, pens = torch.tensor([0.5, -0.2, -50.0]), torch.tensor([0.3, 0.9, -0.4])
    means_x, means_y = torch.tensor([-300.0, 300.0, 0.0]), torch.tensor([10.0, -20.0, 0.0])
    log_x, log_y, rho = torch.tensor([0.5, -0.5, 0.0]), torch.tensor([0.0, 1.0, 0.0]), torch.tensor([1.0, -0.3, 0.0])
    raw = torch.cat([logits, means_x, means_y, log_x, log_y, rho, pens[1:] - pens[0]]).repeat(n, 1)
    noise = draw_randomness(n, 1, 2, MIXTURES, temperature, numbers(), CPU)
    rows = draw_rows(output_of(raw), noise.component[0], noise.pen[0], noise.offset[0])
    shares = rows[:, 2:].mean(0)
    # The chance of an end is the model's own at every temperature; between down and lifted, it counts.
    end = pens.softmax(0)[2]
    expected = torch.cat([(pens[:2] / temperature).softmax(0) * (1 - end), end.view(1)])
    torch.testing.assert_close(shares, expected, atol=0.01, rtol=0)
    assert torch.equal(rows[:, 2:].sum(1), torch.ones(n))
    moved = rows[rows[:, 4] == 0]
    share = (moved[:, 0] < 0).float().mean()
    assert share.item() == pytest.approx((logits / temperature).softmax(0)[0].item(), abs=0.012)
    for component, part in enumerate((moved[moved[:, 0] < 0], moved[moved[:, 0] > 0])):
        spread = torch.stack([log_x[component], log_y[component]]).exp() * math.sqrt(temperature)
        torch.testing.assert_close(part[:, :2].std(0), spread, rtol=0.03, atol=0)
        centre = torch.stack([means_x[component], means_y[component]])
        torch.testing.assert_close(part[:, :2].mean(0), centre, rtol=0, atol=0.1)
        correlation = torch.corrcoef(part[:, :2].T)[0, 1]
        assert correlation.item() == pytest.approx(math.tanh(rho[component]) * RHO_LIMIT, abs=0.03)


def test_randomness_is_normal_and_finite() -> None:
    noise = draw_randomness(500, 20, 8, MIXTURES, 1.0, numbers(), CPU)
    assert all(part.isfinite().all() for part in noise)
    for part in (noise.latent, noise.offset):
        assert part.mean().item() == pytest.approx(0, abs=0.05)
        assert part.std().item() == pytest.approx(1, abs=0.03)
    # Gumbel: the mean is Euler's constant.
    assert noise.component.mean().item() == pytest.approx(0.5772, abs=0.03)
    still = draw_randomness(3, 4, 8, MIXTURES, 0.0, numbers(), CPU)
    assert not any(part.any() for part in still)


def test_wild_outputs_draw_finite_points() -> None:
    raw = torch.tensor([[1e30, -1e30] * 10])
    rows = draw_rows(output_of(raw), torch.zeros(1, 3), torch.zeros(1, 2), torch.ones(1, 2))
    assert rows.isfinite().all()
    assert LOG_SIGMA[1] < 10


def test_rows_after_an_end_are_ends() -> None:
    """Of three drawings one goes on, one ends at its second row, and one was over before."""
    rows = torch.tensor([[1.0, 2.0, 1.0, 0.0, 0.0]] * 4).repeat(3, 1, 1)
    rows[1, 1, 2:] = torch.tensor([0.0, 0.0, 1.0])
    before = rows.clone()
    ended = end_rows(rows, torch.tensor([False, False, True]))
    assert ended.tolist() == [False, True, True]
    end = torch.tensor([0.0, 0.0, 0.0, 0.0, 1.0])
    assert torch.equal(rows[0], before[0])
    assert torch.equal(rows[1, :1], before[1, :1])
    assert torch.equal(rows[1, 1:], end.expand(3, -1))
    assert torch.equal(rows[2], end.expand(4, -1))


def test_put_writes_the_active_rows_and_clears_the_others() -> None:
    out = torch.full((3, 2, 4), math.nan)
    steps = [torch.ones(2, 4), torch.full((2, 4), 2.0)]
    put(out, torch.tensor([0, 2]), steps)
    assert torch.equal(out[[0, 2]], torch.stack(steps, 1))
    assert not out[1].any()
    whole = [step.new_full((3, 4), float(number)) for number, step in enumerate(steps)]
    put(out, torch.arange(3), whole)
    assert torch.equal(out, torch.stack(whole, 1))
