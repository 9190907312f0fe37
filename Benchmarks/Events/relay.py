"""The peer: what a Python service does that relays a journal to a webhook, on one core.

    relay.py httpx|aiohttp CONNECTION URL FIRST LAST CONCURRENCY

It does the same as ours where all goes well: reads behind the same horizon 500 rows at a time, makes a CloudEvent of each,
signs it, posts it, and keeps a cursor once a second. It has no retries, filters, leases or limits. Reads the events whose
numbers lie between FIRST and LAST, and prints how many it delivered, the seconds, and the seconds of processor time.
"""

import asyncio
import base64
import hashlib
import hmac
import json
import sys
import time
import uuid

import psycopg

READ = """
    SELECT id, transaction::text, at, actor, action, subject, workspace, after FROM journal.entries
    WHERE (transaction, id) > (%s::xid8, %s) AND transaction < pg_snapshot_xmin(pg_current_snapshot())
    ORDER BY transaction, id LIMIT 500
"""
KEY = b"0123456789abcdef0123456789abcdef"


def request(row):
    number, transaction, at, actor, action, subject, workspace, after = row
    body = json.dumps({
        "specversion": "1.0", "id": str(number), "source": f"/slipway/workspaces/{workspace}", "type": f"slipway.{action}",
        "subject": subject, "time": at.isoformat(), "datacontenttype": "application/json", "workspace": workspace,
        "actor": actor, "sequence": f"{transaction:0>20}-{number:0>19}", "data": after}, separators=(",", ":")).encode()
    attempt, seconds = str(uuid.uuid4()), str(int(time.time()))
    signature = hmac.new(KEY, f"{attempt}.{seconds}.".encode() + body, hashlib.sha256).digest()
    return body, {
        "content-type": "application/cloudevents+json; charset=utf-8", "webhook-id": attempt,
        "webhook-timestamp": seconds, "webhook-signature": "v1," + base64.b64encode(signature).decode()}


def client(kind, concurrency):
    """A session, and how it posts."""
    if kind == "aiohttp":
        import aiohttp

        session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=concurrency))

        async def post(url, body, headers):
            async with session.post(url, data=body, headers=headers) as answer:
                return answer.status
    else:
        import httpx

        session = httpx.AsyncClient(limits=httpx.Limits(max_connections=concurrency))

        async def post(url, body, headers):
            return (await session.post(url, content=body, headers=headers)).status_code

    return session, post


async def main():
    kind, connection, url, first, last, concurrency = sys.argv[1:]
    first, last, concurrency = int(first), int(last), int(concurrency)
    session, post = client(kind, concurrency)
    database = await psycopg.AsyncConnection.connect(connection, autocommit=True)
    await database.execute("CREATE TABLE IF NOT EXISTS peer_cursor (transaction text, id bigint)")
    cursor = (await (await database.execute(
        "SELECT transaction::text, id FROM journal.entries WHERE id = %s", [first])).fetchone())
    cursor = (cursor[0], cursor[1] - 1)
    queue = asyncio.Queue(maxsize=1000)
    delivered = 0

    async def deliver():
        nonlocal delivered
        while True:
            row = await queue.get()
            if row is None:
                return
            status = await post(url, *request(row))
            assert status // 100 == 2, status
            delivered += 1

    began, processor, kept = time.monotonic(), time.process_time(), time.monotonic()
    workers = [asyncio.create_task(deliver()) for _ in range(concurrency)]
    finished = False
    while not finished:
        rows = await (await database.execute(READ, cursor)).fetchall()
        if not rows:
            await asyncio.sleep(0.02)
        for row in rows:
            if row[0] > last:
                finished = True
                break
            await queue.put(row)
            cursor = (row[1], row[0])
            finished = row[0] == last
        if time.monotonic() - kept > 1:
            kept = time.monotonic()
            await database.execute("DELETE FROM peer_cursor")
            await database.execute("INSERT INTO peer_cursor VALUES (%s, %s)", cursor)
    for _ in workers:
        await queue.put(None)
    await asyncio.gather(*workers)
    print(delivered, time.monotonic() - began, time.process_time() - processor)
    await (session.close() if kind == "aiohttp" else session.aclose())
    await database.close()


asyncio.run(main())
