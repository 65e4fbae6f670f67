"""The version of the package: the only place that has it."""

__version__ = "0.1.0"
"""dlt stores it with each table, as a hint, in the schema that it keeps of it."""
