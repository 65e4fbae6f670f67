-- The functions that the views use beside DuckDB's own, as macros: with them, DuckDB runs the files
-- in `views/` as they are. The pipeline needs none of this: it translates each view for its
-- destination, and writes out what the functions mean there (`dialects.py`).
--
--   duckdb -readonly ai_batches.duckdb
--   USE ai_batches_dataset;
--   .read functions.sql
--   .read views/batches_open.sql

-- the date of a moment in UTC
CREATE OR REPLACE TEMP MACRO DAY_IN_UTC(moment) AS CAST(moment AT TIME ZONE 'UTC' AS DATE);

-- the first day of the month of a date
CREATE OR REPLACE TEMP MACRO MONTH_OF(day) AS CAST(DATE_TRUNC('month', day) AS DATE);

-- the present moment, comparable with the columns of the table
CREATE OR REPLACE TEMP MACRO NOW_IN_UTC() AS CURRENT_TIMESTAMP;

-- whole seconds between two moments; fractions are cut off from both
CREATE OR REPLACE TEMP MACRO SECONDS_BETWEEN(earlier, later) AS DATE_DIFF('second', earlier, later);

-- the text at a path in JSON, of names and of positions from 0; `$` is the whole document
CREATE OR REPLACE TEMP MACRO JSON_TEXT(document, path) AS document ->> path;

-- the number at a path in JSON, or in a text there
CREATE OR REPLACE TEMP MACRO JSON_NUMBER(document, path) AS TRY_CAST(document ->> path AS DOUBLE);

-- an amount of money as whole billionths, and back
CREATE OR REPLACE TEMP MACRO NANOS(usd) AS
    CAST(CAST(usd AS DECIMAL(38, 9)) * 1000000000 AS BIGINT);
CREATE OR REPLACE TEMP MACRO USD(nanos) AS
    CAST(nanos * CAST('0.000000001' AS DECIMAL(10, 9)) AS DECIMAL(38, 9));

-- what tokens cost, in billionths; prices are billionths per million tokens
CREATE OR REPLACE TEMP MACRO COST(
    fresh, cached, written, output, fresh_price, cached_price, written_price, output_price
) AS
    (fresh // 1000000) * fresh_price + (cached // 1000000) * cached_price
    + (written // 1000000) * written_price + (output // 1000000) * output_price
    + ((fresh % 1000000) * fresh_price + (cached % 1000000) * cached_price
        + (written % 1000000) * written_price + (output % 1000000) * output_price
        + 500000) // 1000000;

-- the provider whose batches a provider lists: another one's if it is a gateway, otherwise its own;
-- the pipeline writes out the gateways of the registry here
CREATE OR REPLACE TEMP MACRO VENDOR_OF(provider) AS provider;

-- what the provider reports in `extra` as the cost of a batch, in USD; the pipeline writes out the
-- fields of the registry here
CREATE OR REPLACE TEMP MACRO REPORTED_COST(provider, extra) AS CAST(NULL AS DOUBLE);
