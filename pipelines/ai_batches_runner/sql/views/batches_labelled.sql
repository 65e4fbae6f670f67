-- One row per batch, as in `batches_unique`, with a column for each of the user's labels
--
-- created_on: Day of creation (UTC)
-- window_seconds: Seconds from creation to expiry or, if that is not reported, the length of
--   `completion_window`; null if neither is known

SELECT
    provider, account, id, status, is_open, description, model, endpoint,
    completion_window, input_file_id, output_file_id, error_file_id,
    requests_total, requests_completed, requests_failed,
    input_tokens, cached_input_tokens, output_tokens, reasoning_tokens, total_tokens,
    created_at, in_progress_at, ended_at, expires_at,
    errors, metadata, _dlt_load_id, created_on, window_seconds
    /* labels, defined */
FROM batches_unique;
