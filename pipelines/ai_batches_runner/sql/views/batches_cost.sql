-- One row per batch: what it cost, how that is known, or why it is not; never 0 for what is unknown
--
-- cost_usd: What the batch cost in USD; null if not known, see `cost_gap`. Calculated from sums of
--   tokens, each request counts as a short one unless its results show that all are long
-- cost_usd_max: What it cost at most: with all requests at the prices of long ones, if sums do not
--   say; otherwise equal to `cost_usd`. Null also if long ones have no known price
-- cost_basis: vendor: the provider reports the cost; requests: tokens of its results, by model, at
--   the prices of `batch_prices`; tokens: the sums of its list at these prices; null without a cost
-- cost_gap: Why there is no cost: not metered yet (the batch is open), not text (images, audio or
--   video), no tokens (the list reports none; load results to have them), unknown model (see
--   `batch_price_models`), no price on that day, no price of cached tokens; null if there is one
-- standard_cost_usd: What the same tokens would have cost outside of a batch; null if not known, or
--   if the provider reports the cost
-- saved_usd: `standard_cost_usd` less `cost_usd`
-- price_source: Where the prices are from; `several` if those of its models are from different
--   sources; null if the provider reports the cost
-- price_valid_from: First day of the prices that were used; null: any, or none were used

WITH reported AS (
    SELECT provider, account, id, NANOS(usd) AS vendor_nanos
    FROM (
        SELECT provider, account, id, REPORTED_COST(provider, extra) AS usd
        FROM batches AS listed
    ) AS numbers
    WHERE usd BETWEEN 0 AND 9000000
),

used AS (
    -- results of which the requests that succeeded were read, by model
    SELECT
        totals.batch_id, totals.vendor, totals.provider AS used_provider,
        NULLIF(usages.model, '') AS used_model,
        SUM(usages.requests) AS used_requests,
        SUM(usages.requests_long_context) AS long_requests,
        SUM(usages.input_tokens) AS used_input,
        SUM(usages.cached_input_tokens) AS used_cached,
        SUM(usages.cache_write_tokens) AS used_written,
        SUM(usages.output_tokens) AS used_output
    FROM batch_totals AS totals
    INNER JOIN batch_usage AS usages
        ON usages.provider = totals.provider AND usages.account = totals.account
            AND usages.batch_id = totals.batch_id
    WHERE CASE WHEN is_metered THEN 1 ELSE 0 END = 1
        AND NOT COALESCE(usages.input_tokens, usages.output_tokens) IS NULL
    GROUP BY totals.batch_id, totals.vendor, totals.provider, usages.model
),

metered AS (
    SELECT
        one.provider, one.account, one.id, created_on, is_open, vendor_nanos,
        model, used_model, used_provider,
        CASE WHEN used.batch_id IS NULL THEN 0 ELSE 1 END AS is_of_results,
        requests_total = 1 AS is_single,
        used_requests, long_requests,
        CASE WHEN used.batch_id IS NULL THEN input_tokens ELSE used_input END AS input_tokens,
        COALESCE(
            CASE WHEN used.batch_id IS NULL THEN cached_input_tokens ELSE used_cached END, 0
        ) AS cached_tokens,
        COALESCE(used_written, 0) AS written_tokens,
        CASE
            WHEN endpoint LIKE '%embed%' THEN COALESCE(used_output, output_tokens, 0)
            WHEN used.batch_id IS NULL THEN output_tokens
            ELSE used_output
        END AS output_tokens,
        COALESCE(used_requests, requests_completed, 1) AS requests_completed,
        CASE
            WHEN LOWER(endpoint) LIKE '%/images%' OR LOWER(endpoint) LIKE '%/videos%'
                OR LOWER(endpoint) LIKE '%/audio%' OR LOWER(endpoint) LIKE '%/ocr%'
                THEN 1
            ELSE 0
        END AS is_other_endpoint
    FROM batches_unique AS one
    LEFT JOIN reported
        ON reported.provider = one.provider AND reported.account = one.account
            AND reported.id = one.id
    LEFT JOIN used
        ON used.batch_id = one.id AND used.vendor = VENDOR_OF(one.provider)
),

