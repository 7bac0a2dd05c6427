// Every method of the official TypeScript SDK against a running server.
//
// Reads QSTASH_URL and SDK_CLOCK from the environment; SDK_CLOCK=1 also waits, for up to a minute, until a schedule
// fires. Exits with 1 if anything is not as the contract says.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import {
  Client,
  QstashError,
  Receiver,
  SignatureError,
  anthropic,
  custom,
  decodeBase64,
  openai,
  resend,
  upstash,
} from "@upstash/qstash";
import { Consumer } from "./consumer.mjs";

// The published users 1 and 4 of the development server.
const USER_1 = {
  token: "eyJVc2VySUQiOiJkZWZhdWx0VXNlciIsIlBhc3N3b3JkIjoiZGVmYXVsdFBhc3N3b3JkIn0=",
  currentSigningKey: "sig_7kYjw48mhY7kAjqNGcy6cr29RJ6r",
  nextSigningKey: "sig_5ZB6DVzB1wjE8S6rZ7eenA8Pdnhs",
};
const USER_4_TOKEN = "eyJVc2VySUQiOiJ0ZXN0VXNlcjMiLCJQYXNzd29yZCI6InRlc3RQYXNzd29yZCJ9";
const OK = [200, {}, "fine"];
const ORDER = { order_id: 42, note: "grüße" };

const baseUrl = process.env.QSTASH_URL;
const client = new Client({ baseUrl, token: USER_1.token });
const receiver = new Receiver(USER_1);
const consumer = await Consumer.start();
const url = (path) => consumer.url(path);

// Notes which methods are called, so that none is forgotten.
const uncalled = new Set();
for (const api of [
  client,
  client.dlq,
  client.flowControl,
  client.messages,
  client.queue(),
  client.schedules,
  client.urlGroups,
  client.workflow,
  receiver,
]) {
  const methods = Object.getPrototypeOf(api);
  for (const [name, { value: method }] of Object.entries(Object.getOwnPropertyDescriptors(methods))) {
    if (typeof method !== "function" || name === "constructor") continue;
    const full = `${methods.constructor.name}.${name}`;
    uncalled.add(full);
    methods[name] = function (...values) {
      uncalled.delete(full);
      return method.apply(this, values);
    };
  }
}

// What came to a path; each request is verified by the SDK's own receiver.
async function received(path, count = 1, patience = undefined) {
  const requests = await consumer.wait(path, count, patience);
  for (const { headers, body } of requests) {
    const signature = headers["upstash-signature"];
    assert.equal(await receiver.verify({ signature, body, url: url(path) }), true);
  }
  return requests;
}

