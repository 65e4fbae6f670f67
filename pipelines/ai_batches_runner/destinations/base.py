"""What differs between destinations: one class per family, derived from `DestinationAdapter`."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, ClassVar, Literal, Protocol
from urllib.parse import quote_plus
from weakref import proxy

import pyarrow as pa
from dlt import Pipeline
from dlt.common.configuration.specs.base_configuration import BaseConfiguration, is_secret_hint
from dlt.common.destination import DestinationCapabilitiesContext
from dlt.common.exceptions import TerminalValueError
from dlt.common.schema import Schema
from dlt.common.schema.typing import TTableSchemaColumns

from ai_batches import JSON_COLUMNS, TABLE_NAME

from ..errors import UnusableDestinationError
from .paths import is_there, refuse_unwritable_folder

SCHEMA_NAME = "ai_batches"
"""Of the source; dlt stores it with the data, whichever pipeline loads it."""

TableFormat = Literal["delta", "iceberg"]

TColumns = Mapping[str, Sequence[str]]
"""Names of columns by table."""

TChosen = Mapping[str, Sequence[str]]
"""Values by column, which is of text."""

TFound = dict[str, dict[str, str | None]]
"""Columns of each table found, in lower case, with dlt's type if it is known."""

Comment = Literal["table", "column", "view", "view column"]
"""What a description is written on."""


class Session(Protocol):
    """Answers queries while it is open."""

    @property
    def dialect(self) -> str:
        """Of the queries, by sqlglot's name."""

    def qualify(self, name: str) -> str:
        """The full name of a table, quoted."""

    def execute(
        self, query: str, reads: TColumns, keeps: bool
    ) -> AbstractContextManager[tuple[list[str], Any]]:
        """Runs a query; gives the names of the result's columns, and its cursor.

        Args:
            query (str): In the session's dialect.
            reads (TColumns): The columns that it reads.
            keeps (bool): Whether to copy tables that would be read from files again and again.
        """


