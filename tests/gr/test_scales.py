from __future__ import annotations

import numpy as np
import pytest

from scrcl_graph import gr


@pytest.fixture
def positions() -> np.ndarray:
    return np.random.default_rng(0).random((200, 2))


def test_each_scale_is_the_dense_average_divided_by_its_spread_within_slices(positions: np.ndarray) -> None:
    x = np.random.default_rng(1).standard_normal((200, 3)).astype(np.float32)
    library = np.arange(200) % 2
    x[library == 1] += 50  # a shift between slices is not spread
    adjacency = gr.spatial_neighbors(positions, library=library)
    scales = gr.fit_scales(x, adjacency, (1, 4), library)
    step = adjacency.toarray().astype(np.float64) + np.eye(200)
    step /= step.sum(axis=1, keepdims=True)
    expected = []
    for n in (1, 4):
        scale = np.linalg.matrix_power(step, n) @ x
        within = scale.copy()
        for one in (0, 1):
            within[library == one] -= within[library == one].mean(axis=0)
        expected.append(scale / np.sqrt((within**2).sum() / 200))
    np.testing.assert_allclose(scales.transform(x, adjacency), np.hstack(expected), rtol=2e-5)


def test_step_zero_is_the_cell_alone(positions: np.ndarray) -> None:
    x = np.random.default_rng(1).standard_normal((200, 3)).astype(np.float32)
    adjacency = gr.spatial_neighbors(positions)
    out = gr.fit_scales(x, adjacency, (0, 2)).transform(x, adjacency)
    np.testing.assert_allclose(out[:, :3] * np.sqrt(x.var(axis=0).sum()), x, rtol=1e-5)


def test_the_decoder_of_the_scales_averages_them(positions: np.ndarray) -> None:
    x = np.random.default_rng(1).standard_normal((200, 3)).astype(np.float32)
    decoder = np.random.default_rng(2).standard_normal((7, 3)).astype(np.float32)
    adjacency = gr.spatial_neighbors(positions)
    scales = gr.fit_scales(x, adjacency, (1, 3))
    estimate = scales.transform(x, adjacency) @ scales.decoder(decoder).T
    first, second = np.split(gr.smooth(x, adjacency, (1, 3)), 2, axis=1)
    np.testing.assert_allclose(estimate, (first + second) / 2 @ decoder.T, atol=1e-5)


def test_constant_coordinates_stay_finite(positions: np.ndarray) -> None:
    x = np.ones((200, 2), dtype=np.float32)
    adjacency = gr.spatial_neighbors(positions)
    assert np.isfinite(gr.fit_scales(x, adjacency, (1,)).transform(x, adjacency)).all()
