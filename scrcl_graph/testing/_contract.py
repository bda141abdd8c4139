"""A contract: a name, and what raises if it is broken."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor


class ContractError(AssertionError):
    """A part breaks a contract; the message says which part, which contract, and how."""


def keep(part: str, contracts: Mapping[str, Callable[[], object]]) -> list[str]:
    """Try every contract, and give the names of those kept.

    Raises
    ------
    ContractError
        At the first that is broken.
    """
    for name, contract in contracts.items():
        try:
            contract()
        except Exception as err:
            reason = " ".join(str(err).split()) or type(err).__name__
            raise ContractError(f"{part} breaks the contract '{name}': {reason}") from err
    return list(contracts)


def demand(condition: object, message: str) -> None:
    """Raise with the message unless the condition holds."""
    if not condition:
        raise AssertionError(message)


def same(got: Tensor, want: Tensor, message: str, *, tolerance: float = 1e-8) -> None:
    """Raise with the message unless two tensors are equal up to the tolerance, relative where they are above 1."""
    demand(got.shape == want.shape, f"{message}: shapes {tuple(got.shape)} and {tuple(want.shape)}")
    if got.numel():
        gap = float((got - want).detach().abs().max()) / max(1.0, float(want.detach().abs().max()))
        demand(gap <= tolerance, f"{message}: they differ by {gap:.1e}")


def draws(seed: int = 0) -> Callable[..., Tensor]:
    """Normal values in double precision, the same each time."""
    generator = torch.Generator().manual_seed(seed)
    return lambda *size: torch.randn(*size, generator=generator, dtype=torch.float64)
