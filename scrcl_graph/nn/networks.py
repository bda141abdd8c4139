"""Networks by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from scrcl_graph._registry import Registry
from scrcl_graph.nn.paper import PaperNetwork
from scrcl_graph.nn.refinement import RefinementNetwork

T = TypeVar("T")

NETWORKS = Registry(
    "network",
    {"refinement": RefinementNetwork, "paper": PaperNetwork},
    register='nn.register_network("name")',
)


def register_network(name: str) -> Callable[[T], T]:
    """Decorator that gives a class or factory of networks a name, for ``Preset.network``.

    ``forward`` takes the graph (a ``HeteroData``, its edges as ``EdgeIndex``) and returns :class:`Views`. No weight may
    depend on the number of cells, or new cells cannot be encoded. Of these the constructor gets what it has a
    parameter for, options first:

    ======================= =======================================================
    ``cell_dim, gene_dim``  widths of the node features
    ``hidden_dim, out_dim`` widths that the preset wants
    ``cell_relations``      names of the cell-cell relations
    ``metadata``            node types and edge types, as PyG's layers take them
    ``layers``              of the preset, which without this parameter must be empty
    ``n_cells, n_genes``    size of the graph that is trained on
    ``n_clusters``          number of clusters, or None
    ======================= =======================================================
    """
    return NETWORKS.register(name)
