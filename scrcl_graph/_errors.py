"""The error a user sees when the input cannot be used."""

from __future__ import annotations


class InputError(ValueError):
    """The input cannot be used; the message says what is wrong and what to do."""


class LostProcessError(RuntimeError):
    """Another process of the job has ended or does not answer."""


def missing_extra(package: str, extra: str, purpose: str) -> ImportError:
    """An ImportError naming the extra that brings ``package``."""
    return ImportError(f"{purpose} needs the package '{package}': install it with  pip install 'scrcl-graph[{extra}]'")
