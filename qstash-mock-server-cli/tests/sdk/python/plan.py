"""What the plan `free` refuses, as the official Python SDK tells it. Reads QSTASH_URL from the environment."""

import os
import time

from qstash import QStash
from qstash.errors import DailyMessageLimitExceededError, QStashError

# The published user 2 of the development server.
TOKEN = "eyJVc2VySUQiOiJ0ZXN0VXNlcjEiLCJQYXNzd29yZCI6InRlc3RQYXNzd29yZCJ9"
URL = "http://127.0.0.1:9/never"

client = QStash(TOKEN, base_url=os.environ["QSTASH_URL"], retry=False)


def refused(said, method, *args, **kwargs):
    try:
        method(*args, **kwargs)
    except QStashError as error:
        assert "status: 412" in str(error) and said in str(error), error
        return
    raise AssertionError(f"not refused: {said}")


publish = client.message.publish
refused("quota maxDelay exceeded, current limit: 604800", publish, url=URL, delay="8d")
refused("quota maxRetries exceeded, current limit: 5", publish, url=URL, retries=6)
refused("quota timeout exceeded, current limit: 900", publish, url=URL, timeout="16m")
large = "x" * ((1 << 20) + 1)
refused("quota maxMessageSize exceeded, current limit: 1048576", publish, url=URL, body=large)

create = client.schedule.create
for number in range(10):
    client.queue.upsert(f"q{number}", parallelism=2)
    create(destination=URL, cron="0 0 1 1 *", schedule_id=f"s{number}")
client.queue.upsert("q0", parallelism=1)
create(destination=URL, cron="0 0 1 2 *", schedule_id="s0")
refused("quota maxQueues exceeded, current limit: 10", client.queue.upsert, "q10")
refused("quota maxParallelism exceeded, current limit: 2", client.queue.upsert, "q0", parallelism=3)
refused("quota maxSchedules exceeded, current limit: 10", create, destination=URL, cron="0 0 1 1 *")

upsert = client.url_group.upsert_endpoints
upsert("g", [{"url": f"{URL}/{number}"} for number in range(100)])
refused("quota maxTopics exceeded, current limit: 1", upsert, "h", [{"url": URL}])
refused("quota maxEndpointsPerTopic exceeded, current limit: 100", upsert, "g", [{"url": URL}])
assert client.flow_control.get_global_parallelism().parallelism_max == 10

# Nothing of what was refused counts for the day.
results = client.message.batch([{"url": URL, "body": "x", "delay": "1d"}] * 1000)
assert len({result.message_id for result in results}) == 1000
try:
    publish(url=URL, body="x")
    raise AssertionError("the day has a thousand messages")
except DailyMessageLimitExceededError as error:
    assert (error.limit, error.remaining) == ("1000", "0"), error
    assert 0 < int(error.reset) - time.time() <= 86_400, error
assert client.message.cancel_all() == 1000
