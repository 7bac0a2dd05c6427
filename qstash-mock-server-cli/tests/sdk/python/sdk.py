"""Every method of the official Python SDK against a running server.

Runs each story twice: with the synchronous client as one user, with the asynchronous one as another, so that
their states must not mix. Reads QSTASH_URL and SDK_CLOCK from the environment; SDK_CLOCK=1 also waits, for up to
a minute, until a schedule fires. Exits with 1 at the first thing that is not as the contract says.
"""

import asyncio
import base64
import hashlib
import inspect
import json
import os
import sys
import time
import traceback

from consumer import Consumer
from qstash import AsyncQStash, QStash, Receiver
from qstash.chat import custom, openai
from qstash.errors import QStashError, SignatureError
from qstash.log import LogState

# The published users of the development server: token, current key, next key.
USER_2 = (
    "eyJVc2VySUQiOiJ0ZXN0VXNlcjEiLCJQYXNzd29yZCI6InRlc3RQYXNzd29yZCJ9",
    "sig_7GVPjvuwsfqF65iC8fSrs1dfYruM",
    "sig_5NoELc3EFnZn4DVS5bDs2Nk4b7Ua",
)
USER_3 = (
    "eyJVc2VySUQiOiJ0ZXN0VXNlcjIiLCJQYXNzd29yZCI6InRlc3RQYXNzd29yZCJ9",
    "sig_6jWGaWRxHsw4vMSPJprXadyvrybF",
    "sig_7qHbvhmahe5GwfePDiS5Lg3pi6Qx",
)
OK = (200, {}, b"fine")
JSON = {"order_id": 42, "note": "grüße"}


class Story:
    """One user's client and consumer."""

    def __init__(self, client, user):
        self.client = client
        self.keys = user[1:]
        self.consumer = Consumer()
        self.receiver = Receiver(*self.keys)

    def url(self, path):
        return self.consumer.url(path)

    def received(self, path, count=1):
        """What came to a path; each request is verified by the SDK's own receiver."""
        requests = self.consumer.wait(path, count)
        for request in requests:
            self.verify(request)
        return requests

    def verify(self, request):
        self.receiver.verify(
            signature=request.headers["Upstash-Signature"],
            body=request.text,
            url=self.url(request.path),
        )

    async def states(self, message_id):
        """The states in a message's log, the oldest first."""
        listed = await call(self.client.log.list, filter={"message_id": message_id})
        return [log.state.value for log in reversed(listed.logs)]

    async def until_states(self, message_id, states):
        async def right():
            found = await self.states(message_id)
            return found == states, found

        await eventually(right, f"the log is {states}")


# (class, method) of what was called, so that none is forgotten.
CALLED = set()


async def call(method, /, *args, **kwargs):
    CALLED.add((type(method.__self__).__name__, method.__name__))
    result = method(*args, **kwargs)
    return await result if inspect.isawaitable(result) else result


async def eventually(check, what):
    """Asks again until the check holds; what it found last is told if it never does."""
    end = time.monotonic() + 20
    while True:
        holds, found = await check()
        if holds:
            return found
        assert time.monotonic() < end, f"never: {what}; found {found}"
        await asyncio.sleep(0.02)


async def refused(method, /, *args, said, **kwargs):
    """The call fails with an error that says `said`."""
    try:
        await call(method, *args, **kwargs)
    except QStashError as error:
        assert said in str(error), error
        return
    raise AssertionError(f"not refused: {args} {kwargs}")


async def keys_are_the_published_ones(s):
    keys = await call(s.client.signing_key.get)
    assert (keys.current, keys.next) == s.keys, keys


