"""Every key written to an AnnData, once. ``key`` is the user's ``key_added``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Keys:
    """Names under which results of one run are stored.

    Attributes
    ----------
    key
        ``obs``: labels; also ``uns``: parameters and everything else.
    """

    key: str = "scrcl"

    def earlier(self, names: Iterable[str]) -> list[str]:
        """Which of the names are of results of a run under this key, or were made from them."""
        own = {getattr(self, name) for name in _NAMES}
        return [name for name in names if name in own or name.startswith(f"{self.associations}_")]

    @property
    def embedding(self) -> str:
        """``obsm``: the embedding."""
        return f"X_{self.key}"

    @property
    def colors(self) -> str:
        """``uns``: colour of each cluster."""
        return f"{self.key}_colors"

    @property
    def factors(self) -> str:
        """``obsm``: cell factors of the association scores."""
        return f"{self.key}_factors"

    @property
    def genes(self) -> str:
        """``varm``: gene factors of the association scores."""
        return f"{self.key}_genes"

    @property
    def connectivities(self) -> str:
        """``obsp``: cell graph."""
        return f"{self.key}_connectivities"

    @property
    def gene_connectivities(self) -> str:
        """``varp``: gene graph."""
        return f"{self.key}_gene_connectivities"

    @property
    def domain_statistics(self) -> str:
        """``uns``: where the clusters lie to each other."""
        return f"{self.key}_domain_statistics"

    @property
    def paga(self) -> str:
        """``uns``: connectivities of the clusters in the cell graph."""
        return f"{self.key}_paga"

    @property
    def associations(self) -> str:
        """``uns``: how the associations were tested."""
        return f"{self.key}_associations"

    def association(self, statistic: str) -> str:
        """``varm``: a statistic of the associations, genes x groups."""
        return f"{self.associations}_{statistic}"

    @property
    def ligand_receptor(self) -> str:
        """``uns``: ligand-receptor scores of pairs of groups; ``obsp``: of pairs of cells that touch."""
        return f"{self.key}_ligand_receptor"

    @property
    def annotation(self) -> str:
        """``obs``: types named by prior knowledge; ``uns``: which."""
        return f"{self.key}_annotation"

    @property
    def annotation_share(self) -> str:
        """``obs``: how clear the type of a cell is."""
        return f"{self.annotation}_share"

    @property
    def modules(self) -> str:
        """``var``: module of each gene; ``obsm``: module scores of cells; ``uns``: how they were found."""
        return f"{self.key}_modules"

    @property
    def membership(self) -> str:
        """``var``: how well a gene fits its module."""
        return f"{self.modules}_membership"


_NAMES = ("key", *(name for name, value in vars(Keys).items() if isinstance(value, property)))


def is_run(summary: object) -> bool:
    """Whether ``uns[key]`` is what a run writes there."""
    return isinstance(summary, Mapping) and "versions" in summary
