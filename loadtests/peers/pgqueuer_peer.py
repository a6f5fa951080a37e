"""PgQueuer 1.6 (asyncpg): batches of 1,000 in, 100 at once out, as its own benchmark does it."""

import asyncio
from datetime import timedelta

import driver

BATCH = 100


async def room():
    import asyncpg
    from pgqueuer.db import AsyncpgDriver
    from pgqueuer.qm import QueueManager
    from pgqueuer.queries import Queries
    queries = Queries(AsyncpgDriver(await asyncpg.connect()))
    await queries.install()
    return queries, QueueManager(Queries(AsyncpgDriver(await asyncpg.connect())))


async def put(queries, first, last):
    count = last - first
    await queries.enqueue(["noop"] * count, [str(number).encode() for number in range(first, last)], [0] * count)


def entry(manager, ledger):
    @manager.entrypoint("noop")
    async def noop(job):
        ledger.begin(int(job.payload))


def work(manager):
    return manager.run(batch_size=BATCH, dequeue_timeout=timedelta(seconds=1))


def stopper(manager):
    async def stop(worker):
        manager.shutdown.set()
        await asyncio.wait([worker], timeout=30)
    return stop


async def enqueue(options):
    queries, _ = await room()
    return await driver.enqueued(options.runs, 1_000, lambda first, last: put(queries, first, last))


async def drain(options):
    queries, manager = await room()
    ledger = driver.Ledger(options.runs)
    entry(manager, ledger)
    figures = await driver.enqueued(options.runs, 1_000, lambda first, last: put(queries, first, last))
    return figures | await driver.drained(
        ledger, work(manager), stopper(manager), "SELECT count(*) FROM pgqueuer")


async def pickup(options):
    queries, manager = await room()
    ledger = driver.Ledger(options.runs)
    entry(manager, ledger)
    return await driver.paced(
        ledger, options.rate, lambda number: put(queries, number, number + 1), work(manager), stopper(manager))


if __name__ == "__main__":
    driver.main("pgqueuer", "pgqueuer", {"enqueue": enqueue, "drain": drain, "pickup": pickup})
