"""What a message-passing layer must keep."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor
from torch.autograd import gradcheck
from torch_geometric import EdgeIndex

from scrcl_graph._registry import Spec
from scrcl_graph.nn.adapter import AdaptedLayer
from scrcl_graph.nn.ops import edges_from_csr
from scrcl_graph.nn.resolver import LAYERS, RELATIONS, make_layer
from scrcl_graph.testing._contract import demand, draws, keep, same

_N, _M, _ALONE = 9, 7, 4  # nodes; sources between two types; the node without edges
_WIDTH, _OUT = 6, 8
_HALF = 0.1  # bfloat16 keeps 8 bits


def check_layer(layer: Spec, relation: str = "cell-cell") -> list[str]:
    """Check a layer for a relation.

    Contracts: shape and type of the output; gradients (double precision, against differences); a node without edges; a
    relation without edges; the order of the nodes; the order and the kind of ``edge_index``; same input, same output;
    half precision (autocast to bfloat16); saving and loading by ``state_dict``; a GPU, where there is one.

    Parameters
    ----------
    layer
        As for :class:`scrcl_graph.nn.RefinementNetwork`: a name, a class, a factory, an instance, or a pair of one of
        these and its options.
    relation
        ``"cell-cell"``, ``"gene-gene"`` (signed weights) or ``"cell-gene"`` (between two node types), or a relation.

    Returns
    -------
    The contracts kept.

    Raises
    ------
    ContractError
        If one is broken; the message says which and how.
    InputError
        If the layer cannot be made for that relation at all.
    """
    one = next((name for name, keys in RELATIONS.items() if relation in keys), relation)
    part = f"the layer '{LAYERS.plain(layer)[0]}' on '{relation}'"
    return keep(part, _Problem(layer, one).contracts())


class _Problem:
    """A small graph for a relation, and the layer on it."""

    def __init__(self, layer: Spec, relation: str) -> None:
        self.spec, self.relation = layer, relation
        self.bipartite = relation in ("expresses", "expressed_in")
        self.matrix = self._matrix()
        draw = draws()
        self.x = (draw(_M, _WIDTH), draw(_N, _WIDTH - 1)) if self.bipartite else draw(_N, _WIDTH)
        self.layer = self._make()

    def contracts(self) -> dict[str, Callable[[], object]]:
        found: dict[str, Callable[[], object]] = {
            "shape": self.shape,
            "gradient": self.gradient,
            "isolated node": self.isolated_node,
            "empty relation": self.empty_relation,
            "permutation": self.permutation,
            "edge_index": self.edge_index,
            "repeatable": self.repeatable,
            "half precision": self.half_precision,
            "save and load": self.save_and_load,
        }
        return found | ({"device": self.device} if torch.cuda.is_available() else {})

    def shape(self) -> None:
        for dtype in (torch.float32, torch.float64):
            out = self._make().to(dtype)(*self._input(dtype=dtype))
            demand(out.shape == (_N, _OUT), f"the output is {tuple(out.shape)}, not {(_N, _OUT)}")
            demand(out.dtype == dtype, f"the output is {out.dtype} for an input of {dtype}")
            demand(out.isfinite().all(), "the output is not finite")

    def gradient(self) -> None:
        _, edge_index, weight = self._input()
        leaves = [x.clone().requires_grad_() for x in (self.x if isinstance(self.x, tuple) else (self.x,))]
        trained = [parameter for parameter in self.layer.parameters() if parameter.requires_grad]

        def run(*tensors: Tensor) -> Tensor:
            x = tuple(tensors[: len(leaves)]) if self.bipartite else tensors[0]
            out: Tensor = self.layer(x, edge_index, weight)
            return out

        gradcheck(run, (*leaves, *trained), atol=1e-4, rtol=1e-3)
        out = run(*leaves, *trained).sum()
        grads = torch.autograd.grad(out, [leaves[0], *trained], allow_unused=True)
        demand(grads[0] is not None, "no gradient reaches the features of the sources")
        demand(not trained or any(grad is not None for grad in grads[1:]), "no gradient reaches the parameters")

    def isolated_node(self) -> None:
        x, edges, weight = self._input()
        before = self.layer(x, edges, weight)
        demand(before.isfinite().all(), "the output is not finite where a node has no edge")
        sources = x[0] if isinstance(x, tuple) else x
        louder = sources + (torch.arange(len(sources)) == edges.as_tensor()[0, 0])[:, None].to(sources)  # one node
        changed = self.layer((louder, x[1]) if isinstance(x, tuple) else louder, edges, weight)
        same(changed[_ALONE], before[_ALONE], "a node without edges hears other nodes")
        hears = edges.as_tensor()[1][edges.as_tensor()[0] == edges.as_tensor()[0, 0]]
        demand(not torch.equal(changed[hears], before[hears]), "no message is passed at all")

    def empty_relation(self) -> None:
        empty = sp.csr_matrix(self.matrix.shape, dtype=np.float32)
        out = self.layer(*self._input(matrix=empty))
        demand(out.shape == (_N, _OUT) and out.isfinite().all(), "the output is wrong for a graph without edges")

    def permutation(self) -> None:
        rng = np.random.default_rng(0)
        rows = rng.permutation(_N)
        if isinstance(self.x, tuple):
            columns = rng.permutation(_M)
            x: Tensor | tuple[Tensor, Tensor] = (self.x[0][columns], self.x[1][rows])
        else:
            columns, x = rows, self.x[rows]
        moved = self.layer(x, *self._input(matrix=self.matrix[rows][:, columns])[1:])
        same(moved, self.layer(*self._input())[rows], "nodes in another order give another output")

    def edge_index(self) -> None:
        x, edges, weight = self._input()
        assert isinstance(edges, EdgeIndex)
        want = self.layer(x, edges, weight)
        same(self.layer(x, edges.as_tensor(), weight), want, "a plain edge_index gives another output")
        order = torch.randperm(len(weight), generator=torch.Generator().manual_seed(0))
        got = self.layer(x, edges.as_tensor()[:, order], weight[order])
        same(got, want, "edges in another order give another output")

    def repeatable(self) -> None:
        demand(torch.equal(self.layer(*self._input()), self.layer(*self._input())), "two calls give two outputs")

    def half_precision(self) -> None:
        layer = self._make().float()
        x, edges, weight = self._input(dtype=torch.float32)
        want = layer(x, edges, weight)
        with torch.autocast("cpu", torch.bfloat16):
            got = layer(x, edges, weight).float()
        demand(got.isfinite().all(), "the output is not finite")
        same(got, want, "the output is another one", tolerance=_HALF)

    def save_and_load(self) -> None:
        want, fresh = self.layer(*self._input()), self._make(seed=1)
        fresh.load_state_dict({name: tensor.clone() for name, tensor in self.layer.state_dict().items()})
        demand(torch.equal(fresh(*self._input()), want), "what state_dict holds does not bring the layer back")

    def device(self) -> None:
        x, edges, weight = self._input()
        moved = tuple(one.cuda() for one in x) if isinstance(x, tuple) else x.cuda()
        got = self._make().cuda()(moved, edges.cuda(), weight.cuda()).cpu()
        same(got, self.layer(x, edges, weight), "a GPU gives another output", tolerance=1e-6)

    def _make(self, seed: int = 0) -> AdaptedLayer:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            width = (_WIDTH, _WIDTH - 1) if self.bipartite else _WIDTH
            return make_layer({self.relation: self.spec}, self.relation, width, _OUT).double().eval()

    def _matrix(self) -> sp.csr_matrix:
        rng = np.random.default_rng(0)
        if self.bipartite:
            dense = rng.uniform(0.1, 1.0, (_N, _M)) * (rng.random((_N, _M)) < 0.5)
            dense[_ALONE] = 0
        else:
            dense = np.triu(rng.uniform(0.1, 1.0, (_N, _N)) * (rng.random((_N, _N)) < 0.5), k=1)
            dense[_ALONE], dense[:, _ALONE] = 0, 0
            if self.relation == "coexpressed_with":
                dense *= rng.choice([-1, 1], dense.shape)
            dense = dense + dense.T
        return sp.csr_matrix(dense, dtype=np.float32)

    def _input(
        self, dtype: torch.dtype = torch.float64, matrix: sp.csr_matrix | None = None
    ) -> tuple[Tensor | tuple[Tensor, Tensor], EdgeIndex, Tensor]:
        edges, weight = edges_from_csr(self.matrix if matrix is None else matrix)
        x = (self.x[0].to(dtype), self.x[1].to(dtype)) if isinstance(self.x, tuple) else self.x.to(dtype)
        return x, edges, weight.to(dtype)