async def a_publish_is_delivered_as_it_was_given(s):
    result = await call(
        s.client.message.publish_json,
        url=s.url("/orders/new"),
        body=JSON,
        method="PUT",
        headers={"X-Tenant": "7", "X-List": "a, b"},
        retries=2,
        retry_delay="1000 * (1 + retried)",
        timeout="30s",
        label="orders",
    )
    assert result.message_id.startswith("msg_") and not result.deduplicated, result
    [request] = s.received("/orders/new")
    assert request.method == "PUT" and json.loads(request.body) == JSON, request.body
    expected = {
        "Content-Type": "application/json",
        "X-Tenant": "7",
        "X-List": "a, b",
        "Upstash-Message-Id": result.message_id,
        "Upstash-Retried": "0",
        "Upstash-Max-Retries": "2",
        "Upstash-Retry-Delay": "1000 * (1 + retried)",
        "Upstash-Caller-Ip": "127.0.0.1",
        "Upstash-Region": "EU-CENTRAL-1",
        "User-Agent": "Upstash-QStash",
    }
    for name, value in expected.items():
        assert request.headers[name] == value, (name, request.headers[name])
    names = [name.lower() for name in request.headers]
    assert not [it for it in names if it.startswith("upstash-forward-")], names
    assert "authorization" not in names, names
    await s.until_states(result.message_id, ["CREATED", "ACTIVE", "DELIVERED"])


async def a_signature_is_of_one_body_and_one_url(s):
    [request] = s.received("/orders/new")
    signature = request.headers["Upstash-Signature"]
    for body, url in [("{}", "/orders/new"), (request.text, "/orders/old")]:
        try:
            s.receiver.verify(signature=signature, body=body, url=s.url(url))
        except SignatureError:
            continue
        raise AssertionError(f"{body} at {url} was accepted")


async def paths_and_bodies_are_kept_byte_for_byte(s):
    path = "/raw//x%20y/Z?a=1&b=//two&c=%2F"
    body = "line one\nüñí\0 end"
    publish = s.client.message.publish
    await call(publish, url=s.url(path), body=body, content_type="text/plain", method="PATCH")
    [request] = s.received(path)
    assert (request.method, request.text) == ("PATCH", body)
    assert request.headers["Content-Type"] == "text/plain"
    blob = bytes(range(256))
    await call(publish, url=s.url("/blob"), body=blob, content_type="application/octet-stream")
    [request] = s.consumer.wait("/blob")
    assert request.body == blob


async def pending_messages_are_read_and_cancelled(s):
    message = s.client.message
    # What an earlier story sent and is still under way counts as pending, too.
    await call(message.cancel_all)
    publish = message.publish_json
    published = await call(
        publish,
        url=s.url("/later"),
        body=JSON,
        headers={"X-Tenant": "7"},
        callback=s.url("/callback"),
        failure_callback=s.url("/failure"),
        callback_headers={"Forward-X-Call": "c"},
        retries=5,
        retry_delay="1000",
        delay="1h",
        label="later",
        flow_control={"key": "later", "parallelism": 3, "rate": 7, "period": "2m"},
    )
    got = await call(message.get, published.message_id)
    assert got.message_id == published.message_id and got.url == s.url("/later"), got
    assert (got.method, got.max_retries, got.retry_delay_expression) == ("POST", 5, "1000"), got
    assert json.loads(got.body) == JSON and got.body_base64 is None, got
    assert got.headers == {"X-Tenant": ["7"], "Content-Type": ["application/json"]}, got.headers
    assert (got.callback, got.failure_callback) == (s.url("/callback"), s.url("/failure")), got
    assert got.callback_headers == {"X-Call": ["c"]}, got.callback_headers
    assert got.label == "later" and got.caller_ip == "127.0.0.1", got
    flow = got.flow_control
    assert (flow.key, flow.parallelism, flow.rate, flow.period) == ("later", 3, 7, 120), flow
    assert 3_590_000 <= got.not_before - got.created_at <= 3_600_000, got
    assert abs(got.created_at - time.time() * 1000) < 60_000, got
    assert got.url_group is None and got.queue is None and got.schedule_id is None, got

    await call(message.cancel, published.message_id)
    assert "CANCEL_REQUESTED" in await s.states(published.message_id)
    await refused(message.cancel, "msg_unknown", said="not found")

    at = int(time.time()) + 3600
    ids = []
    for _ in range(3):
        result = await call(publish, url=s.url("/later"), body=1, not_before=at)
        ids.append(result.message_id)
    first = await call(message.get, ids[0])
    assert first.not_before == at * 1000, first
    assert await call(message.cancel_many, [ids[0], ids[1], "msg_unknown"]) == 2
    assert await call(message.cancel_many, ids[:2]) == 0
    assert await call(message.cancel_all) == 1
    assert await call(message.cancel_all) == 0
    assert not s.consumer.at("/later")


