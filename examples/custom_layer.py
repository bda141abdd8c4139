"""A message-passing layer of your own: named, checked, trained in the whole method, and saved.

python examples/custom_layer.py [CELLS.h5ad]
"""

import sys
import tempfile
from pathlib import Path

import anndata
import torch

import scrcl_graph
from scrcl_graph.nn import ops, register_layer
from scrcl_graph.testing import ContractError, check_layer


@register_layer("contrast")
class Contrast(torch.nn.Module):
    """Each cell, and how it differs from the sum over its neighbours."""

    def __init__(self, in_channels, out_channels):
        super().__init__()
        self.linear = torch.nn.Linear(2 * in_channels, out_channels)

    def forward(self, x, edge_index, edge_weight):
        edges, order = ops.sorted_by_destination(edge_index, (len(x), len(x)))
        around = ops.spmm(edges, x, edge_weight if order is None else edge_weight[order])
        return self.linear(torch.cat([x, x - around], dim=1))


def forgetful(in_channels, out_channels):
    """A linear map: no message is passed."""

    class Forgetful(torch.nn.Linear):
        def forward(self, x, edge_index):
            return super().forward(x)

    return Forgetful(in_channels, out_channels)


if __name__ == "__main__":  # the file can also be given to the command: custom_layer.py:Contrast
    print("kept:", ", ".join(check_layer("contrast")))

    try:
        check_layer(forgetful)
    except ContractError as error:
        print(error)

    adata = anndata.read_h5ad(sys.argv[1]) if len(sys.argv) > 1 else scrcl_graph.datasets.pbmc68k_reduced()
    model = Path(tempfile.mkdtemp()) / "model"
    scrcl_graph.tl.refine(
        adata, n_clusters=8, layers={"cell-cell": "contrast", "gene-gene": ("gatv2", {"heads": 4})}, model_path=model
    )
    print(adata.obs["scrcl"].value_counts())
    print(adata.uns["scrcl"]["params"]["layers"])
    scrcl_graph.tl.apply(adata, model, key_added="again")  # the layer is found by its name
