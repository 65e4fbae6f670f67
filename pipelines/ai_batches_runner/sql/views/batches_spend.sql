-- One row per month of creation, provider, account, label and model; sums over the batches
--
-- month: First day of the month of creation (UTC); null if the creation time is not reported
-- cost_usd: What those batches cost whose cost is known; null if that of none is
-- cost_usd_max: What they cost at most, see `batches_cost`; null also if that of any is not known
-- batches_without_cost: Batches whose cost is not known, which `cost_usd` leaves out

SELECT
    month, provider, account /* labels */, model,
    CAST(SUM(cost_usd) AS DECIMAL(38, 9)) AS cost_usd,
    CASE
        WHEN COUNT(cost_usd_max) = COUNT(cost_usd) THEN CAST(SUM(cost_usd_max) AS DECIMAL(38, 9))
    END AS cost_usd_max,
    CAST(SUM(CASE WHEN cost_usd IS NULL THEN 1 ELSE 0 END) AS BIGINT) AS batches_without_cost
FROM (
    SELECT
        MONTH_OF(created_on) AS month, labelled.provider, labelled.account /* labels */, model,
        cost_usd, cost_usd_max
    FROM batches_labelled AS labelled
    LEFT JOIN batches_cost AS costs
        ON costs.provider = labelled.provider AND costs.account = labelled.account
            AND costs.id = labelled.id
) AS monthly
GROUP BY month, provider, account /* labels */, model;
