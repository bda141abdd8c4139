from __future__ import annotations

import numpy as np

from scrcl_graph import gr

CENTERS = np.array([[0, 0, 0], [6, 0, 0], [0, 6, 0], [0, 0, 6]])
SHIFTS = np.array([[0, 0, 0], [2.0, -1.5, 1.0], [-1.0, 2.0, 2.0]])


def slices(shares: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Coordinates with and without the effect of the slice, cluster and slice; ``shares`` is slices x clusters."""
    rng = np.random.default_rng(0)
    cluster = np.concatenate([rng.choice(4, 400, p=share) for share in shares])
    library = np.repeat(np.arange(len(shares)), 400)
    clean = CENTERS[cluster] + 0.5 * rng.standard_normal((len(cluster), 3))
    return (clean + SHIFTS[library]).astype(np.float32), clean, cluster, library


UNEQUAL = np.array([[0.25, 0.25, 0.25, 0.25], [0.7, 0.2, 0.1, 0.0], [0.0, 0.1, 0.3, 0.6]])


def unremoved(shifted: np.ndarray, clean: np.ndarray, library: np.ndarray) -> float:
    """The largest difference between slices in what is left of the shifts."""
    left = np.array([(shifted - clean)[library == s].mean(axis=0) for s in np.unique(library)])
    return float(np.ptp(left, axis=0).max())


def test_planted_shifts_are_removed() -> None:
    x, clean, _, library = slices(np.full((3, 4), 0.25))
    _, aligned = gr.fit_alignment(x, library)
    assert unremoved(x, clean, library) > 2
    assert unremoved(aligned, clean, library) < 0.2


def test_slices_of_different_clusters_are_shifted_less_wrongly_than_by_their_means() -> None:
    x, clean, _, library = slices(UNEQUAL)
    _, aligned = gr.fit_alignment(x, library)
    centred = x - np.array([x[library == s].mean(axis=0) for s in range(3)])[library]
    assert unremoved(aligned, clean, library) < 0.4 * unremoved(centred, clean, library)


def test_a_new_slice_of_few_clusters_is_shifted_to_the_known_ones() -> None:
    x, clean, _, library = slices(np.full((3, 4), 0.25))
    alignment, aligned = gr.fit_alignment(x, library)
    offset = (aligned - clean).mean(axis=0)
    new, new_clean, *_ = slices(np.array([[0.5, 0.4, 0.1, 0.0]]))
    moved = alignment.transform(new + np.float32(1.7), np.zeros(len(new), dtype=np.intp))
    assert np.abs((moved - new_clean).mean(axis=0) - offset).max() < 0.2


def test_each_slice_moves_as_a_whole_and_the_seed_decides() -> None:
    x, _, _, library = slices(UNEQUAL)
    (_, first), (_, second) = (gr.fit_alignment(x, library, seed=3) for _ in range(2))
    assert np.array_equal(first, second)
    for s in range(3):
        moved = (first - x)[library == s]
        assert np.abs(moved - moved[0]).max() < 1e-4


def test_few_points_at_few_places_stay_finite() -> None:
    x = np.repeat(np.eye(3, dtype=np.float32), 4, axis=0)
    alignment, aligned = gr.fit_alignment(x, np.arange(12) % 2)
    assert np.isfinite(aligned).all()
    assert np.isfinite(alignment.transform(x[:2], np.zeros(2, dtype=np.intp))).all()
