// What the plan `free` refuses, as the official TypeScript SDK tells it. Reads QSTASH_URL from the environment.

import assert from "node:assert/strict";
import { Client, QstashDailyRatelimitError, QstashError } from "@upstash/qstash";

// The published user 4 of the development server.
const token = "eyJVc2VySUQiOiJ0ZXN0VXNlcjMiLCJQYXNzd29yZCI6InRlc3RQYXNzd29yZCJ9";
const client = new Client({ baseUrl: process.env.QSTASH_URL, token });
const url = "http://127.0.0.1:9/never";

async function refused(promise, error) {
  const found = await promise.then(() => assert.fail(`not refused: ${error}`), (found) => found);
  assert.ok(found instanceof QstashError, found);
  assert.deepEqual([found.status, JSON.parse(found.message)], [412, { error }]);
}

const delayed = client.publish({ url, body: "x", delay: "8d" });
await refused(delayed, "quota maxDelay exceeded, current limit: 604800");
const retried = client.publish({ url, body: "x", retries: 6 });
await refused(retried, "quota maxRetries exceeded, current limit: 5");
const queue = client.queue({ queueName: "q" }).upsert({ parallelism: 3 });
await refused(queue, "quota maxParallelism exceeded, current limit: 2");

const items = Array.from({ length: 1000 }, () => ({ url, body: "x", delay: "1d" }));
const results = await client.batch(items);
assert.equal(new Set(results.map((it) => it.messageId)).size, 1000);
const error = await client.publish({ url, body: "x" }).catch((error) => error);
assert.ok(error instanceof QstashDailyRatelimitError, error);
assert.deepEqual([error.limit, error.remaining], ["1000", "0"]);
const wait = Number(error.reset) - Date.now() / 1000;
assert.ok(wait > 0 && wait <= 86_400, error.reset);
// What is not a message goes on; the SDK asks for a hundred unless told otherwise.
assert.equal(await client.messages.deleteAll(), 100);
