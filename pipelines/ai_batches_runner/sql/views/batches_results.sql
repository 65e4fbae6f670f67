-- One row per ended batch whose results were to be read: whether they were, and whether they hold
--   a line for each request
--
-- created_on: Day of creation (UTC)
-- status: How the batch ended: completed, failed, expired or cancelled
-- files_loaded: Files of which all was read
-- files_not_loaded: Files that were not, or not yet; `batch_files` has the reasons
-- lines: Lines of the loaded files that are not blank
-- bad_lines: Those that could not be read
-- requests_total: Requests in the batch, as its provider lists them
-- lines_missing: Requests without a line; below 0 if there are more lines than requests. Null if
--   they cannot be compared: a file is missing, or only failed requests are read
-- available_until: When the vendor deletes the results, as documented (UTC)

SELECT
    listed.provider, listed.account, id, status, model, endpoint, created_on, ended_at,
    files_loaded, files - files_loaded AS files_not_loaded, lines, bad_lines, requests_total,
    CASE
        WHEN files_loaded = files AND (is_whole OR output_file_id IS NULL)
            THEN requests_total - lines
    END AS lines_missing,
    available_until
FROM batches_unique AS listed
INNER JOIN batch_totals AS totals
    ON batch_id = id AND vendor = VENDOR_OF(listed.provider)
WHERE NOT is_open;
