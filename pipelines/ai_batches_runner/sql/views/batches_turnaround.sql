-- One row per ended batch: how long it took, and whether that was within its window
--
-- status: How the batch ended: completed, failed, expired or cancelled
-- created_on: Day of creation (UTC)
-- queue_seconds: Seconds from creation to the start of processing; null if not reported
-- processing_seconds: Seconds from the start of processing to the end; null if not reported
-- turnaround_seconds: Seconds from creation to the end
-- window_seconds: Seconds within which the batch was to end; null if not reported
-- is_within_window: Whether the batch ended within its window; false if it expired, null if no
--   window is reported

SELECT
    provider, account, id, status, model, endpoint, created_on, created_at, ended_at,
    SECONDS_BETWEEN(created_at, in_progress_at) AS queue_seconds,
    SECONDS_BETWEEN(in_progress_at, ended_at) AS processing_seconds,
    SECONDS_BETWEEN(created_at, ended_at) AS turnaround_seconds,
    window_seconds,
    CASE
        WHEN status = 'expired' THEN FALSE
        ELSE SECONDS_BETWEEN(created_at, ended_at) <= window_seconds
    END AS is_within_window,
    requests_total, requests_completed, requests_failed, total_tokens
FROM batches_unique
WHERE NOT is_open AND ended_at IS NOT NULL;
