from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from scrcl_graph.stats import spread


def test_it_is_the_solution_of_the_linear_system() -> None:
    rng = np.random.default_rng(0)
    A = np.triu(rng.random((30, 30)) < 0.2, 1) * rng.random((30, 30))
    A = A + A.T
    labels = np.full(30, -1)
    labels[:5] = [0, 0, 0, 1, 2]
    Y = np.zeros((30, 3))
    Y[[0, 1, 2], 0], Y[3, 1], Y[4, 2] = 1 / 3, 1, 1
    root = np.diag(A.sum(1) ** -0.5)
    F = np.linalg.solve(np.eye(30) - 0.9 * root @ A @ root, Y)
    np.testing.assert_allclose(spread(sp.csr_matrix(A), labels, 3), F / F.sum(1, keepdims=True), atol=2e-4)


def test_a_component_without_labels_gets_nothing() -> None:
    A = sp.block_diag([np.ones((3, 3)) - np.eye(3)] * 2 + [np.zeros((1, 1))], format="csr")
    shares = spread(A, np.array([0, 1, -1, -1, -1, -1, -1]), 2)
    np.testing.assert_allclose(shares.sum(axis=1), [1, 1, 1, 0, 0, 0, 0])
