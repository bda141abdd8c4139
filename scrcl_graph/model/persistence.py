"""A saved model: a folder with ``model.safetensors`` (arrays) and ``model.json`` (everything else). No pickle."""

from __future__ import annotations

import dataclasses
import json
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse as sp
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from scrcl_graph._errors import InputError
from scrcl_graph._files import replacing
from scrcl_graph._preprocess import Unit, check_state
from scrcl_graph._seeds import check_seed
from scrcl_graph._version import __version__
from scrcl_graph.gr import Alignment, Coordinates, Given, Joined, Scales
from scrcl_graph.model.inputs import Inputs
from scrcl_graph.model.networks import make_network
from scrcl_graph.model.reference import Reference
from scrcl_graph.nn import LAYERS, NETWORKS
from scrcl_graph.nn.layers import share_memos
from scrcl_graph.presets import from_plain, to_plain

if TYPE_CHECKING:
    from scrcl_graph.model.estimator import ScRCL

FORMAT = 4
FILES = _ARRAYS, _META = "model.safetensors", "model.json"
_CSR = ("data", "indices", "indptr", "shape")

Arrays = dict[str, NDArray[Any]]


def save(model: ScRCL, path: str | PathLike[str], *, overwrite: bool) -> None:
    """Write a fitted model; an existing model folder is replaced only with ``overwrite``."""
    target = Path(path)
    if target.exists() and not (overwrite and (target / _META).is_file()):
        advice = "pass overwrite=True to replace it" if (target / _META).is_file() else "choose another path"
        raise InputError(f"{target} exists already: {advice}")
    arrays: Arrays = {"labels": model._reference_labels}
    for run, network in enumerate(model._networks):
        for name, tensor in network.state_dict().items():
            arrays[f"network.{run}.{name}"] = tensor.cpu().numpy()
    coordinates = model._inputs.coordinates
    parts: tuple[Coordinates | Given, ...] = coordinates.parts if isinstance(coordinates, Joined) else (coordinates,)
    for i, part in enumerate(parts):
        arrays |= _pack(part, f"coordinates.{i}")
    arrays |= _pack(model._reference, "reference")
    scales, alignment = model._inputs.scales, model._inputs.alignment
    if alignment is not None:
        arrays |= _pack(alignment, "alignment")
    meta = {
        "format": FORMAT,
        "scrcl_graph": __version__,
        "preset": to_plain(model._chosen_preset),
        "n_clusters": model.n_clusters,
        "n_clusters_found": model.n_clusters_,
        "random_state": model.random_state,
        "genes": model._inputs.genes,
        "input_state": model._inputs.unit.state,
        "log_base": model._inputs.unit.base,
        "whole_numbers": model._inputs.unit.whole,
        "coordinates": {"spreads": coordinates.spreads, "profiles": [part.profiles for part in coordinates.parts]}
        if isinstance(coordinates, Joined)
        else {"spread": coordinates.spread},
        "scales": None if scales is None else dataclasses.asdict(scales),
        "network": model._network_spec,
        "n_runs": len(model._networks),
    }
    with replacing(target, folder=True) as folder:
        save_file({name: np.ascontiguousarray(array) for name, array in arrays.items()}, folder / _ARRAYS)
        (folder / _META).write_text(json.dumps(meta, indent=1, default=lambda value: value.item()))


def load(cls: type[ScRCL], path: str | PathLike[str], device: str | torch.device) -> ScRCL:
    """Read a model; raises InputError if the folder does not hold one that this version can read."""
    folder = Path(path)
    try:
        meta = json.loads((folder / _META).read_text())
        arrays = load_file(folder / _ARRAYS)
        if not isinstance(meta, dict):
            raise ValueError("not an object")
    except (OSError, ValueError, SafetensorError) as err:
        raise InputError(f"{folder} is not a saved model: it needs readable files {_META} and {_ARRAYS}") from err
    if meta.get("format") != FORMAT:
        raise InputError(f"{folder} has model format {meta.get('format')}, this version reads {FORMAT}: save it again")
    try:
        NETWORKS.resolve(meta["preset"]["network"])
        for spec in meta["preset"]["layers"].values():
            LAYERS.resolve(spec)
    except InputError as err:
        raise InputError(f"{folder} has something that is not part of this package; {err} before loading") from err
    except (AttributeError, KeyError, TypeError) as err:
        raise InputError(f"{folder} is damaged: its files do not fit together ({err})") from err
    try:
        return _assemble(cls, meta, arrays, device)
    except (AttributeError, KeyError, TypeError, ValueError, RuntimeError) as err:
        raise InputError(f"{folder} is damaged: its files do not fit together ({err})") from err