async def a_duplicate_is_not_enqueued(s):
    publish = s.client.message.publish
    for options in [{"deduplication_id": "once"}, {"content_based_deduplication": True}]:
        path = "/once/" + next(iter(options))
        first = await call(publish, url=s.url(path), body="same", **options)
        again = await call(publish, url=s.url(path), body="same", **options)
        assert not first.deduplicated and again.deduplicated, (first, again)
        assert first.message_id == again.message_id, (first, again)
        s.received(path)
        await s.until_states(first.message_id, ["CREATED", "ACTIVE", "DELIVERED"])
        assert len(s.consumer.at(path)) == 1
    other = await call(
        publish, url=s.url("/once/other"), body="other", content_based_deduplication=True
    )
    assert not other.deduplicated


async def failures_are_retried_as_told(s):
    s.consumer.plan("/flaky", (500, {"X-Why": "first"}, b"broken"), (503, {}, b"busy"), OK)
    result = await call(
        s.client.message.publish, url=s.url("/flaky"), body="x", retries=3, retry_delay="50"
    )
    requests = s.received("/flaky", 3)
    assert [it.headers["Upstash-Retried"] for it in requests] == ["0", "1", "2"]
    assert {it.headers["Upstash-Message-Id"] for it in requests} == {result.message_id}
    retried = ["ACTIVE", "ERROR", "RETRY"]
    await s.until_states(
        result.message_id, ["CREATED", *retried, *retried, "ACTIVE", "DELIVERED"]
    )
    logs = (await call(s.client.log.list, filter={"message_id": result.message_id})).logs
    error = [log for log in logs if log.state == LogState.ERROR][-1]
    assert error.response_status == 500 and error.max_retries == 3, error
    assert base64.b64decode(error.response_body) == b"broken", error
    assert error.response_headers["X-Why"] == ["first"], error
    assert error.retry_delay_expression == "50", error
    retry = [log for log in logs if log.state == LogState.RETRY][0]
    assert retry.next_delivery_time >= retry.time, retry

    s.consumer.plan("/after", (429, {"Retry-After": "1"}, b""), OK)
    await call(s.client.message.publish, url=s.url("/after"), body="x", retry_delay="86400000")
    s.received("/after", 2)


