// Lists a vendor's batches by the vendor's own client for Node.js; prints their ids as JSON.
//
// `tests/integration/test_official_clients.py` runs it in the folder of
// `tests/environments/npm`: node read_by_client.mjs PROVIDER LIST_URL KEY

import { createRequire } from "node:module";

const require = createRequire(`${process.cwd()}/`);
const [name, url, key] = process.argv.slice(2);

async function listWatsonx() {
  const { BatchInference } = require("@ibm-cloud/watsonx-ai/batch_inference");
  const serviceUrl = url.slice(0, -"/ml/v1/batches".length);
  const client = new BatchInference({ version: "2024-05-31", serviceUrl, apikey: key });
  const batches = await client.list({ projectId: "demo", limit: 100 });
  return batches.map((batch) => batch.id);
}

console.log(JSON.stringify(await { watsonx: listWatsonx }[name]()));
