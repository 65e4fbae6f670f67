-- One row per open batch: how long it has been open, and whether it is stuck
--
-- open_seconds: Seconds from creation until now; null if the creation time is not reported
-- window_seconds: Seconds within which the batch is to end; null if not reported
-- is_stuck: Whether the batch has been open for longer than its window, or for more than a day if
--   no window is reported

SELECT
    provider, account, id, status, model, endpoint, description,
    created_at, in_progress_at, expires_at,
    requests_total, requests_completed, requests_failed,
    SECONDS_BETWEEN(created_at, NOW_IN_UTC()) AS open_seconds,
    window_seconds,
    SECONDS_BETWEEN(created_at, NOW_IN_UTC()) > COALESCE(window_seconds, 86400) AS is_stuck
FROM batches_unique
WHERE is_open;