// Asks again until `check` returns something; what it found last is told if it never does.
async function eventually(what, check) {
  const end = Date.now() + 20_000;
  for (;;) {
    const [holds, found] = await check();
    if (holds) return found;
    assert.ok(Date.now() < end, `never: ${what}; found ${JSON.stringify(found)}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

// The states in a message's log become `states`, the oldest first.
function untilStates(messageId, states) {
  return eventually(`the log is ${states}`, async () => {
    const { logs } = await client.logs({ filter: { messageId } });
    const found = logs.map((log) => log.state).reverse();
    return [JSON.stringify(found) === JSON.stringify(states), found];
  });
}

// The call fails with that status and an error that says `said`.
async function refused(promise, status, said) {
  const error = await promise.then(
    () => assert.fail(`not refused: ${said}`),
    (error) => error
  );
  assert.ok(error instanceof QstashError, error);
  assert.equal(error.status, status, error.message);
  const body = JSON.parse(error.message);
  assert.equal(typeof body.error, "string", error.message);
  assert.ok(body.error.includes(said), error.message);
}

const base64 = (text) => Buffer.from(text).toString("base64");
const redacted = (text) => `REDACTED:${createHash("sha256").update(text).digest("hex")}`;

const stories = {
  async "a publish is delivered as it was given"() {
    const result = await client.publishJSON({
      url: url("/orders/new"),
      body: ORDER,
      method: "PUT",
      headers: { "X-Tenant": "7", "X-List": "a, b" },
      retries: 2,
      retryDelay: "1000 * (1 + retried)",
      timeout: "30s",
      label: ["orders", "second"],
    });
    assert.match(result.messageId, /^msg_/);
    assert.ok(!result.deduplicated);
    const [request] = await received("/orders/new");
    assert.equal(request.method, "PUT");
    assert.deepEqual(JSON.parse(request.body), ORDER);
    const expected = {
      "content-type": "application/json",
      "x-tenant": "7",
      "x-list": "a, b",
      "upstash-message-id": result.messageId,
      "upstash-retried": "0",
      "upstash-max-retries": "2",
      "upstash-caller-ip": "127.0.0.1",
      "user-agent": "Upstash-QStash",
    };
    for (const [name, value] of Object.entries(expected)) {
      assert.equal(request.headers[name], value, name);
    }
    const names = Object.keys(request.headers);
    const extra = names.filter((it) => /^(authorization|upstash-(forward|telemetry))/.test(it));
    assert.deepEqual(extra, []);
    await untilStates(result.messageId, ["CREATED", "ACTIVE", "DELIVERED"]);
    const events = await client.events({ filter: { label: "second" } });
    assert.equal(events.events.length, 3);
    assert.deepEqual(events.events[0].labels, ["orders", "second"]);
    assert.equal(events.events[0].label, "orders");
  },

  async "a signature is of one body and one URL"() {
    const [{ headers, body }] = await received("/orders/new");
    const signature = headers["upstash-signature"];
    for (const other of [{ body: "{}" }, { url: url("/orders/old") }]) {
      const request = { signature, body, url: url("/orders/new"), ...other };
      await assert.rejects(receiver.verify(request), SignatureError);
    }
  },

  async "paths and bodies are kept byte for byte"() {
    const path = "/raw//x%20y/Z?a=1&b=//two&c=%2F";
    const body = "line one\nüñí\0 end";
    await client.publish({ url: url(path), body, method: "PATCH" });
    const [request] = await received(path);
    assert.deepEqual([request.method, request.body], ["PATCH", body]);
    assert.equal(request.headers["content-type"], "text/plain;charset=UTF-8");
  },

  async "pending messages are read"() {
    const { messageId } = await client.publishJSON({
      url: url("/later"),
      body: ORDER,
      headers: { "test-header": "value-uppercase, value-lowercase" },
      callback: url("/callback"),
      failureCallback: url("/failure"),
      retries: 5,
      retryDelay: "1000",
      delay: 3600,
      label: "later",
      flowControl: { key: "later", parallelism: 3, rate: 7, period: "2m" },
    });
    const message = await client.messages.get(messageId);
    const { createdAt, notBefore, ...rest } = message;
    assert.ok(Math.abs(createdAt - Date.now()) < 60_000, createdAt);
    assert.ok(Math.abs(notBefore - createdAt - 3_600_000) < 10_000, notBefore);
    assert.deepEqual(rest.header, {
      "Content-Type": ["application/json"],
      "Test-Header": ["value-uppercase, value-lowercase"],
    });
    const expected = {
      messageId,
      url: url("/later"),
      method: "POST",
      body: JSON.stringify(ORDER),
      maxRetries: 5,
      retryDelayExpression: "1000",
      callback: url("/callback"),
      failureCallback: url("/failure"),
      label: "later",
      labels: ["later"],
      flowControlKey: "later",
      parallelism: 3,
      rate: 7,
      ratePerSecond: 7,
      period: 120,
      callerIP: "127.0.0.1",
    };
    for (const [name, value] of Object.entries(expected)) assert.deepEqual(rest[name], value, name);
    for (const name of ["bodyBase64", "queueName", "scheduleId", "topicName", "urlGroup"]) {
      assert.equal(rest[name], undefined, name);
    }
    const bare = await client.publish({ url: url("/later"), delay: "2h" });
    assert.equal((await client.messages.get(bare.messageId)).body, undefined);
  },

  async "pending messages are cancelled, one, some or all"() {
    await client.messages.deleteAll();
    const notBefore = Math.floor(Date.now() / 1000) + 3600;
    const publish = async (path, label) => {
      const request = { url: url(path), body: "x", notBefore, label };
      return (await client.publish(request)).messageId;
    };
    const ids = [];
    for (let n = 0; n < 9; n++) ids.push(await publish(n < 5 ? "/c/a" : "/c/b", `l${n % 2}`));
    assert.deepEqual(await client.messages.cancel(ids[0]), { cancelled: 1 });
    await client.messages.delete(ids[1]);
    assert.deepEqual(await client.messages.cancel([]), { cancelled: 0 });
    assert.deepEqual(await client.messages.cancel([ids[1], ids[2]]), { cancelled: 1 });
    assert.equal(await client.messages.deleteMany([ids[3], "msg_unknown"]), 1);
    const filter = { url: url("/c/b"), label: ["l0", "other"] };
    assert.deepEqual(await client.messages.cancel({ filter, count: 1 }), { cancelled: 1 });
    assert.deepEqual(await client.messages.cancel({ filter }), { cancelled: 1 });
    const path = { path: "/c/a", host: new URL(url("/")).host };
    const counted = (await client.messages.cancel({ filter: path })).cancelled;
    assert.equal(counted, 1);
    assert.deepEqual(await client.messages.cancel({ messageIds: [ids[5]] }), { cancelled: 1 });
    assert.deepEqual(await client.messages.cancel({ all: true }), { cancelled: 1 });
    assert.equal(await client.messages.deleteAll(), 0);
    await refused(client.messages.cancel("msg_unknown"), 404, "not found");
    await assert.rejects(client.messages.cancel(""), /cannot be empty/);
    await assert.rejects(client.messages.cancel({ messageIds: [] }), /Empty messageIds/);
    assert.deepEqual(consumer.at("/later").concat(consumer.at("/c/a"), consumer.at("/c/b")), []);
  },

  async "a duplicate is not enqueued"() {
    for (const options of [{ deduplicationId: "once" }, { contentBasedDeduplication: true }]) {
      const path = `/once/${Object.keys(options)[0]}`;
      const first = await client.publish({ url: url(path), body: "same", ...options });
      const again = await client.publish({ url: url(path), body: "same", ...options });
      assert.ok(!first.deduplicated && again.deduplicated);
      assert.equal(first.messageId, again.messageId);
      await received(path);
      await untilStates(first.messageId, ["CREATED", "ACTIVE", "DELIVERED"]);
      assert.equal(consumer.at(path).length, 1);
    }
  },

  async "failures are retried as told, with a callback for each attempt"() {
    consumer.plan("/flaky", [500, { "x-why": "first" }, "broken"], [503, {}, "busy"], OK);
    const { messageId } = await client.publish({
      url: url("/flaky"),
      body: "x",
      retries: 3,
      retryDelay: "50",
      callback: url("/told"),
      headers: { "Upstash-Callback-Forward-X-Call": "c" },
    });
    const requests = await received("/flaky", 3);
    assert.deepEqual(
      requests.map((it) => it.headers["upstash-retried"]),
      ["0", "1", "2"]
    );
    assert.deepEqual(new Set(requests.map((it) => it.headers["upstash-message-id"])).size, 1);
    const again = ["ACTIVE", "ERROR", "RETRY"];
    await untilStates(messageId, ["CREATED", ...again, ...again, "ACTIVE", "DELIVERED"]);
    const told = await received("/told", 3);
    const reports = told.map((it) => JSON.parse(it.body)).sort((a, b) => a.retried - b.retried);
    assert.deepEqual(
      reports.map((it) => [it.status, it.retried, it.maxRetries, decodeBase64(it.body)]),
      [
        [500, 0, 3, "broken"],
        [503, 1, 3, "busy"],
        [200, 2, 3, "fine"],
      ]
    );
    for (const report of reports) {
      assert.equal(report.sourceMessageId, messageId);
      assert.equal(report.sourceBody, base64("x"));
      assert.equal(report.url, url("/flaky"));
    }
    assert.equal(told[0].headers["x-call"], "c");
  },

  async "what fails for good is a dead letter"() {
    consumer.plan("/broken", [503, { "x-why": "no" }, "broken"]);
    const ids = [];
    for (let n = 0; n < 5; n++) {
      const request = { url: url("/broken"), body: `${n}`, retries: 0, label: "broken" };
      if (n === 0) request.failureCallback = url("/failed");
      ids.push((await client.publish(request)).messageId);
    }
    for (const id of ids) await untilStates(id, ["CREATED", "ACTIVE", "ERROR", "FAILED"]);
    const [failed] = await received("/failed");
    const report = JSON.parse(failed.body);
    assert.deepEqual([report.status, report.sourceMessageId], [503, ids[0]]);

    const page = await client.dlq.listMessages({ count: 3, filter: { label: "broken" } });
    assert.ok(page.messages.length === 3 && page.cursor, page.cursor);
    const rest = await client.dlq.listMessages({
      cursor: page.cursor,
      filter: { label: "broken" },
    });
    assert.equal(rest.cursor, undefined);
    const letters = [...page.messages, ...rest.messages];
    assert.deepEqual(letters.map((it) => it.messageId).sort(), [...ids].sort());
    const letter = letters.find((it) => it.messageId === ids[0]);
    assert.equal(letter.dlqId, report.dlqId);
    assert.deepEqual([letter.responseStatus, letter.responseBody], [503, "broken"]);
    assert.deepEqual(letter.responseHeader["X-Why"], ["no"]);
    const byId = await client.dlq.listMessages({ dlqIds: [letter.dlqId] });
    assert.deepEqual(byId.messages.map((it) => it.messageId), [ids[0]]);
    const bad = client.dlq.listMessages({ filter: { labeel: "broken" } });
    await refused(bad, 400, "labeel");
    assert.deepEqual((await client.dlq.listMessages({ filter: { responseStatus: 404 } })).messages, []);
  },

  async "dead letters are deleted and retried"() {
    const all = (await client.dlq.listMessages({ filter: { label: "broken" } })).messages;
    const [first, second, third, fourth, fifth] = all.map((it) => it.dlqId);
    assert.deepEqual(await client.dlq.delete(first), { deleted: 1 });
    await refused(client.dlq.delete(first), 404, "not found");
    assert.equal((await client.dlq.deleteMany({ dlqIds: [first, second] })).deleted, 1);
    assert.deepEqual(await client.dlq.delete([]), { deleted: 0 });

    consumer.plan("/broken", OK);
    const before = consumer.at("/broken").length;
    const retried = await client.dlq.retry(third);
    assert.equal(retried.responses.length, 1);
    assert.equal(retried.cursor, undefined);
    const [, again] = [await consumer.wait("/broken", before + 1), retried.responses[0].messageId];
    await untilStates(again, ["CREATED", "ACTIVE", "DELIVERED"]);
    assert.equal((await client.dlq.retry([fourth])).responses.length, 1);
    assert.equal((await client.dlq.retry({ filter: { label: "broken" } })).responses.length, 1);
    assert.deepEqual((await client.dlq.retry({ filter: { label: "broken" } })).responses, []);
    await consumer.wait("/broken", before + 3);
    await refused(client.dlq.retry(fifth), 404, "not found");
    assert.equal((await client.dlq.delete({ all: true })).deleted, 0);
    await assert.rejects(client.dlq.delete({ dlqIds: [] }), /Empty dlqIds/);
    assert.deepEqual((await client.dlq.listMessages()).messages, []);
  },

  async "what may not be retried is not"() {
    consumer.plan("/never", [489, { "Upstash-NonRetryable-Error": "true" }, ""]);
    const { messageId } = await client.publish({ url: url("/never"), body: "x", retries: 3 });
    await untilStates(messageId, ["CREATED", "ACTIVE", "ERROR", "FAILED"]);
    assert.equal(consumer.at("/never").length, 1);
    assert.equal((await client.dlq.delete({ filter: { messageId } })).deleted, 1);
  },

  async "URL groups fan out"() {
    const groups = client.urlGroups;
    const endpoints = [{ url: url("/fan/1"), name: "first one" }, { url: url("/fan/2") }];
    await groups.addEndpoints({ name: "fan", endpoints });
    const group = await groups.get("fan");
    assert.deepEqual(group.endpoints, endpoints);
    assert.deepEqual(Object.keys(group).sort(), ["createdAt", "endpoints", "name", "updatedAt"]);
    assert.deepEqual((await client.topics.list()).map((it) => it.name), ["fan"]);
    const results = await client.publishJSON({ urlGroup: "fan", body: ORDER });
    assert.deepEqual(results.map((it) => it.url), [url("/fan/1"), url("/fan/2")]);
    for (const [index, path] of ["/fan/1", "/fan/2"].entries()) {
      const [request] = await received(path);
      assert.equal(request.headers["upstash-topic-name"], "fan");
      assert.equal(request.headers["upstash-message-id"], results[index].messageId);
    }
    const { logs } = await client.logs({ filter: { urlGroup: "fan" } });
    assert.ok(logs.length > 0 && logs.every((log) => log.urlGroup === "fan"));
    await groups.removeEndpoints({ name: "fan", endpoints: [{ name: "first one" }] });
    assert.deepEqual((await groups.get("fan")).endpoints, [endpoints[1]]);
    await groups.delete("fan");
    await groups.delete("fan");
    assert.deepEqual(await groups.list(), []);
    await refused(groups.get("fan"), 404, "not found");
    await refused(client.publish({ topic: "fan", body: "x" }), 404, "topic fan not found");
  },

  async "queues keep the order"() {
    const queue = client.queue({ queueName: "orders" });
    await queue.upsert({ parallelism: 1, paused: true });
    consumer.plan("/fifo", [500, {}, ""], OK);
    for (let n = 0; n < 3; n++) {
      await queue.enqueueJSON({ url: url("/fifo"), body: n, retries: 1, retryDelay: "50" });
    }
    const { createdAt, updatedAt, ...rest } = await queue.get();
    assert.deepEqual(rest, { name: "orders", parallelism: 1, paused: true, lag: 3 });
    assert.ok(updatedAt >= createdAt && createdAt > 0);
    assert.deepEqual(consumer.at("/fifo"), []);
    await queue.resume();
    const bodies = (await received("/fifo", 4)).map((it) => JSON.parse(it.body));
    assert.deepEqual(bodies, [0, 0, 1, 2]);
    await eventually("the queue is empty", async () => {
      const found = await queue.get();
      return [found.lag === 0 && !found.paused, found];
    });
    await queue.pause();
    assert.equal((await queue.get()).paused, true);
    const made = client.queue({ queueName: "made" });
    await made.enqueue({ url: url("/made"), body: "x" });
    await received("/made");
    const listed = (await client.queue().list()).map((it) => it.name);
    assert.deepEqual(listed.sort(), ["made", "orders"]);
    await queue.delete();
    await made.delete();
    assert.deepEqual(await queue.list(), []);
    await refused(queue.get(), 404, "not found");
    await assert.rejects(client.queue().get(), /provide a queue name/);
  },

  async "a batch holds all kinds, and one bad item stops no other"() {
    await client.urlGroups.addEndpoints({ name: "batch", endpoints: [{ url: url("/b/group") }] });
    const results = await client.batch([
      { url: url("/b/url?x=1"), body: "one", headers: { "X-N": "1" }, retries: 1 },
      { urlGroup: "batch", body: "two" },
      { url: url("/b/queue"), queueName: "batch", body: "three" },
      { url: url("/b/bad"), body: "four", retryDelay: "1 +" },
    ]);
    assert.equal(results.length, 4);
    assert.equal(results[1][0].url, url("/b/group"));
    assert.equal(typeof results[3].error, "string");
    for (const [path, body] of [
      ["/b/url?x=1", "one"],
      ["/b/group", "two"],
      ["/b/queue", "three"],
    ]) {
      const [request] = await received(path);
      assert.equal(request.body, body);
      const telemetry = Object.keys(request.headers).filter((it) => it.includes("telemetry"));
      assert.deepEqual(telemetry, []);
    }
    assert.equal((await received("/b/url?x=1"))[0].headers["x-n"], "1");
    await client.batchJSON([{ url: url("/b/json"), body: ORDER }]);
    const [request] = await received("/b/json");
    assert.deepEqual(JSON.parse(request.body), ORDER);
    assert.equal(request.headers["content-type"], "application/json");
    assert.deepEqual(consumer.at("/b/bad"), []);
    await client.urlGroups.delete("batch");
    await client.queue({ queueName: "batch" }).delete();
  },

  async "requests to language models and for e-mail are ordinary messages"() {
    const provider = custom({ baseUrl: consumer.base, token: "llm-token" });
    const api = { name: "llm", provider };
    await client.publishJSON({ api, body: { model: "any" }, callback: url("/llm-told") });
    const [request] = await received("/v1/chat/completions");
    assert.equal(request.headers.authorization, "Bearer llm-token");
    await received("/llm-told");
    const email = { name: "email", provider: resend({ token: "mail-token" }) };
    const mail = await client.publishJSON({ api: email, body: { to: "x" }, delay: "1h" });
    const message = await client.messages.get(mail.messageId);
    assert.equal(message.url, "https://api.resend.com/emails");
    assert.deepEqual(message.header.Authorization, ["Bearer mail-token"]);
    await client.messages.delete(mail.messageId);
    const analytics = { name: "helicone", token: "heli" };
    for (const [provider, extra, address, headers] of [
      [openai({ token: "o" }), {}, "https://api.openai.com/v1/chat/completions", { Authorization: "Bearer o" }],
      [anthropic({ token: "a" }), {}, "https://api.anthropic.com/v1/messages", { "X-Api-Key": "a" }],
      [openai({ token: "o" }), { analytics }, "https://gateway.helicone.ai/v1/chat/completions", {
        "Helicone-Auth": "Bearer heli",
        "Helicone-Target-Url": "https://api.openai.com",
      }],
    ]) {
      const api = { name: "llm", provider, ...extra };
      const request = { api, body: { model: "any" }, callback: url("/llm-told"), delay: "1h" };
      const { messageId } = await client.publishJSON(request);
      const { url: to, header } = await client.messages.get(messageId);
      assert.equal(to, address);
      for (const [name, value] of Object.entries(headers)) assert.deepEqual(header[name], [value]);
      await client.messages.delete(messageId);
    }
  },

  async "what is left out says so"() {
    const model = "meta-llama/Meta-Llama-3-8B-Instruct";
    const chat = { provider: upstash(), model, messages: [{ role: "user", content: "x" }] };
    await refused(client.chat().create(chat), 501, "language model");
    const { messages, ...prompt } = chat;
    await refused(client.chat().prompt({ ...prompt, system: "s", user: "u" }), 501, "language model");
    await refused(client.workflow.cancel("wfr_1"), 501, "orkflow");
  },

  async "schedules are kept"() {
    const created = await client.schedules.create({
      destination: url("/cron"),
      cron: "CRON_TZ=Europe/Berlin 30 4 * * MON",
      body: JSON.stringify(ORDER),
      method: "PUT",
      headers: { "X-Tenant": "7" },
      retries: 4,
      retryDelay: "1000",
      delay: 90,
      timeout: 20,
      callback: url("/callback"),
      failureCallback: url("/failure"),
      scheduleId: "weekly",
      queueName: "cron",
      label: "cron",
      flowControl: { key: "cron", rate: 2, period: 3 },
    });
    assert.deepEqual(created, { scheduleId: "weekly" });
    const schedule = await client.schedules.get("weekly");
    const expected = {
      scheduleId: "weekly",
      destination: url("/cron"),
      cron: "CRON_TZ=Europe/Berlin 30 4 * * MON",
      method: "PUT",
      header: { "Content-Type": ["application/json"], "X-Tenant": ["7"] },
      body: JSON.stringify(ORDER),
      retries: 4,
      retryDelayExpression: "1000",
      delay: 90,
      callback: url("/callback"),
      failureCallback: url("/failure"),
      queueName: "cron",
      label: "cron",
      flowControlKey: "cron",
      rate: 2,
      ratePerSecond: 2,
      period: 3,
      isPaused: false,
    };
    for (const [name, value] of Object.entries(expected)) {
      assert.deepEqual(schedule[name], value, name);
    }
    await client.schedules.pause({ schedule: "weekly" });
    assert.equal((await client.schedules.get("weekly")).isPaused, true);
    await client.schedules.resume({ schedule: "weekly" });
    assert.equal((await client.schedules.get("weekly")).isPaused, false);
    const again = { destination: url("/cron"), cron: "* * * * *", scheduleId: "weekly" };
    await client.schedules.create(again);
    assert.equal((await client.schedules.get("weekly")).body, undefined);
    const listed = (await client.schedules.list()).map((it) => it.scheduleId).sort();
    assert.deepEqual(listed, ["minutely", "weekly"]);
    await client.schedules.delete("weekly");
    await refused(client.schedules.get("weekly"), 404, "not found");
    await refused(client.schedules.create({ ...again, cron: "61 * * * *" }), 400, "ron");
  },

  async "flow control holds and lets go"() {
    const flow = client.flowControl;
    await refused(flow.get("unheard-of"), 404, "not found");
    const flowControl = { key: "flow", parallelism: 2, rate: 5, period: "1m" };
    const publish = (path) => client.publish({ url: url(path), body: "x", flowControl });
    await publish("/flow/1");
    const [request] = await received("/flow/1");
    assert.equal(request.headers["upstash-flow-control-key"], "flow");
    const counts = await flow.get("flow");
    assert.ok(counts.ratePeriodStart > 0 && counts.rateCount === 1, JSON.stringify(counts));
    const { ratePeriodStart, rateCount, parallelismCount, ...info } = counts;
    assert.equal(typeof parallelismCount, "number");
    const expected = {
      flowControlKey: "flow",
      waitListSize: 0,
      parallelismMax: 2,
      rateMax: 5,
      ratePeriod: 60,
      isPaused: false,
      isPinnedParallelism: false,
      isPinnedRate: false,
    };
    assert.deepEqual(info, expected);
    await flow.pause("flow");
    await publish("/flow/2");
    const paused = await flow.get("flow");
    assert.deepEqual([paused.isPaused, paused.waitListSize], [true, 1]);
    await flow.resume("flow");
    await received("/flow/2");
    await flow.pin("flow", { parallelism: 3, rate: 7, period: 20 });
    await publish("/flow/3");
    await received("/flow/3");
    const pinned = await flow.get("flow");
    assert.deepEqual([pinned.parallelismMax, pinned.rateMax, pinned.ratePeriod], [3, 7, 20]);
    assert.ok(pinned.isPinnedParallelism && pinned.isPinnedRate);
    await flow.unpin("flow", { parallelism: true, rate: true });
    const unpinned = await flow.get("flow");
    assert.ok(!unpinned.isPinnedParallelism && !unpinned.isPinnedRate);
    await flow.resetRate("flow");
    assert.equal((await flow.get("flow")).rateCount, 0);
    await refused(flow.pin("flow", { rate: -1 }), 400, "rate");
    assert.ok((await flow.getGlobalParallelism()).parallelismMax > 0);
  },

  async "logs are paged"() {
    const { logs, cursor } = await client.logs();
    assert.ok(logs.length > 50 && cursor === undefined, `${logs.length} ${cursor}`);
    const first = await client.logs({ count: 20 });
    const second = await client.logs({ count: 20, cursor: first.cursor });
    const pages = [...first.logs, ...second.logs].map((it) => it.time);
    assert.equal(pages.length, 40);
    assert.deepEqual(pages, [...pages].sort((a, b) => b - a));
    const ids = [logs[0].messageId, logs.at(-1).messageId];
    const both = (await client.logs({ messageIds: ids })).logs.map((it) => it.messageId);
    assert.deepEqual(new Set(both), new Set(ids));
    const failed = (await client.logs({ filter: { state: "FAILED" } })).logs;
    assert.ok(failed.length > 0 && failed.every((it) => it.state === "FAILED"));
    const since = (await client.logs({ filter: { fromDate: new Date(logs[5].time) } })).logs;
    assert.ok(since.length > 5 && since.every((it) => it.time >= logs[5].time));
  },

  async "what is redacted is delivered but not shown"() {
    const { messageId } = await client.publish({
      url: url("/redacted"),
      body: "card 4111",
      headers: { "X-Secret": "s3cret", "X-Open": "open" },
      redact: { body: true, header: ["X-Secret"] },
    });
    const [request] = await received("/redacted");
    assert.deepEqual([request.body, request.headers["x-secret"]], ["card 4111", "s3cret"]);
    const created = (await client.logs({ filter: { messageId } })).logs.at(-1);
    assert.equal(decodeBase64(created.body), redacted("card 4111"));
    assert.deepEqual(created.header["X-Secret"], [redacted("s3cret")]);
    assert.deepEqual(created.header["X-Open"], ["open"]);
  },

  async "mistakes are told"() {
    const publish = (request) => client.publish({ url: url("/bad"), body: "x", ...request });
    await refused(publish({ url: "ftp://example.com/x" }), 400, "invalid destination url");
    await refused(publish({ delay: "soon" }), 400, "Upstash-Delay");
    await refused(publish({ retryDelay: "1 +" }), 400, "Upstash-Retry-Delay");
    await refused(publish({ deduplicationId: "a:b" }), 400, "DeduplicationId cannot contain ':'");
    const wrong = new Client({ baseUrl, token: "wrong", retry: false });
    await refused(wrong.queue().list(), 401, "unable to authenticate: invalid token");
    assert.deepEqual(consumer.at("/bad"), []);
  },

  async "another user sees nothing of it"() {
    const other = new Client({ baseUrl, token: USER_4_TOKEN });
    assert.deepEqual((await other.logs()).logs, []);
    assert.deepEqual((await other.dlq.listMessages()).messages, []);
    assert.deepEqual(await other.schedules.list(), []);
    await refused(other.schedules.get("minutely"), 404, "not found");
    await refused(other.flowControl.get("flow"), 404, "not found");
  },

  async "no method is left out"() {
    assert.deepEqual([...uncalled], []);
  },

  async "a schedule fires"() {
    if (process.env.SDK_CLOCK === "1") {
      const [tick] = await received("/tick", 1, 75_000);
      assert.deepEqual([tick.body, tick.headers["upstash-schedule-id"]], ["tick", "minutely"]);
    }
    await client.schedules.delete("minutely");
  },
};

const minutely = { cron: "* * * * *", scheduleId: "minutely", body: "tick" };
await client.schedules.create({ destination: url("/tick"), ...minutely });
let failures = 0;
for (const [name, story] of Object.entries(stories)) {
  try {
    await story();
  } catch (error) {
    failures += 1;
    console.error(`NOT SO: ${name}\n${error.stack}`);
  }
}
console.error(`${Object.keys(stories).length - failures} stories hold, ${failures} do not`);
process.exit(failures > 0 ? 1 : 0);
