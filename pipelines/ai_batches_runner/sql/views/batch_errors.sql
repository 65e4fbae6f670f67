-- One row per batch, outcome and error of the requests that have no result
--
-- batch_id: The provider's identifier of the batch
-- outcome: failed, expired, cancelled or unknown
-- error_code: Code, or else type, of the error; null if none is known
-- error_message: What the vendor says of it; null if it does not, or is not kept
-- requests: Requests with this outcome and error
-- first_custom_id: The first one of their `custom_id`, in alphabetical order

SELECT
    totals.provider, totals.account, totals.batch_id,
    outcome, error_code, error_message,
    CAST(SUM(requests) AS BIGINT) AS requests,
    MIN(custom_id) AS first_custom_id
FROM (
    SELECT
        provider, account, batch_id, outcome, COALESCE(error_code, error_type) AS error_code,
        error_message, custom_id, 1 AS requests, 1 AS is_single
    FROM batch_requests
    WHERE outcome <> 'succeeded'
    UNION ALL
    -- of sums, only the most frequent error is known
    SELECT
        provider, account, batch_id, outcome, top_error_code, NULL, NULL, top_error_count, 0
    FROM batch_usage
    WHERE outcome <> 'succeeded' AND top_error_count > 0
    UNION ALL
    SELECT
        provider, account, batch_id, outcome, NULL, NULL, NULL,
        requests - COALESCE(top_error_count, 0), 0
    FROM batch_usage
    WHERE outcome <> 'succeeded' AND requests > COALESCE(top_error_count, 0)
) AS errors
INNER JOIN batch_totals AS totals
    ON errors.provider = totals.provider AND errors.account = totals.account
    AND errors.batch_id = totals.batch_id
    AND is_single = CASE WHEN is_by_request THEN 1 ELSE 0 END
GROUP BY
    totals.provider, totals.account, totals.batch_id, outcome, error_code, error_message;