async def what_fails_for_good_is_a_dead_letter(s):
    dlq = s.client.dlq
    s.consumer.plan("/broken", (503, {"X-Why": "no"}, b"broken"))
    ids = []
    for number in range(4):
        result = await call(
            s.client.message.publish_json,
            url=s.url("/broken"),
            body={"number": number},
            retries=0,
            label="broken",
            failure_callback=s.url("/failed"),
        )
        ids.append(result.message_id)
    failed = {}
    for request in s.received("/failed", 4):
        assert request.method == "POST", request.method
        report = json.loads(request.body)
        failed[report["sourceMessageId"]] = report
    report = failed[ids[0]]
    assert (report["status"], report["retried"], report["maxRetries"]) == (503, 0, 0), report
    assert base64.b64decode(report["body"]) == b"broken", report
    assert json.loads(base64.b64decode(report["sourceBody"])) == {"number": 0}, report
    assert report["header"]["X-Why"] == ["no"] and report["url"] == s.url("/broken"), report
    await s.until_states(ids[0], ["CREATED", "ACTIVE", "ERROR", "FAILED"])

    [letter] = (await call(dlq.list, filter={"message_id": ids[0]})).messages
    assert letter.dlq_id == report["dlqId"] and letter.response_status == 503, letter
    assert letter.response_body == "broken" and letter.response_headers["X-Why"] == ["no"], letter
    assert letter.label == "broken" and json.loads(letter.body) == {"number": 0}, letter
    assert (await call(dlq.get, letter.dlq_id)).message_id == ids[0]

    page = await call(dlq.list, count=3, filter={"label": "broken", "response_status": 503})
    assert len(page.messages) == 3 and page.cursor, page
    rest = await call(dlq.list, cursor=page.cursor, filter={"label": "broken"})
    assert len(rest.messages) == 1 and not rest.cursor, rest
    listed = [it.message_id for it in page.messages + rest.messages]
    assert sorted(listed) == sorted(ids), listed
    nothing = await call(dlq.list, filter={"url": s.url("/other")})
    assert nothing.messages == [], nothing

    await call(dlq.delete, letter.dlq_id)
    await refused(dlq.get, letter.dlq_id, said="404")
    await refused(dlq.delete, letter.dlq_id, said="404")
    others = [it.dlq_id for it in page.messages + rest.messages if it.dlq_id != letter.dlq_id]
    assert await call(dlq.delete_many, others[:2] + ["0-0"]) == 2
    assert await call(dlq.delete_many, others) == 1
    assert (await call(dlq.list)).messages == []

    stop = {"Upstash-NonRetryable-Error": "true"}
    s.consumer.plan("/never", (489, stop, b""))
    result = await call(s.client.message.publish, url=s.url("/never"), body="x", retries=3)
    await s.until_states(result.message_id, ["CREATED", "ACTIVE", "ERROR", "FAILED"])
    assert len(s.consumer.at("/never")) == 1
    [letter] = (await call(dlq.list)).messages
    await call(dlq.delete, letter.dlq_id)


async def callbacks_tell_of_each_attempt(s):
    s.consumer.plan("/called", (500, {}, b"not yet"), (201, {}, b"made"))
    result = await call(
        s.client.message.publish,
        url=s.url("/called"),
        body="x",
        retries=1,
        retry_delay="50",
        callback=s.url("/told"),
        callback_headers={"Forward-X-Call": "c"},
    )
    requests = s.received("/told", 2)
    reports = sorted((json.loads(it.body) for it in requests), key=lambda it: it["retried"])
    found = [(it["status"], it["retried"], base64.b64decode(it["body"])) for it in reports]
    assert found == [(500, 0, b"not yet"), (201, 1, b"made")], found
    for request, report in zip(requests, reports):
        assert report["sourceMessageId"] == result.message_id, report
        assert request.headers["X-Call"] == "c"
        assert request.headers["Upstash-Message-Id"] != result.message_id


async def url_groups_fan_out(s):
    groups = s.client.url_group
    await call(groups.delete, "fan")
    endpoints = [{"url": s.url("/fan/1"), "name": "first one"}, {"url": s.url("/fan/2")}]
    await call(groups.upsert_endpoints, "fan", endpoints)
    group = await call(groups.get, "fan")
    assert [(it.url, it.name) for it in group.endpoints] == [
        (s.url("/fan/1"), "first one"),
        (s.url("/fan/2"), None),
    ], group
    assert group.name == "fan" and group.updated_at >= group.created_at > 0, group
    assert [it.name for it in await call(groups.list)] == ["fan"]
    results = await call(s.client.message.publish_json, url_group="fan", body=JSON)
    assert [it.url for it in results] == [s.url("/fan/1"), s.url("/fan/2")], results
    for path, result in zip(["/fan/1", "/fan/2"], results):
        [request] = s.received(path)
        assert request.headers["Upstash-Topic-Name"] == "fan"
        assert request.headers["Upstash-Message-Id"] == result.message_id
    by_group = await call(s.client.log.list, filter={"url_group": "fan"})
    assert {it.message_id for it in by_group.logs} == {it.message_id for it in results}
    names = {it.endpoint for it in by_group.logs if it.url == s.url("/fan/1")}
    assert names == {"first one"}, names
    await call(groups.remove_endpoints, "fan", [{"name": "first one"}])
    group = await call(groups.get, "fan")
    assert [it.url for it in group.endpoints] == [s.url("/fan/2")], group
    await call(groups.remove_endpoints, "fan", [{"url": s.url("/fan/2")}])
    await refused(groups.get, "fan", said="404")
    await refused(s.client.message.publish, url_group="fan", body="x", said="topic fan not found")
    assert await call(groups.list) == []


