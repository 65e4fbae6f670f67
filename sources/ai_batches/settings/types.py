"""The settings of a provider, as the rest of the source sees them."""

from collections.abc import Mapping
from typing import NamedTuple

from ..providers.shape import Shape
from ..results.settings import ResultSettings
from ..scan.settings import ScanSettings


class Account(NamedTuple):
    """One API key of a provider."""

    name: str
    """Value of the column `account`."""
    api_key: str
    origin: str
    """The setting or variable that the key came from, for messages."""
    scan: ScanSettings = ScanSettings()
    """How far down a run reads."""
    base_url: str = ""
    """API root of its own; empty: that of the provider's settings."""
    headers: Mapping[str, str] = {}
    """Further headers of its own. Those of the provider's settings go to the provider's API root
    only."""
    results: ResultSettings = ResultSettings()
    """What is kept of its batches' results."""
    shape: Shape = Shape()
    """How its server's list differs from what the provider declares."""

    def __repr__(self) -> str:
        return f"Account(name={self.name!r}, origin={self.origin!r})"


class ProviderSettings(NamedTuple):
    """The settings of one provider."""

    accounts: tuple[Account, ...] = ()
    """Empty if no key is set."""
    base_url: str = ""
    """API root, without a slash at the end of its path; a query in it goes with each request."""
    page_size: int | None = None
    """Rows to request per page; None sends no limit."""
    exclude: tuple[str, ...] = ()
    """Fields of the provider's rows that are not loaded at all, nested ones with dots."""
    headers: Mapping[str, str] = {}
    """Further headers of each request; their values are treated as secrets."""
    page_timeout: float = 300.0
    """Seconds for one page, retries and waits included."""
    page_max_mb: int = 16
    """Size of a page beyond which it is refused, decompressed, in megabytes."""
    concurrency: int = 8
    """Accounts that are read at a time."""

    def __repr__(self) -> str:
        base_url = self.base_url.partition("?")[0]
        return f"ProviderSettings(accounts={self.accounts}, base_url={base_url!r}, ...)"
