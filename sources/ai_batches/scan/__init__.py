"""Which part of a list a run reads, and the state that it stores for the next run.

A batch changes after it was first seen, and no provider lists by time of change. So a run scans the
list from its newest batch down to a low watermark, below which no change is expected. There are two
kinds of scan:

- An incremental scan reads new, open and just ended batches. It is short and stores no position: if
  it is interrupted, the next run starts it again.
- A full scan reads the list to its end: on the first run, once per `full_scan_interval`, on
  request, and whenever an incremental scan lacks the evidence to stop early. It is long, and an
  interrupted one resumes from its last checkpoint.

An incremental scan may stop below its low watermark only if a full scan found the list newest
first, the pages of this scan agree, and it met the anchor: the first batch of the last complete
scan. Otherwise it reads on and becomes a full scan.

Nothing here knows a vendor, a destination or Arrow: pages come in, rows and states go out. Times
are microseconds since 1970, UTC.
"""
