-- One row per batch whose results were to be read: what was read of them, and sums over its
--   requests. A batch that several accounts or a gateway list appears once: the copy of which most
--   was read
--
-- batch_id: The provider's identifier of the batch
-- vendor: The provider whose batches they are: another one if `provider` is a gateway
-- files: Files that were to be read
-- files_loaded: Files of which all was read
-- lines: Lines of the loaded files that are not blank
-- bad_lines: Those that could not be read
-- available_until: When the vendor deletes the results, as documented (UTC)
-- is_whole: Whether the requests that succeeded were read, and not only the failed ones
-- is_metered: Whether each request that ran reports its tokens, so that the sums are all of them
-- is_by_request: Whether `batch_requests` has the failed requests; otherwise, only `batch_usage`
--   has sums of them
-- requests_completed: Requests that succeeded; null if they were not read, or are not summed up
-- requests_failed: Requests that ran and ended in an error; null if a file is missing, or they are
--   not summed up
-- input_tokens: Input tokens, cached ones included
-- cached_input_tokens: Input tokens read from a cache
-- output_tokens: Output tokens, reasoning included
-- reasoning_tokens: Output tokens spent on reasoning
-- total_tokens: Input and output tokens

SELECT
    provider, account, batch_id, vendor,
    files, files_loaded, lines, bad_lines, available_until, is_whole, is_metered, is_by_request,
    CASE WHEN is_whole THEN succeeded END AS requests_completed,
    CASE WHEN files_loaded = files THEN failed END AS requests_failed,
    CASE WHEN is_metered THEN input_tokens END AS input_tokens,
    CASE WHEN is_metered THEN cached_input_tokens END AS cached_input_tokens,
    CASE WHEN is_metered THEN output_tokens END AS output_tokens,
    CASE WHEN is_metered THEN reasoning_tokens END AS reasoning_tokens,
    CASE WHEN is_metered THEN input_tokens + COALESCE(output_tokens, 0) END AS total_tokens
FROM (
    SELECT
        provider, account, batch_id, vendor, files, files_loaded, lines, bad_lines,
        available_until, is_whole, is_by_request, succeeded, failed,
        input_tokens, cached_input_tokens, output_tokens, reasoning_tokens,
        CASE
            WHEN is_whole THEN COALESCE(unmetered, 0) = 0 AND COALESCE(unknown, 0) <= bad_errors
            ELSE FALSE
        END AS is_metered,
        ROW_NUMBER() OVER (
            PARTITION BY batch_id, vendor
            ORDER BY
                CASE WHEN is_whole THEN 0 ELSE 1 END,
                files_loaded DESC, lines DESC,
                -- the vendor itself before a gateway
                CASE WHEN vendor = provider THEN 0 ELSE 1 END,
                provider, account
        ) AS place
    FROM (
        SELECT
            provider, account, batch_id, VENDOR_OF(provider) AS vendor,
            COUNT(*) AS files,
            CAST(SUM(CASE WHEN outcome = 'loaded' THEN 1 ELSE 0 END) AS BIGINT) AS files_loaded,
            CAST(SUM(CASE WHEN outcome = 'loaded' THEN lines ELSE 0 END) AS BIGINT) AS lines,
            CAST(
                SUM(CASE WHEN outcome = 'loaded' THEN bad_lines ELSE 0 END) AS BIGINT
            ) AS bad_lines,
            CAST(
                SUM(CASE WHEN outcome = 'loaded' AND kind = 'error' THEN bad_lines ELSE 0 END)
                AS BIGINT
            ) AS bad_errors,
            MIN(available_until) AS available_until,
            SUM(
                CASE
                    WHEN outcome = 'loaded' AND kind <> 'error' AND results <> 'errors' THEN 1
                    ELSE 0
                END
            ) > 0 AS is_whole,
            SUM(
                CASE
                    WHEN outcome = 'loaded' AND results <> 'totals' AND kind <> 'manifest' THEN 1
                    ELSE 0
                END
            ) > 0 AS is_by_request
        FROM batch_files
        WHERE kind <> 'batch'
        GROUP BY provider, account, batch_id
    ) AS counted
    LEFT JOIN (
        SELECT
            provider AS sum_provider, account AS sum_account, batch_id AS sum_batch,
            CAST(SUM(CASE WHEN outcome = 'succeeded' THEN requests ELSE 0 END) AS BIGINT)
                AS succeeded,
            CAST(SUM(CASE WHEN outcome = 'failed' THEN requests ELSE 0 END) AS BIGINT) AS failed,
            CAST(
                SUM(
                    CASE WHEN outcome = 'succeeded' AND input_tokens IS NULL THEN requests ELSE 0 END
                ) AS BIGINT
            ) AS unmetered,
            CAST(
                SUM(
                    CASE WHEN outcome = 'unknown' AND input_tokens IS NULL THEN requests ELSE 0 END
                ) AS BIGINT
            ) AS unknown,
            CAST(SUM(input_tokens) AS BIGINT) AS input_tokens,
            CAST(SUM(cached_input_tokens) AS BIGINT) AS cached_input_tokens,
            CAST(SUM(output_tokens) AS BIGINT) AS output_tokens,
            CAST(SUM(reasoning_tokens) AS BIGINT) AS reasoning_tokens
        FROM batch_usage
        GROUP BY provider, account, batch_id
    ) AS sums
        ON sum_provider = provider AND sum_account = account AND sum_batch = batch_id
) AS placed
WHERE place = 1;
