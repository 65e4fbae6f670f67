// Lists vendors' batches by their own clients for Node.js; prints their ids, a list for each question.
//
// `tests/integration/test_official_clients.py` runs it in the folder of
// `tests/environments/npm`: node read_by_client.mjs '[["PROVIDER", "LIST_URL", "KEY"], ...]'

import { createRequire } from "node:module";

const require = createRequire(`${process.cwd()}/`);

async function listWatsonx(url, key) {
  const { BatchInference } = require("@ibm-cloud/watsonx-ai/batch_inference");
  const serviceUrl = url.slice(0, -"/ml/v1/batches".length);
  const client = new BatchInference({ version: "2024-05-31", serviceUrl, apikey: key });
  const batches = await client.list({ projectId: "demo", limit: 100 });
  return batches.map((batch) => batch.id);
}

const clients = { watsonx: listWatsonx };
const found = [];
for (const [name, url, key] of JSON.parse(process.argv[2])) {
  found.push(await clients[name](url, key));
}
console.log(JSON.stringify(found));
