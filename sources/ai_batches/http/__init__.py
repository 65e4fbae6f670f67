"""One account's list over HTTP."""