checked AS (
    SELECT
        provider, account, id, model, used_model, used_provider, created_on, is_open, vendor_nanos,
        is_of_results, is_single, used_requests, long_requests,
        input_tokens, cached_tokens, written_tokens, output_tokens,
        CASE
            WHEN is_other_endpoint = 1
                OR LOWER(model) LIKE '%image%' OR LOWER(model) LIKE '%imagen%'
                OR LOWER(model) LIKE '%video%' OR LOWER(model) LIKE '%audio%'
                OR LOWER(model) LIKE '%tts%' OR LOWER(model) LIKE '%whisper%'
                OR LOWER(model) LIKE '%transcribe%' OR LOWER(model) LIKE '%-ocr-%'
                OR LOWER(model) LIKE 'sora%' OR LOWER(model) LIKE '%/veo-%'
                THEN 1
            ELSE 0
        END AS is_other,
        CASE
            WHEN input_tokens BETWEEN 0 AND 1000000000000
                AND output_tokens BETWEEN 0 AND 1000000000000
                AND cached_tokens BETWEEN 0 AND input_tokens
                AND written_tokens BETWEEN 0 AND input_tokens - cached_tokens
                -- a request that ran had some
                AND (input_tokens + output_tokens > 0 OR requests_completed = 0)
                THEN 1
            ELSE 0
        END AS is_known
    FROM metered
),

counted AS (
    -- only tokens that can be calculated with
    SELECT
        provider, account, id, model, used_model, used_provider, created_on, is_open, vendor_nanos,
        is_of_results, is_single, used_requests, long_requests, is_other,
        CASE WHEN is_known = 1 THEN CAST(input_tokens AS BIGINT) END AS input_tokens,
        CASE WHEN is_known = 1 THEN CAST(cached_tokens AS BIGINT) END AS cached_tokens,
        CASE WHEN is_known = 1 THEN CAST(written_tokens AS BIGINT) END AS written_tokens,
        CASE WHEN is_known = 1 THEN CAST(output_tokens AS BIGINT) END AS output_tokens
    FROM checked
),

priced AS (
    SELECT
        counted.provider, counted.account, counted.id, is_open, vendor_nanos, is_of_results,
        is_other, input_tokens, cached_tokens, written_tokens, output_tokens,
        COALESCE(named.priced_model, listed.priced_model) AS priced_model, source, valid_from,
        -- of results it is known how many requests have more than 200,000 tokens
        CASE
            WHEN long_requests = 0 AND long_above_input_tokens >= 200000 THEN 0
            WHEN input_tokens > long_above_input_tokens THEN 1
            ELSE 0
        END AS may_be_long,
        CASE
            WHEN is_single AND input_tokens > long_above_input_tokens THEN 1
            WHEN long_requests = used_requests AND long_above_input_tokens <= 200000 THEN 1
            ELSE 0
        END AS is_long,
        NANOS(input_usd_per_mtok) AS fresh_price,
        CASE WHEN cached_tokens > 0 THEN NANOS(cached_input_usd_per_mtok) ELSE 0
        END AS cached_price,
        CASE WHEN written_tokens > 0 THEN NANOS(cache_write_usd_per_mtok) ELSE 0
        END AS written_price,
        NANOS(output_usd_per_mtok) AS output_price,
        NANOS(long_input_usd_per_mtok) AS long_fresh_price,
        CASE WHEN cached_tokens > 0 THEN NANOS(long_cached_input_usd_per_mtok) ELSE 0
        END AS long_cached_price,
        CASE WHEN written_tokens > 0 THEN NANOS(long_cache_write_usd_per_mtok) ELSE 0
        END AS long_written_price,
        NANOS(long_output_usd_per_mtok) AS long_output_price,
        NANOS(standard_input_usd_per_mtok) AS standard_fresh_price,
        CASE WHEN cached_tokens > 0 THEN NANOS(standard_cached_input_usd_per_mtok) ELSE 0
        END AS standard_cached_price,
        CASE WHEN written_tokens > 0 THEN NANOS(standard_cache_write_usd_per_mtok) ELSE 0
        END AS standard_written_price,
        CASE WHEN output_tokens > 0 THEN NANOS(standard_output_usd_per_mtok) ELSE 0
        END AS standard_output_price,
        NANOS(standard_long_input_usd_per_mtok) AS standard_long_fresh_price,
        CASE WHEN cached_tokens > 0 THEN NANOS(standard_long_cached_input_usd_per_mtok) ELSE 0
        END AS standard_long_cached_price,
        CASE WHEN written_tokens > 0 THEN NANOS(standard_long_cache_write_usd_per_mtok) ELSE 0
        END AS standard_long_written_price,
        CASE WHEN output_tokens > 0 THEN NANOS(standard_long_output_usd_per_mtok) ELSE 0
        END AS standard_long_output_price
    FROM counted
    LEFT JOIN batch_price_models AS named
        ON named.provider = used_provider AND named.model = used_model
    -- the model of the list, which a user may have named; results tell what ran behind it
    LEFT JOIN batch_price_models AS listed
        ON listed.provider = counted.provider AND listed.model = counted.model
    LEFT JOIN batch_prices AS prices
        ON prices.provider = CASE
            WHEN named.priced_model IS NULL THEN listed.priced_provider
            ELSE named.priced_provider
        END
            AND prices.model = COALESCE(named.priced_model, listed.priced_model)
            AND (valid_from IS NULL OR valid_from <= created_on)
            AND (valid_to IS NULL OR created_on <= valid_to)
),

