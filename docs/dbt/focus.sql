-- One row per batch that may cost something, under the names of FOCUS 1.3 (FinOps Open Cost and
-- Usage Specification). It claims no bill: BilledCost, EffectiveCost, ContractedCost and the columns
-- of invoices are left out, since no list of batches reports them. Columns in x_ are not of FOCUS.
-- A table, since a view on its views would keep the pipeline from replacing them.
{{ config(materialized='table') }}

SELECT
    batches.provider AS "ServiceProviderName",
    -- its name until FOCUS 1.3
    batches.provider AS "ProviderName",
    batches.provider || ' batches' AS "ServiceName",
    'AI and Machine Learning' AS "ServiceCategory",
    'Usage' AS "ChargeCategory",
    batches.created_at AS "ChargePeriodStart",
    batches.ended_at AS "ChargePeriodEnd",
    batches.id AS "ResourceId",
    'Batch' AS "ResourceType",
    batches.model AS "SkuId",
    CAST(COALESCE(batches.total_tokens, batches.input_tokens + batches.output_tokens) AS DECIMAL(38, 0))
        AS "ConsumedQuantity",
    CASE
        WHEN COALESCE(batches.total_tokens, batches.input_tokens + batches.output_tokens) IS NOT NULL
            THEN 'Tokens'
    END AS "ConsumedUnit",
    -- at the prices that vendors publish for batches: neither what they report, which may be
    -- negotiated, nor your own prices, which may be a contract's
    CASE
        WHEN costs.cost_basis IN ('requests', 'tokens')
            AND costs.price_source IN ('genai-prices', 'litellm', 'genai-prices, litellm')
            THEN costs.cost_usd
    END AS "ListCost",
    -- of ListCost; which currency is invoiced is not known
    'USD' AS "BillingCurrency",
    batches.metadata AS "Tags",
    batches.account AS "x_Account",
    costs.cost_usd AS "x_EstimatedCost",
    costs.cost_basis AS "x_CostBasis",
    costs.cost_gap AS "x_CostGap"
FROM {{ source('ai_batches', 'batches_labelled') }} AS batches
INNER JOIN {{ source('ai_batches', 'batches_cost') }} AS costs
    ON costs.provider = batches.provider AND costs.account = batches.account
        AND costs.id = batches.id
-- an open batch is no charge yet
WHERE costs.cost_gap IS NULL OR costs.cost_gap <> 'not metered yet'