def _assemble(cls: type[ScRCL], meta: dict[str, Any], arrays: Arrays, device: str | torch.device) -> ScRCL:
    preset = from_plain(meta["preset"])
    model = cls(meta["n_clusters"], preset=preset, random_state=meta["random_state"], device=device)
    model._chosen_preset = preset
    model.n_clusters_ = meta["n_clusters_found"]
    alignment = _unpack(arrays, "alignment")
    model._inputs = Inputs(
        tuple(meta["genes"]),
        _coordinates(meta["coordinates"], arrays),
        Unit(meta["input_state"], meta["log_base"], meta["whole_numbers"]),
        scales=Scales(*(tuple(meta["scales"][name]) for name in ("steps", "spreads"))) if meta["scales"] else None,
        alignment=Alignment(**alignment) if alignment else None,
    )
    model._reference = Reference(**_unpack(arrays, "reference"))
    model._reference_labels = arrays["labels"]
    model._network_spec = meta["network"]
    model._networks = []
    for run in range(meta["n_runs"]):
        network = make_network(preset, **model._network_spec, seed=0)
        prefix = f"network.{run}."
        state = {
            name.removeprefix(prefix): torch.from_numpy(a) for name, a in arrays.items() if name.startswith(prefix)
        }
        network.load_state_dict(state)
        model._networks.append(network.eval())
    share_memos(model._networks)
    _check(model, arrays)
    return model


def _check(model: ScRCL, arrays: Arrays) -> None:
    """ValueError if a part is out of range or of another size than it must be."""
    reference, labels, genes = model._reference, model._reference_labels, model._inputs.genes
    n, g = len(reference.cell_x), len(genes)
    shapes = {
        "labels": (labels.shape, (n,)),
        "expression": (reference.expression.shape, (n, g)),
        "similar": (reference.similar.shape, (n, n)),
        "coexpressed": (reference.coexpressed.shape, (g, g)),
        "gene_x": (reference.gene_x.shape[:1], (g,)),
        "decoder": (reference.decoder.shape[:1], (g,)),
    }
    for name, (found, wanted) in shapes.items():
        if found != wanted:
            raise ValueError(f"{name} is {found}, not {wanted}")
    if labels.min() < 0 or labels.max() >= model.n_clusters_:
        raise ValueError("labels are out of range")
    if not model._networks or len(set(genes)) != g:
        raise ValueError("there is no network" if not model._networks else "a gene is there twice")
    check_state(model._inputs.unit.state)
    check_seed(model.random_state)
    for name, values in arrays.items():
        if values.dtype.kind == "f" and not np.isfinite(values).all():
            raise ValueError(f"{name} holds NaN or infinite values")


def _coordinates(meta: dict[str, Any], arrays: Arrays) -> Joined | Given:
    if "spread" in meta:
        return Given(**_unpack(arrays, "coordinates.0"), spread=meta["spread"])
    parts = [
        Coordinates(**_unpack(arrays, f"coordinates.{i}"), profiles=profiles)
        for i, profiles in enumerate(meta["profiles"])
    ]
    return Joined(tuple(parts), tuple(meta["spreads"]))


def _pack(record: Alignment | Coordinates | Given | Reference, prefix: str) -> Arrays:
    """The array fields of a dataclass, sparse ones as their parts; None and flags are left out."""
    out: Arrays = {}
    for field in dataclasses.fields(record):
        value = getattr(record, field.name)
        if sp.issparse(value):
            for piece in _CSR:
                out[f"{prefix}.{field.name}.{piece}"] = np.asarray(getattr(value, piece))
        elif isinstance(value, np.ndarray):
            out[f"{prefix}.{field.name}"] = value
    return out


def _unpack(arrays: Arrays, prefix: str) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for name, array in arrays.items():
        if not name.startswith(prefix + "."):
            continue
        field, _, piece = name.removeprefix(prefix + ".").partition(".")
        if piece:
            fields.setdefault(field, {})[piece] = array
        else:
            fields[field] = array
    return {name: _sparse(value) if isinstance(value, dict) else value for name, value in fields.items()}


def _sparse(parts: Arrays) -> sp.csr_matrix:
    matrix = sp.csr_matrix((parts["data"], parts["indices"], parts["indptr"]), shape=tuple(parts["shape"]))
    matrix.check_format(full_check=True)  # an index out of range is a crash in compiled code
    return matrix
