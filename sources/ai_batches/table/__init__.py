"""The table `batches`: its columns, and a vendor's row as one of its rows."""