async def queues_keep_the_order(s):
    queues = s.client.queue
    await call(queues.upsert, "orders", parallelism=1, paused=True)
    queue = await call(queues.get, "orders")
    assert (queue.name, queue.parallelism, queue.paused, queue.lag) == ("orders", 1, True, 0), queue
    s.consumer.plan("/fifo", (500, {}, b""), OK)
    ids = []
    for number in range(3):
        result = await call(
            s.client.message.enqueue_json,
            queue="orders",
            url=s.url("/fifo"),
            body=number,
            retries=1,
            retry_delay="50",
        )
        ids.append(result.message_id)
    assert (await call(queues.get, "orders")).lag == 3
    assert (await call(s.client.message.get, ids[0])).queue == "orders"
    assert not s.consumer.at("/fifo")
    await call(queues.resume, "orders")
    bodies = [json.loads(it.body) for it in s.received("/fifo", 4)]
    assert bodies == [0, 0, 1, 2], bodies

    async def empty():
        queue = await call(queues.get, "orders")
        return queue.lag == 0 and not queue.paused, queue

    await eventually(empty, "the queue is empty")
    await call(queues.pause, "orders")
    assert (await call(queues.get, "orders")).paused
    held = await call(s.client.message.enqueue, queue="orders", url=s.url("/held"), body="x")
    await call(s.client.message.cancel, held.message_id)
    await call(s.client.message.enqueue, queue="made", url=s.url("/made"), body="x")
    s.received("/made")
    listed = {it.name: it.parallelism for it in await call(queues.list)}
    assert listed == {"orders": 1, "made": 1}, listed
    for name in listed:
        await call(queues.delete, name)
    assert await call(queues.list) == []
    await refused(queues.get, "orders", said="404")
    assert not s.consumer.at("/held")


async def a_batch_holds_all_kinds(s):
    await call(s.client.url_group.upsert_endpoints, "batch", [{"url": s.url("/b/group")}])
    results = await call(
        s.client.message.batch,
        [
            {"url": s.url("/b/url?x=1"), "body": "one", "headers": {"X-N": "1"}, "retries": 1},
            {"url_group": "batch", "body": "two"},
            {"url": s.url("/b/queue"), "queue": "batch", "body": "three"},
        ],
    )
    assert results[1][0].url == s.url("/b/group"), results
    ids = [results[0].message_id, results[1][0].message_id, results[2].message_id]
    for path, body, message_id in zip(
        ["/b/url?x=1", "/b/group", "/b/queue"], ["one", "two", "three"], ids
    ):
        [request] = s.received(path)
        assert request.text == body and request.headers["Upstash-Message-Id"] == message_id
    [request] = s.received("/b/url?x=1")
    assert request.headers["X-N"] == "1"
    [result] = await call(s.client.message.batch_json, [{"url": s.url("/b/json"), "body": JSON}])
    [request] = s.received("/b/json")
    assert json.loads(request.body) == JSON and result.message_id
    assert request.headers["Content-Type"] == "application/json"
    await call(s.client.url_group.delete, "batch")
    await call(s.client.queue.delete, "batch")


