"""Which part of a list a run reads, and what it stores for the next one."""
