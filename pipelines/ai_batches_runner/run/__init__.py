"""One run: open, load, report."""
