"""An objective and a clusterer of your own: checked, then used by the whole method."""

import numpy as np
from sklearn.cluster import KMeans

import scrcl_graph
from scrcl_graph.objectives import Batch, register_objective
from scrcl_graph.testing import check_clusterer, check_objective


@register_objective("spread")
def spread(batch: Batch):
    """Mean cosine between cells, from the sum over cells alone: embeddings should point in all directions."""
    value = 0.0
    for view in batch.views.embeddings:
        total, n = batch.total(view.sum(dim=0)), batch.total(view.new_tensor(float(len(view))))
        value = value + (total**2).sum() / n**2
    return value


print("objective keeps:", ", ".join(check_objective("spread", shards=True)))
print("clusterer keeps:", ", ".join(check_clusterer((KMeans, {"n_init": 5}))))

adata = scrcl_graph.datasets.synthetic(300, 200, 4)
scrcl_graph.tl.refine(
    adata, n_clusters=4, objectives={"spread": 1.0, "consistency": 0}, clusterer=(KMeans, {"n_init": 5})
)
history = adata.uns["scrcl"]["history"]["run_0"]
print({name: np.round(values[[0, -1]], 3).tolist() for name, values in history.items()})
