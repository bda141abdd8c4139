"""Whether results can be written to an AnnData, asked before anything is computed."""

from __future__ import annotations

from anndata import AnnData

from scrcl_graph._errors import InputError
from scrcl_graph._keys import Keys, is_run


def check_copy(adata: AnnData, copy: bool) -> None:
    """InputError where a copy is wanted of an AnnData whose X lies in a file."""
    if copy and adata.isbacked:
        raise InputError("an AnnData opened with backed= cannot be copied: leave copy out, and it gets the results")
    if adata.isbacked and adata.is_view:
        raise InputError("a part of an AnnData opened with backed= cannot get results: load it with adata.to_memory()")


def check_key(adata: AnnData, key: str) -> Keys:
    """The names of results under ``key``; InputError if they could not be written, or are taken by something else.

    Results of an earlier run are replaced: it left both labels and embedding (``uns`` does not outlive a concat).
    """
    if not isinstance(key, str) or not key or "/" in key or key in ("_index", adata.obs.index.name):
        raise InputError(f"key_added is {key!r}: give a text without '/' that is not the name of the index of obs")
    keys = Keys(key)
    there = adata.uns.get(key)
    if is_run(there):
        return keys
    taken = None
    if there is not None:
        taken = f"uns['{key}']"
    elif (key in adata.obs) != (keys.embedding in adata.obsm):
        taken = f"obs['{key}']" if key in adata.obs else f"obsm['{keys.embedding}']"
    if taken:
        raise InputError(f"there is {taken} already, which is not of an earlier run: choose another key_added")
    return keys
