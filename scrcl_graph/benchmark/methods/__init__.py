"""Methods under test, one small file each.

A file has ``run(adata, n_clusters, seed, **options)``, which returns one label per cell. ``adata`` holds the matrix,
the gene names and ``obsm["spatial"]`` where there are positions, and nothing else; ``n_clusters`` is None where the
number is to be chosen. ``PACKAGES``, a tuple of distribution names, has their versions recorded. Any such file can be
given to the benchmark by its path.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from scrcl_graph._errors import InputError

_HERE = Path(__file__).parent
_PACKAGE = _HERE.parents[1]
_ASIDE = ("benchmark", "datasets", "metrics", "pl", "report", "cli.py", "estimate.py", "io.py")  # not behind a result


@dataclass(frozen=True)
class Method:
    """A method and how it is run.

    Attributes
    ----------
    name
        In the tables.
    file
        With the function ``run``.
    kind
        ``"floor"``: what any method should beat; ``"ours"``; ``"peer"``: run in the environment of the peers;
        ``"other"``: a file given by path.
    options
        Keyword arguments of ``run``.
    source
        A file of the user's that the options name.
    """

    name: str
    file: Path
    kind: Literal["floor", "ours", "peer", "other"]
    options: Mapping[str, Any] = field(default_factory=dict)
    source: Path | None = None

    @property
    def sha256(self) -> str:
        """Of the method's file, and for ours and the floors of the package behind it: two codes are never mixed."""
        sources = [self.file, *([self.source] if self.source else [])]
        if self.kind in ("ours", "floor"):
            every = sorted(_PACKAGE.rglob("*.py"))
            sources += [path for path in every if path.relative_to(_PACKAGE).parts[0] not in _ASIDE]
            sources += sorted(_HERE.glob("_*.py"))  # what files of methods share
        digest = hashlib.sha256(repr(sorted(self.options.items())).encode())
        for path in sources:
            digest.update(path.read_bytes())
        return digest.hexdigest()


def _known() -> dict[str, Method]:
    floors = [
        Method("pca_kmeans", _HERE / "pca_kmeans.py", "floor"),
        Method("scaled_pca_kmeans", _HERE / "pca_kmeans.py", "floor", {"scale": True}),
        Method("pca_leiden", _HERE / "pca_leiden.py", "floor"),
        Method("pca_leiden_res1", _HERE / "pca_leiden.py", "floor", {"resolution": 1.0}),
    ]
    smoothed: dict[str, dict[str, Any]] = {
        **{f"pca_smooth{n}": {"steps": [n]} for n in (1, 2, 4)},
        **{f"scaled_pca_smooth{n}": {"steps": [n], "scale": True} for n in (1, 2, 4)},
        "scaled_pca_two_scales": {"steps": [1, 3], "scale": True},
    }
    floors += [
        Method(f"{name}+{end}", _HERE / "smoothed_pca.py", "floor", {**options, "mixture": end == "mixture"})
        for name, options in smoothed.items()
        for end in ("kmeans", "mixture")
    ]
    presets = [Method(name, _HERE / "preset.py", "ours", {"preset": name}) for name in ("default", "paper", "spatial")]
    changes: dict[str, dict[str, Any]] = {
        **{f"+{name}": {"clusterer": name} for name in ("mixture", "kmeans", "merge", "communities", "leiden")},
        **{f"-{name}": {"without": [name]} for name in ("alignment", "neighbourhood", "consistency", "association")},
        "-gene_step": {"gene_keep": 1.0},
        "-gene_side": {"gene_keep": 1.0, "without": ["consistency", "association"]},
        "-correspondence": {"maps": ["relative_pca"]},
        "-pca": {"maps": ["correspondence"]},
        "-joining": {"n_runs": 1},
    }
    variants = [
        Method(f"default{name}", _HERE / "preset.py", "ours", {"preset": "default", **change})
        for name, change in changes.items()
    ]
    domains: dict[str, dict[str, Any]] = {
        "-network": {"embedding": "coordinates", "n_runs": 1},
        "-magnitude": {"embedding": "views"},
        "+correspondence": {"maps": ["correspondence", "pca"]},
        "+gene_step": {"gene_keep": 0.5},
        "+inertia": {"gene_ranking": "inertia"},
        "+vote": {"spatial_vote": True},
        "+communities": {"clusterer": "community_mixture"},
        "+mixture": {"clusterer": "mixture"},
        "+kmeans": {"clusterer": "kmeans"},
        "-region": {"spatial_steps": [1]},
        "-own_scale": {"spatial_steps": [4]},
        "-position": {"n_spatial_neighbors": 0},
    }
    variants += [
        Method(f"spatial{name}", _HERE / "preset.py", "ours", {"preset": "spatial", **change})
        for name, change in domains.items()
    ]
    positioned = {"preset": "default", "n_spatial_neighbors": 6, "spatial_steps": [0, 1]}
    variants.append(Method("default+position", _HERE / "preset.py", "ours", positioned))
    variants.append(Method("default-training", _HERE / "untrained.py", "ours"))
    peers = [
        Method(f"scvi+{name}", _HERE / "peer_scvi.py", "peer", {"clusterer": name}) for name in ("kmeans", "leiden")
    ]
    peers += [
        Method(name, _HERE / f"peer_{name}.py", "peer") for name in ("banksy", "cellcharter", "graphst", "spagcn")
    ]
    return {method.name: method for method in [*floors, *presets, *variants, *peers]}


METHODS = _known()


def layer_methods(text: str) -> list[Method]:
    """The preset ``default`` with one layer replaced, for each part of a list such as ``gcn,gene-gene=mine.py:MyConv``.

    A part is ``[RELATION=]LAYER``, the relation being ``cell-cell`` where none is said; a LAYER is a name, a name with
    options as a TOML table, or FILE.py:NAME. It is tried out here, so that one that does not fit is refused at once.
    """
    from scrcl_graph._registry import from_text, pairs_from_text
    from scrcl_graph.nn import RefinementNetwork

    methods = []
    for place, layer in pairs_from_text(text, "cell-cell"):
        file, colon, name = layer.rpartition(".py:")
        RefinementNetwork(4, 3, layers={place: from_text(layer)})
        own = f"{Path(file + '.py').absolute()}:{name}" if colon else layer
        source = Path(file + ".py").absolute() if colon else None
        title = (name if colon else layer) + ("" if place == "cell-cell" else f"@{place}")
        methods.append(
            Method(
                _folder_name(title), _HERE / "preset.py", "ours", {"preset": "default", "layers": {place: own}}, source
            )
        )
    return methods


def _folder_name(title: str) -> str:
    """Results lie in a folder of this name."""
    return "".join(character if character.isalnum() or character in "_-@.=" else "_" for character in title).strip("_")


def get_method(name: str) -> Method:
    """The method of that name, or the one in that ``.py`` file.

    Raises
    ------
    InputError
        If there is none; the message lists the names.
    """
    if name.endswith(".py"):
        if not Path(name).is_file():
            raise InputError(f"there is no file {name}")
        return Method(Path(name).stem, Path(name).absolute(), "other")
    if name not in METHODS:
        raise InputError(f"unknown method '{name}': choose from {', '.join(METHODS)}, or give the path of a .py file")
    return METHODS[name]
