-- One row per batch: a batch that several accounts or a gateway list appears once, as its own
--   vendor reports it
--
-- requests_completed: Requests that succeeded; if the provider does not list them, as in the
--   results
-- requests_failed: Requests that ran and ended in an error; likewise
-- input_tokens: Input tokens, cached ones included; if the provider does not list them, the sum of
--   the results; null while not metered
-- cached_input_tokens: Input tokens read from a cache; likewise
-- output_tokens: Output tokens, reasoning included; likewise
-- reasoning_tokens: Output tokens spent on reasoning; likewise
-- total_tokens: Input and output tokens; likewise
-- created_on: Day of creation (UTC)
-- window_seconds: Seconds from creation to expiry or, if that is not reported, the length of
--   `completion_window`; null if neither is known

SELECT
    listed.provider, listed.account, id, status, is_open, description, model, endpoint,
    completion_window, input_file_id, output_file_id, error_file_id, requests_total,
    COALESCE(listed.requests_completed, totals.requests_completed) AS requests_completed,
    COALESCE(listed.requests_failed, totals.requests_failed) AS requests_failed,
    COALESCE(listed.input_tokens, totals.input_tokens) AS input_tokens,
    COALESCE(listed.cached_input_tokens, totals.cached_input_tokens) AS cached_input_tokens,
    COALESCE(listed.output_tokens, totals.output_tokens) AS output_tokens,
    COALESCE(listed.reasoning_tokens, totals.reasoning_tokens) AS reasoning_tokens,
    COALESCE(listed.total_tokens, totals.total_tokens) AS total_tokens,
    created_at, in_progress_at, ended_at, expires_at,
    errors, metadata, _dlt_load_id,
    DAY_IN_UTC(created_at) AS created_on,
    COALESCE(
        SECONDS_BETWEEN(created_at, expires_at),
        -- in hours; databases differ in how they read a number from a text
        3600 * CASE completion_window
            WHEN '1h' THEN 1 WHEN '2h' THEN 2 WHEN '3h' THEN 3 WHEN '4h' THEN 4
            WHEN '6h' THEN 6 WHEN '8h' THEN 8 WHEN '12h' THEN 12
            WHEN '24h' THEN 24 WHEN '36h' THEN 36 WHEN '48h' THEN 48 WHEN '72h' THEN 72
            WHEN '1d' THEN 24 WHEN '2d' THEN 48 WHEN '3d' THEN 72 WHEN '4d' THEN 96
            WHEN '5d' THEN 120 WHEN '6d' THEN 144 WHEN '7d' THEN 168
            WHEN '10d' THEN 240 WHEN '14d' THEN 336 WHEN '30d' THEN 720
        END
    ) AS window_seconds
FROM batches AS listed
LEFT JOIN (
    SELECT
        provider AS copy_provider, account AS copy_account, id AS copy_id,
        ROW_NUMBER() OVER (
            PARTITION BY id, VENDOR_OF(provider)
            ORDER BY
                -- the vendor itself first: a gateway reports fewer fields
                CASE WHEN VENDOR_OF(provider) = provider THEN 0 ELSE 1 END,
                -- then what has ended: a key that was revoked leaves its batches open
                CASE WHEN is_open THEN 1 ELSE 0 END,
                provider, account
        ) AS place
    FROM batches AS repeated
    -- only ids that occur more than once are sorted: there may be a million others
    WHERE id IN (SELECT id FROM batches AS counted GROUP BY id HAVING COUNT(*) > 1)
) AS copies
    ON place > 1 AND copy_id = id
    AND copy_provider = listed.provider AND copy_account = listed.account
LEFT JOIN batch_totals AS totals
    ON batch_id = id AND vendor = VENDOR_OF(listed.provider)
WHERE copy_id IS NULL;
