"""Conformance kit: whether a layer, an objective or a clusterer keeps what the rest of the package relies on.

Each check raises a :class:`ContractError` that names the part and the contract it breaks, or returns those kept.
"""

from __future__ import annotations

from scrcl_graph.testing._contract import ContractError
from scrcl_graph.testing.clusterer import check_clusterer
from scrcl_graph.testing.layer import check_layer
from scrcl_graph.testing.objective import check_objective

__all__ = ["ContractError", "check_clusterer", "check_layer", "check_objective"]