async def llm_requests_are_ordinary_messages(s):
    provider = custom(s.url("/llm/v1/chat/completions"), "llm-token")
    await call(
        s.client.message.publish_json,
        api={"name": "llm", "provider": provider},
        body={"model": "any"},
        callback=s.url("/llm-told"),
        headers={},
    )
    [request] = s.received("/llm/v1/chat/completions")
    assert request.headers["Authorization"] == "Bearer llm-token"
    s.received("/llm-told")
    result = await call(
        s.client.message.publish_json,
        api={"name": "llm", "provider": openai("o")},
        body={"model": "any"},
        callback=s.url("/llm-told"),
        headers={},
        delay="1h",
    )
    message = await call(s.client.message.get, result.message_id)
    assert message.url == "https://api.openai.com/v1/chat/completions", message
    assert message.headers["Authorization"] == ["Bearer o"], message
    await call(s.client.message.cancel, result.message_id)


async def schedules_are_kept(s):
    schedule = s.client.schedule
    created = await call(
        schedule.create_json,
        destination=s.url("/cron"),
        cron="CRON_TZ=Europe/Berlin 30 4 * * MON",
        body=JSON,
        method="PUT",
        headers={"X-Tenant": "7"},
        retries=4,
        retry_delay="1000",
        delay="90s",
        timeout=20,
        callback=s.url("/callback"),
        failure_callback=s.url("/failure"),
        schedule_id="weekly",
        queue="cron",
        label="cron",
        flow_control={"key": "cron", "rate": 2, "period": 3},
    )
    assert created == "weekly", created
    got = await call(schedule.get, "weekly")
    assert (got.schedule_id, got.destination, got.method) == ("weekly", s.url("/cron"), "PUT"), got
    assert got.cron == "CRON_TZ=Europe/Berlin 30 4 * * MON" and got.retries == 4, got
    assert json.loads(got.body) == JSON and not got.paused, got
    assert got.headers == {"Content-Type": ["application/json"], "X-Tenant": ["7"]}, got.headers
    assert (got.delay, got.queue, got.label) == (90, "cron", "cron"), got
    assert (got.callback, got.failure_callback) == (s.url("/callback"), s.url("/failure")), got
    assert (got.flow_control.key, got.flow_control.rate, got.flow_control.period) == ("cron", 2, 3)
    assert got.caller_ip == "127.0.0.1" and got.retry_delay_expression == "1000", got
    assert got.next_schedule_time > time.time() * 1000, got
    await call(schedule.pause, "weekly")
    await call(schedule.pause, "weekly")
    assert (await call(schedule.get, "weekly")).paused
    await call(schedule.resume, "weekly")
    assert not (await call(schedule.get, "weekly")).paused

    again = await call(
        schedule.create, destination=s.url("/cron"), cron="* * * * *", schedule_id="weekly"
    )
    got = await call(schedule.get, "weekly")
    assert again == "weekly" and got.body is None and got.cron == "* * * * *", got
    assert got.label is None and got.queue is None and got.method == "POST", got
    named = await call(schedule.create, destination=s.url("/cron"), cron="0 0 1 1 *", body="x")
    assert named.startswith("scd_"), named
    listed = sorted(it.schedule_id for it in await call(schedule.list))
    assert listed == sorted([named, "weekly", "minutely"]), listed
    for schedule_id in ["weekly", named]:
        await call(schedule.delete, schedule_id)
        await refused(schedule.get, schedule_id, said="404")
    await refused(
        schedule.create, destination=s.url("/cron"), cron="61 * * * *", said="400"
    )


