-- One row per batch that did not complete, or completed with failed requests, and the reason
--
-- status: failed, expired or cancelled; with any other status, only some requests failed
-- created_on: Day of creation (UTC)
-- reason_code: Code of the first error; null if not reported
-- reason: Message of the first error, or everything the provider reports; null if nothing
-- output_file_id: File that holds the results, which are paid for: expired and cancelled batches
--   may have one, too
-- total_tokens: Tokens used; null while not metered

SELECT
    provider, account, id, status, model, endpoint, description, created_on, created_at, ended_at,
    COALESCE(
        JSON_TEXT(errors, '$.data[0].code'),
        JSON_TEXT(errors, '$.code'),
        JSON_TEXT(errors, '$[0].code')
    ) AS reason_code,
    COALESCE(
        JSON_TEXT(errors, '$.data[0].message'),
        JSON_TEXT(errors, '$.message'),
        JSON_TEXT(errors, '$[0].message'),
        CASE
            WHEN JSON_TEXT(errors, '$') NOT IN ('{}', '[]')
                AND COALESCE(JSON_TEXT(errors, '$.data'), '') <> '[]'
                THEN JSON_TEXT(errors, '$')
        END
    ) AS reason,
    requests_total, requests_completed, requests_failed,
    output_file_id, error_file_id, total_tokens
FROM batches_unique
WHERE status IN ('failed', 'expired', 'cancelled') OR requests_failed > 0;