calculated AS (
    SELECT
        provider, account, id, is_open, vendor_nanos, is_of_results, is_other, input_tokens,
        priced_model, fresh_price, source, valid_from, is_long, may_be_long,
        COST(
            input_tokens - cached_tokens - written_tokens, cached_tokens, written_tokens,
            output_tokens, fresh_price, cached_price, written_price,
            output_price
        ) AS base_nanos,
        COST(
            input_tokens - cached_tokens - written_tokens, cached_tokens, written_tokens,
            output_tokens, long_fresh_price, long_cached_price, long_written_price,
            long_output_price
        ) AS long_nanos,
        CASE
            WHEN is_long = 1
                THEN COST(
                    input_tokens - cached_tokens - written_tokens, cached_tokens, written_tokens,
                    output_tokens, standard_long_fresh_price, standard_long_cached_price, standard_long_written_price,
                    standard_long_output_price
                )
            ELSE COST(
                input_tokens - cached_tokens - written_tokens, cached_tokens, written_tokens,
                output_tokens, standard_fresh_price, standard_cached_price, standard_written_price,
                standard_output_price
            )
        END AS standard_nanos
    FROM priced
),

decided AS (
    SELECT
        provider, account, id, source, valid_from, vendor_nanos, is_of_results,
        CASE WHEN is_long = 1 THEN long_nanos ELSE base_nanos END AS nanos,
        CASE WHEN may_be_long = 1 THEN long_nanos ELSE base_nanos END AS most_nanos,
        standard_nanos,
        CASE
            WHEN is_open THEN 'not metered yet'
            WHEN NOT vendor_nanos IS NULL THEN NULL
            WHEN is_other = 1 THEN 'not text'
            WHEN input_tokens IS NULL THEN 'no tokens'
            WHEN priced_model IS NULL THEN 'unknown model'
            WHEN fresh_price IS NULL THEN 'no price on that day'
            WHEN base_nanos IS NULL THEN 'no price of cached tokens'
            WHEN is_long = 1 AND long_nanos IS NULL THEN 'no price on that day'
        END AS gap
    FROM calculated
    -- more than there are: SQLite would write each sum below out in terms of all above it
    LIMIT 1000000000000
),

summed AS (
    -- a batch whose results name several models has several rows so far
    SELECT
        provider, account, id,
        MAX(gap) AS gap,
        CASE WHEN MIN(source) = MAX(source) THEN MAX(source) ELSE 'several' END AS source,
        MAX(valid_from) AS valid_from,
        MAX(vendor_nanos) AS vendor_nanos,
        MAX(is_of_results) AS is_of_results,
        CAST(SUM(nanos) AS BIGINT) AS nanos,
        CASE WHEN COUNT(most_nanos) = COUNT(*) THEN CAST(SUM(most_nanos) AS BIGINT)
        END AS most_nanos,
        CASE WHEN COUNT(standard_nanos) = COUNT(*) THEN CAST(SUM(standard_nanos) AS BIGINT)
        END AS standard_nanos
    FROM decided
    GROUP BY provider, account, id
)

SELECT
    provider, account, id,
    CASE WHEN gap IS NULL THEN USD(COALESCE(vendor_nanos, nanos)) END AS cost_usd,
    CASE WHEN gap IS NULL THEN USD(COALESCE(vendor_nanos, most_nanos)) END AS cost_usd_max,
    CASE
        WHEN NOT gap IS NULL THEN NULL
        WHEN NOT vendor_nanos IS NULL THEN 'vendor'
        WHEN is_of_results = 1 THEN 'requests'
        ELSE 'tokens'
    END AS cost_basis,
    gap AS cost_gap,
    CASE WHEN gap IS NULL AND vendor_nanos IS NULL THEN USD(standard_nanos)
    END AS standard_cost_usd,
    CASE WHEN gap IS NULL AND vendor_nanos IS NULL THEN USD(standard_nanos - nanos)
    END AS saved_usd,
    CASE WHEN gap IS NULL AND vendor_nanos IS NULL THEN source END AS price_source,
    CASE WHEN gap IS NULL AND vendor_nanos IS NULL THEN valid_from END AS price_valid_from
FROM summed;
