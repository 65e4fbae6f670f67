"""The dashboard: a web page on the loaded batches; `ai-batches dashboard`.

Requires the extra `dashboard` (marimo, Altair).
"""

from .server import serve

__all__ = ["serve"]
