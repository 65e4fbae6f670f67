-- One row per batch that did not complete, or completed with failed requests, and the reason
--
-- status: failed, expired or cancelled; with any other status, only some requests failed
-- created_on: Day of creation (UTC)
-- reason_code: Code of the first error; if not reported, the most frequent one of its requests, as
--   far as their results were read
-- reason: Message of the first error, or everything the provider reports; if nothing, that of the
--   most frequent error of its requests
-- output_file_id: File that holds the results, which are paid for: expired and cancelled batches
--   may have one, too
-- total_tokens: Tokens used; null while not metered

SELECT
    listed.provider, account, id, status, model, endpoint, description, created_on, created_at,
    ended_at,
    COALESCE(
        JSON_TEXT(errors, '$.data[0].code'),
        JSON_TEXT(errors, '$.code'),
        JSON_TEXT(errors, '$[0].code'),
        error_code
    ) AS reason_code,
    COALESCE(
        JSON_TEXT(errors, '$.data[0].message'),
        JSON_TEXT(errors, '$.message'),
        JSON_TEXT(errors, '$[0].message'),
        CASE
            WHEN JSON_TEXT(errors, '$') NOT IN ('{}', '[]')
                AND COALESCE(JSON_TEXT(errors, '$.data'), '') <> '[]'
                THEN JSON_TEXT(errors, '$')
        END,
        error_message
    ) AS reason,
    requests_total, requests_completed, requests_failed,
    output_file_id, error_file_id, total_tokens
FROM batches_unique AS listed
LEFT JOIN (
    SELECT
        batch_id, VENDOR_OF(provider) AS vendor, error_code, error_message,
        ROW_NUMBER() OVER (
            PARTITION BY batch_id, VENDOR_OF(provider)
            ORDER BY
                -- what ran and failed says more than what was never run
                CASE WHEN outcome = 'failed' THEN 0 ELSE 1 END,
                requests DESC, error_code, error_message
        ) AS place
    FROM batch_errors
) AS top_errors
    ON place = 1 AND batch_id = id AND vendor = VENDOR_OF(listed.provider)
WHERE status IN ('failed', 'expired', 'cancelled') OR requests_failed > 0;
