from __future__ import annotations

import torch

from scrcl_graph.nn import Views

DOUBLE = torch.float64


def _views(dtype: torch.dtype = DOUBLE) -> Views:
    torch.manual_seed(0)
    sizes = [(12, 4), (12, 4), (7, 4), (7,), (7, 3), (12, 4), (12, 4)]
    first, second, weight, bias, messages, *projected = (torch.randn(*size, dtype=DOUBLE).to(dtype) for size in sizes)
    return Views((first, second), weight, bias, messages, (projected[0], projected[1]))


def test_refined_views_equal_the_scores_times_the_messages() -> None:
    views = _views()
    plain = Views(views.hidden, views.weight, views.bias, views.messages)
    for given, heads in ((plain, views.hidden), (views, views.projected)):
        for refined, head in zip(given.refined, heads, strict=True):
            scores = head @ views.weight.T + views.bias  # cells x genes
            expected = scores @ views.messages
            torch.testing.assert_close(refined, expected / expected.norm(dim=1, keepdim=True), rtol=1e-12, atol=1e-12)


def test_embeddings_are_the_hidden_views_at_unit_length() -> None:
    views = _views()
    for embedding, hidden in zip(views.embeddings, views.hidden, strict=True):
        torch.testing.assert_close(embedding, hidden / hidden.norm(dim=1, keepdim=True), rtol=1e-12, atol=1e-12)


def test_half_precision_is_raised_in_every_part_and_double_is_kept() -> None:
    half = _views(torch.bfloat16)
    single = half.at_least_single()
    assert half.projected is not None
    assert single.projected is not None
    given = (*half.hidden, half.weight, half.bias, half.messages, *half.projected)
    got = (*single.hidden, single.weight, single.bias, single.messages, *single.projected)
    for a, b in zip(got, given, strict=True):
        assert a.dtype == torch.float32
        assert torch.equal(a, b.float())
    assert Views(half.hidden, half.weight, half.bias, half.messages).at_least_single().projected is None
    double = _views()
    assert double.at_least_single().weight is double.weight