async def flow_control_holds_and_lets_go(s):
    flow = s.client.flow_control
    await refused(flow.get, "unheard-of", said="404")

    async def publish(path):
        options = {"key": "flow", "parallelism": 2, "rate": 5, "period": "1m"}
        return await call(
            s.client.message.publish, url=s.url(path), body="x", flow_control=options
        )

    await publish("/flow/1")
    [request] = s.received("/flow/1")
    assert request.headers["Upstash-Flow-Control-Key"] == "flow"
    value = request.headers["Upstash-Flow-Control-Value"]
    assert value == "parallelism=2,rate=5,period=60", value
    info = await call(flow.get, "flow")
    assert (info.key, info.parallelism_max, info.rate_max, info.rate_period) == ("flow", 2, 5, 60)
    assert info.rate_count == 1 and info.rate_period_start > 0, info
    assert not (info.is_paused or info.is_pinned_parallelism or info.is_pinned_rate), info
    await call(flow.pause, "flow")
    await publish("/flow/2")
    info = await call(flow.get, "flow")
    assert info.is_paused and info.wait_list_size == 1, info
    assert not s.consumer.at("/flow/2")
    await call(flow.resume, "flow")
    s.received("/flow/2")
    await call(flow.pin, "flow", {"parallelism": 3, "rate": 7, "period": 20})
    await publish("/flow/3")
    s.received("/flow/3")
    info = await call(flow.get, "flow")
    assert (info.parallelism_max, info.rate_max, info.rate_period) == (3, 7, 20), info
    assert info.is_pinned_parallelism and info.is_pinned_rate, info
    await call(flow.unpin, "flow", {"parallelism": True, "rate": True})
    info = await call(flow.get, "flow")
    assert not (info.is_pinned_parallelism or info.is_pinned_rate), info
    await publish("/flow/4")
    s.received("/flow/4")
    info = await call(flow.get, "flow")
    assert (info.parallelism_max, info.rate_max, info.rate_period) == (2, 5, 60), info
    await call(flow.reset_rate, "flow")
    assert (await call(flow.get, "flow")).rate_count == 0
    globally = await call(flow.get_global_parallelism)
    assert globally.parallelism_max > 0 and globally.parallelism_count >= 0, globally


