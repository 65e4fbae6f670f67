"""The command `ai-batches`."""

from .main import main

__all__ = ["main"]
