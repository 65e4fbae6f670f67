"""One SQL for all destinations: the dialects and the views."""