async def logs_are_paged_and_filtered(s):
    listing = s.client.log.list
    everything = await call(listing)
    assert len(everything.logs) > 50 and everything.cursor is None, len(everything.logs)
    times = [log.time for log in everything.logs]
    assert times == sorted(times, reverse=True)
    seen, cursor = [], None
    while True:
        page = await call(listing, count=20, cursor=cursor)
        assert len(page.logs) <= 20
        seen += [(log.message_id, log.state, log.time) for log in page.logs]
        cursor = page.cursor
        if not cursor:
            break
    assert len(seen) >= len(everything.logs)
    failed = await call(listing, filter={"state": LogState.FAILED})
    assert failed.logs and {log.state for log in failed.logs} == {LogState.FAILED}
    labelled = await call(listing, filter={"label": "orders"})
    assert {log.label for log in labelled.logs} == {"orders"}
    at = await call(listing, filter={"url": s.url("/flaky")})
    assert at.logs and {log.url for log in at.logs} == {s.url("/flaky")}
    ids = [labelled.logs[0].message_id, at.logs[0].message_id]
    both = await call(listing, filter={"message_ids": ids})
    assert {log.message_id for log in both.logs} == set(ids)
    middle = times[len(times) // 2]
    since = await call(listing, filter={"from_time": middle})
    until = await call(listing, filter={"to_time": middle})
    assert min(log.time for log in since.logs) >= middle >= max(log.time for log in until.logs)


async def what_is_redacted_is_delivered_but_not_shown(s):
    redact = {"body": True, "header": ["X-Secret"]}
    result = await call(
        s.client.message.publish,
        url=s.url("/redacted"),
        body="card 4111",
        headers={"X-Secret": "s3cret", "X-Open": "open"},
        redact=redact,
    )
    [request] = s.received("/redacted")
    assert (request.text, request.headers["X-Secret"]) == ("card 4111", "s3cret")
    logs = (await call(s.client.log.list, filter={"message_id": result.message_id})).logs
    digest = hashlib.sha256(b"card 4111").hexdigest()
    created = logs[-1]
    assert base64.b64decode(created.body_base64).decode() == f"REDACTED:{digest}", created
    assert created.headers["X-Open"] == ["open"], created
    secret = hashlib.sha256(b"s3cret").hexdigest()
    assert created.headers["X-Secret"] == [f"REDACTED:{secret}"], created


async def mistakes_are_told(s):
    publish = s.client.message.publish
    await refused(publish, url="ftp://example.com/x", body="x", said="invalid destination url")
    for options in [{"delay": "soon"}, {"retry_delay": "1 +"}, {"timeout": "1w"}]:
        await refused(publish, url=s.url("/bad"), body="x", said="400", **options)
    await refused(
        publish, url=s.url("/bad"), body="x", deduplication_id="a:b", said="cannot contain ':'"
    )
    assert not s.consumer.at("/bad")


async def rotated_keys_sign_what_comes_after(s):
    rotated = await call(s.client.signing_key.rotate)
    assert rotated.current == s.keys[1] and rotated.next not in s.keys, rotated
    await call(s.client.message.publish, url=s.url("/rotated"), body="x")
    # Consumers that know the old pair go on: what was next is now in use.
    [request] = s.received("/rotated")
    try:
        Receiver(s.keys[0], s.keys[0]).verify(
            signature=request.headers["Upstash-Signature"], body=request.text
        )
    except SignatureError:
        return
    raise AssertionError("still signed with the old key")


STORIES = [
    keys_are_the_published_ones,
    a_publish_is_delivered_as_it_was_given,
    a_signature_is_of_one_body_and_one_url,
    paths_and_bodies_are_kept_byte_for_byte,
    pending_messages_are_read_and_cancelled,
    a_duplicate_is_not_enqueued,
    failures_are_retried_as_told,
    what_fails_for_good_is_a_dead_letter,
    callbacks_tell_of_each_attempt,
    url_groups_fan_out,
    queues_keep_the_order,
    a_batch_holds_all_kinds,
    llm_requests_are_ordinary_messages,
    schedules_are_kept,
    flow_control_holds_and_lets_go,
    logs_are_paged_and_filtered,
    what_is_redacted_is_delivered_but_not_shown,
    mistakes_are_told,
]


async def tell(story):
    """All stories; the number of those that did not hold."""
    create = story.client.schedule.create
    await call(
        create, destination=story.url("/tick"), cron="* * * * *", schedule_id="minutely", body="tick"
    )
    failures = 0
    for part in STORIES:
        try:
            await part(story)
        except Exception:  # Told, and the next one is tried: they stand on their own.
            failures += 1
            print(f"NOT SO, {type(story.client).__name__}: {part.__name__}", file=sys.stderr)
            traceback.print_exc()
    return failures


async def schedules_fire(story):
    story.consumer.wait_for(
        "the schedule fires", lambda seen: any(it.path == "/tick" for it in seen), 75
    )
    [request] = story.received("/tick")
    assert request.text == "tick" and request.headers["Upstash-Schedule-Id"] == "minutely"


def none_is_left_out(client):
    missed = []
    for name, api in vars(client).items():
        if name == "http":
            continue
        for method, _ in inspect.getmembers(api, inspect.ismethod):
            if not method.startswith("_") and (type(api).__name__, method) not in CALLED:
                missed.append(f"{name}.{method}")
    assert not missed, missed


async def main():
    url = os.environ["QSTASH_URL"]
    wrong = QStash("wrong", base_url=url, retry=False)
    await refused(wrong.queue.list, said="unable to authenticate: invalid token")
    stories = [
        Story(QStash(USER_2[0], base_url=url), USER_2),
        Story(AsyncQStash(USER_3[0], base_url=url), USER_3),
    ]
    failures = 0
    for story in stories:
        failures += await tell(story)
    for story in stories:
        if os.environ.get("SDK_CLOCK") == "1":
            await schedules_fire(story)
        await call(story.client.schedule.delete, "minutely")
        await rotated_keys_sign_what_comes_after(story)
        none_is_left_out(story.client)
    print(f"{2 * len(STORIES) - failures} stories hold, {failures} do not", file=sys.stderr)
    sys.exit(1 if failures else 0)


asyncio.run(main())
