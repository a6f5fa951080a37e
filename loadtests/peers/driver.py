"""What the drivers of all peers share: how they are called, what they print, what is right.

    python3 peers/NAME.py SCENARIO [--runs N] [--rate N] [--steps N]

The database is an empty one that PGHOST, PGPORT, PGUSER and PGDATABASE name. The last line is a JSON object with
`version` and `figures`. Exit code 3 when the peer is not installed, 2 when a job was lost or done twice.
"""

import argparse
import asyncio
import importlib
import importlib.metadata
import json
import os
import sys
import time

NOT_INSTALLED, WRONG = 3, 2


def url(scheme="postgresql"):
    """The database as a URL; the server listens on a unix socket, whose folder is PGHOST."""
    return "%s://%s@/%s?host=%s&port=%s" % (
        scheme, os.environ["PGUSER"], os.environ["PGDATABASE"], os.environ["PGHOST"], os.environ["PGPORT"])


class Ledger:
    """Which jobs were done, and when they began."""

    def __init__(self, expected):
        self.expected, self.began, self.twice = expected, {}, 0
        self.done = asyncio.Event()

    def begin(self, number):
        if number in self.began:
            self.twice += 1
        self.began[number] = time.perf_counter()
        if len(self.began) >= self.expected:
            self.done.set()

    def check(self):
        if self.twice or len(self.began) != self.expected:
            print(f"{len(self.began)} of {self.expected} jobs were done, {self.twice} of them twice")
            sys.exit(WRONG)


def percentile(values, part):
    ordered = sorted(values)
    return ordered[round((len(ordered) - 1) * part)]


async def drained(ledger, work, stop, unfinished):
    """Jobs a second from the first that begins until the database has the end of all: until `unfinished`, a query that
    counts jobs, gives 0. `work` is the worker."""
    import psycopg
    worker = asyncio.ensure_future(work)
    await asyncio.wait([worker, asyncio.ensure_future(ledger.done.wait())], return_when=asyncio.FIRST_COMPLETED)
    async with await psycopg.AsyncConnection.connect(url(), autocommit=True) as connection:
        deadline = time.perf_counter() + 60
        while (await (await connection.execute(unfinished)).fetchone())[0]:
            if time.perf_counter() > deadline:
                print("jobs that began have no end in the database")
                sys.exit(WRONG)
            await asyncio.sleep(0.02)
    end = time.perf_counter()
    await stop(worker)
    ledger.check()
    return {"drained": len(ledger.began) / (end - min(ledger.began.values()))}


async def enqueued(count, batch, put):
    """Jobs a second, enqueued in batches by `put(first, last)`."""
    begin = time.perf_counter()
    for first in range(0, count, batch):
        await put(first, min(first + batch, count))
    return {"enqueued": count / (time.perf_counter() - begin)}


async def paced(ledger, rate, put, work, stop):
    """From the acknowledged enqueue to the beginning of the job, in ms, one by one at a rate."""
    worker = asyncio.ensure_future(work)
    await asyncio.sleep(1)
    begin, committed = time.perf_counter(), {}
    for number in range(ledger.expected):
        await asyncio.sleep(max(0.0, begin + number / rate - time.perf_counter()))
        await put(number)
        committed[number] = time.perf_counter()
    await asyncio.wait_for(ledger.done.wait(), 60)
    await stop(worker)
    ledger.check()
    waits = [max(0.0, ledger.began[number] - committed[number]) * 1e3 for number in committed]
    return {"pickup.p50": percentile(waits, 0.5), "pickup.p99": percentile(waits, 0.99)}


def main(module, distribution, scenarios):
    parser = argparse.ArgumentParser()
    parser.add_argument("scenario", choices=sorted(scenarios))
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--rate", type=int, default=50)
    parser.add_argument("--steps", type=int, default=50)
    options = parser.parse_args()
    try:
        importlib.import_module(module)
        version = importlib.metadata.version(distribution)
    except ImportError:
        print(f"{distribution} is not installed")
        sys.exit(NOT_INSTALLED)
    figures = asyncio.run(scenarios[options.scenario](options))
    print(json.dumps({"version": version, "figures": figures}), flush=True)
