// QSTASH_DEV=true: the SDK finds the server on QSTASH_DEV_PORT with the published credentials, and neither fetches
// nor starts one of its own. Nothing but the two variables is set.

import assert from "node:assert/strict";
import childProcess from "node:child_process";
import { syncBuiltinESMExports } from "node:module";
import { Client, Receiver, startDevServer } from "@upstash/qstash";
import { Consumer } from "./consumer.mjs";

childProcess.spawn = () => assert.fail("the SDK starts a server");
syncBuiltinESMExports();

const said = [];
console.log = (...words) => said.push(words.join(" "));

const consumer = await Consumer.start();
await startDevServer();
const client = new Client();
const { messageId } = await client.publishJSON({ url: consumer.url("/dev"), body: { dev: true } });
const [request] = await consumer.wait("/dev");
assert.equal(request.headers["upstash-message-id"], messageId);
const signature = request.headers["upstash-signature"];
const verified = await new Receiver().verify({
  signature,
  body: request.body,
  url: consumer.url("/dev"),
});
assert.equal(verified, true);
const port = process.env.QSTASH_DEV_PORT;
const found = `Server already running at http://127.0.0.1:${port}`;
assert.ok(said.some((line) => line.includes(found)), said.join("\n"));
process.exit(0);
