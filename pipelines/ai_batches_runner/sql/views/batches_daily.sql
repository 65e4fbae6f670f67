-- One row per day of creation, provider, account, model and endpoint; sums over the batches
--
-- created_on: Day of creation of the batches (UTC)
-- batches: Batches created that day
-- open_batches: Batches whose status may still change
-- completed_batches: Batches that completed
-- failed_batches: Batches that failed as a whole
-- expired_batches: Batches that expired
-- cancelled_batches: Batches that were cancelled
-- unknown_batches: Batches whose provider reports no status
-- requests_total: Requests in the batches
-- cost_usd: What those batches cost whose cost is known; null if that of none is
-- batches_without_cost: Batches whose cost is not known, which `cost_usd` leaves out

SELECT
    created_on, one.provider, one.account, model, endpoint,
    COUNT(*) AS batches,
    CAST(SUM(CASE WHEN is_open THEN 1 ELSE 0 END) AS BIGINT) AS open_batches,
    CAST(SUM(CASE WHEN status = 'completed' THEN 1 ELSE 0 END) AS BIGINT) AS completed_batches,
    CAST(SUM(CASE WHEN status = 'failed' THEN 1 ELSE 0 END) AS BIGINT) AS failed_batches,
    CAST(SUM(CASE WHEN status = 'expired' THEN 1 ELSE 0 END) AS BIGINT) AS expired_batches,
    CAST(SUM(CASE WHEN status = 'cancelled' THEN 1 ELSE 0 END) AS BIGINT) AS cancelled_batches,
    CAST(SUM(CASE WHEN is_open IS NULL THEN 1 ELSE 0 END) AS BIGINT) AS unknown_batches,
    CAST(SUM(requests_total) AS BIGINT) AS requests_total,
    CAST(SUM(requests_completed) AS BIGINT) AS requests_completed,
    CAST(SUM(requests_failed) AS BIGINT) AS requests_failed,
    CAST(SUM(input_tokens) AS BIGINT) AS input_tokens,
    CAST(SUM(cached_input_tokens) AS BIGINT) AS cached_input_tokens,
    CAST(SUM(output_tokens) AS BIGINT) AS output_tokens,
    CAST(SUM(reasoning_tokens) AS BIGINT) AS reasoning_tokens,
    CAST(SUM(total_tokens) AS BIGINT) AS total_tokens,
    CAST(SUM(cost_usd) AS DECIMAL(38, 9)) AS cost_usd,
    CAST(SUM(CASE WHEN cost_usd IS NULL THEN 1 ELSE 0 END) AS BIGINT) AS batches_without_cost
FROM batches_unique AS one
LEFT JOIN batches_cost AS costs
    ON costs.provider = one.provider AND costs.account = one.account AND costs.id = one.id
GROUP BY created_on, one.provider, one.account, model, endpoint;