class DestinationAdapter:
    """A destination as the runner uses it; this class is for those that cannot be read back.

    Constants are traits and methods are steps; classes derived from it override those in which
    they differ. A step that refuses raises `UnusableDestinationError`.

    Args:
        pipeline (Pipeline): Whose destination. It has to outlive the adapter.
        client (Any): dlt's client of it. All users of the adapter share this one.
    """

    TYPE: ClassVar[str] = ""
    """dlt's type of the destination; empty for a family of several."""
    DIALECT: ClassVar[str] = ""
    """Its SQL, by sqlglot's name; empty for any."""
    READABLE: ClassVar[bool] = False
    """Whether tables can be read back."""
    TYPES_ARE_KNOWN: ClassVar[bool] = False
    """Whether dlt reads the types of columns back as they were made."""
    TABLE_HINTS: ClassVar[Mapping[str, str]] = {}
    """What dlt's mapping of types expects in the hints of a table."""
    FAULT: ClassVar[tuple[str, str]] = (
        "cannot be used",
        "Check its address and credentials, and that they allow writing there.",
    )
    """What is said if an error has no explanation of its own: its effect and a remedy."""

    def __init__(self, pipeline: Pipeline, client: Any) -> None:
        # the registry keeps adapters by pipeline: a reference would keep both for ever
        self.pipeline: Pipeline = proxy(pipeline)
        self._client: Any = client

    @property
    def client(self) -> Any:
        """Dlt's client; its schema is that of the moment when it was made."""
        if self._client is None:
            self._client = self.pipeline.destination_client()
        return self._client

    def client_with_schema(self) -> Any:
        """Dlt's client, with the schema that the pipeline has now; reading it takes a while."""
        self.client.schema = self.pipeline._get_schema_or_create()
        return self.client

    @property
    def name(self) -> str:
        """Dlt's name of the destination."""
        return str(self.pipeline.destination.destination_name)

    @property
    def place(self) -> str:
        """The address, without secrets."""
        return str(self.client.config)

    @property
    def identity(self) -> str:
        """The destination, its address and the dataset; remembered from run to run."""
        kind = self.pipeline.destination.destination_type
        return f"{kind} {self.place} {self.pipeline.dataset_name}"

    @property
    def dataset_name(self) -> str:
        """The dataset, as the destination calls it."""
        return str(self.client.dataset_name)

    @property
    def table_name(self) -> str:
        """The table `batches` with its dataset, for messages."""
        return f"{self.dataset_name}.{TABLE_NAME}"

    def without_secrets(self, text: str) -> str:
        """Removes from a text what the configuration keeps secret."""
        for secret in _secrets(self.client.config):
            for form in (secret, quote_plus(secret)):
                text = text.replace(form, "***")
        return text

    # opening

    def configure(self, reference: Any, name: str, read_only: bool) -> None:
        """Sets what this package decides for the pipeline's own copy of the destination.

        Args:
            reference (Any): The copy.
            name (str): Of the pipeline, if it is not the usual one: pipelines that load into one
                dataset side by side would empty each other's staging tables.
            read_only (bool): Whether to open a file read-only.
        """
        config = self.client.config
        if name and hasattr(config, "staging_dataset_name_layout"):
            layout = f"{config.staging_dataset_name_layout}_{name}"
            reference.config_params["staging_dataset_name_layout"] = layout
            self._client = None

    def refuse_misread_paths(self) -> None:
        """Refuses paths that dlt or an engine takes for others."""

    def choose_dataset(
        self, named: str | None, usual: str, other: str, wait: float, tolerates_lock: bool
    ) -> str:
        """Chooses the dataset; refuses one that is impossible, and a damaged file.

        Args:
            named (str | None): The one that was asked for.
            usual (str): The one to use otherwise.
            other (str): One to use if the usual one is impossible.
            wait (float): Seconds to wait for a file that another program has open.
            tolerates_lock (bool): Whether to choose without looking if it still is; otherwise, the
                error of its driver is raised.
        """
        return named or usual

    @property
    def file(self) -> Path | None:
        """The file on this machine that a connection would make."""
        return None

    def exists(self) -> bool:
        """Whether there is something to connect to that a connection would not have to make."""
        return not self.file or is_there(self.file)

    def make_storage(self, working_folder: Path) -> None:
        """Makes what dlt would make otherwise than it should be; refuses dlt's working folder."""

    def refuse_storage(self, *working_folders: Path) -> None:
        """Refuses what `make_storage` would, and changes nothing."""

    def refuse_absence(self) -> None:
        """Refuses to read a file that was never written."""

    @contextmanager
    def connected(self, wait: float = 0) -> Iterator[Any]:
        """Keeps a connection open; blocks within one another share it.

        Args:
            wait (float): Seconds to wait for a file that another program has open.

        Yields:
            Any: dlt's client.

        Raises:
            DestinationConnectionError: If no server answers, or it refuses.
        """
        yield self.client

    # merging

    def merges_unchanged(self, table_format: str | None) -> bool:
        """Whether an upsert can leave unchanged rows alone, so that changed ones are counted."""
        return False

    def require_libraries(self, table_format: str) -> None:
        """Raises `MissingDependencyException` if a package for a table format is missing."""

    @classmethod
    def column_hints(cls, capabilities: DestinationCapabilitiesContext) -> TTableSchemaColumns:
        """Columns that need another type: JSON that cannot be loaded from Parquet becomes text."""
        if capabilities.type_mapper is None:
            return {}
        table: Any = {"name": TABLE_NAME, **cls.TABLE_HINTS}
        try:
            capabilities.get_type_mapper().ensure_supported_type(
                {"name": "extra", "data_type": "json"}, table, "parquet"
            )
        except TerminalValueError:
            return {name: {"data_type": "text"} for name in JSON_COLUMNS}
        return {}

    # tables; keys are the columns that our tables had in every version

    def kept_format(self) -> str | None:
        """The format in which files hold the table; None without a table or without files."""
        return None

    def find_columns(self, names: Sequence[str], are_views: bool = False) -> TFound:
        """Looks for tables in SQL; a view that cannot be read counts as absent."""
        return {}

    def find_views(self, names: Sequence[str]) -> set[str]:
        """Which of these names are views; none if the destination cannot be asked."""
        return set()

    def refuse_foreign_files(self, keys: TColumns, table_format: str | None) -> None:
        """Refuses files of somebody else in the place of a table that is kept in files."""

    def missing_parts(self, schema: Schema, keys: TColumns) -> list[str]:
        """Tables, and columns (`table.column`), that a schema of dlt has and that are missing."""
        return []

    def restore_tables(self, missing: Collection[str]) -> None:
        """Makes again what `missing_parts` found."""

    def forget_rows(self, table: str) -> None:
        """Empties a table that dlt knows."""

    def delete_rows(self, table: str, chosen: TChosen) -> None:
        """Deletes the rows of a table in which each of some columns has one of some values."""

    def add_columns(self, table: str, schema: pa.Schema) -> None:
        """Adds columns to a table that is merged if dlt's own migration is not enough."""

    def in_the_way(self, name: str, reason: str, kind: str = "table") -> UnusableDestinationError:
        """The error for somebody else's table in the place of one of this package."""
        return UnusableDestinationError(
            f"The {kind} {self.dataset_name}.{name} is not of this package: {reason}. Choose"
            f" another dataset (--dataset), or rename that {kind}."
        )

    @contextmanager
    def session(self, wait: float = 0, only: str | None = None) -> Iterator[Session]:
        """Opens the destination for queries.

        Args:
            wait (float): Seconds to wait for a file that another program has open.
            only (str | None): A condition on the batches of interest; a copy has no others.

        Raises:
            DestinationConnectionError: If no server answers, or it refuses.
            UnusableDestinationError: If it cannot be read.
        """
        raise UnusableDestinationError(f"The destination `{self.name}` cannot be read back.")
        yield

    def is_conflict(self, error: BaseException) -> bool:
        """Whether a load failed because another process wrote to the same table meanwhile."""
        return False

    # check; what could not be tried is returned as a clause, mostly empty

    def try_folders(self) -> str:
        """Refuses folders of this machine that a run could not write into; does not connect."""
        if self.file:
            refuse_unwritable_folder(self.file.absolute().parent)
        return ""

    def try_to_write(self) -> str:
        """Writes something small where a run would, and takes it back; raises what its driver does.

        It refuses a bucket that does not exist.
        """
        return ""

    def explain(self, error: BaseException) -> str | None:
        """A sentence on a damaged or locked file, if the error is about one."""
        return None


def _secrets(config: BaseConfiguration) -> Iterator[str]:
    for name, hint in config.get_resolvable_fields().items():
        value = getattr(config, name, None)
        if isinstance(value, BaseConfiguration):
            yield from _secrets(value)
        elif value and isinstance(value, str) and is_secret_hint(hint):
            yield value
