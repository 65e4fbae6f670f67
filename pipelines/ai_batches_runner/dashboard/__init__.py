"""The dashboard: a page in the browser on what was loaded; `ai-batches dashboard`.

It needs the extra `dashboard` (marimo, Altair).
"""

from .server import serve

__all__ = ["serve"]
