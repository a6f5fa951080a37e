"""Oban for Python 0.7 (psycopg pool): batches of 1,000 in, a queue of 100 at once out."""

import asyncio
import contextlib

import driver


@contextlib.asynccontextmanager
async def room(ledger=None, queues=None):
    import oban
    import oban.schema
    import psycopg_pool

    @oban.job()
    async def noop(number):
        if ledger is not None:
            ledger.begin(number)

    async with psycopg_pool.AsyncConnectionPool(driver.url(), min_size=2, max_size=20, open=False) as pool:
        await oban.schema.install(pool)
        yield oban.Oban(pool=pool, queues=queues or {}), noop


async def put(instance, noop, first, last):
    await instance.enqueue_many(*[noop.new(number=number) for number in range(first, last)])


async def work(instance):
    async with instance:
        await asyncio.Event().wait()


async def stop(worker):
    worker.cancel()
    await asyncio.wait([worker], timeout=30)


async def enqueue(options):
    async with room() as (instance, noop):
        return await driver.enqueued(options.runs, 1_000, lambda first, last: put(instance, noop, first, last))


async def drain(options):
    ledger = driver.Ledger(options.runs)
    async with room(ledger, {"default": 100}) as (instance, noop):
        figures = await driver.enqueued(options.runs, 1_000, lambda first, last: put(instance, noop, first, last))
        return figures | await driver.drained(
            ledger, work(instance), stop, "SELECT count(*) FROM oban_jobs WHERE state IN ('available', 'executing')")


async def pickup(options):
    ledger = driver.Ledger(options.runs)
    async with room(ledger, {"default": 100}) as (instance, noop):
        return await driver.paced(
            ledger, options.rate, lambda number: put(instance, noop, number, number + 1), work(instance), stop)


if __name__ == "__main__":
    driver.main("oban", "oban", {"enqueue": enqueue, "drain": drain, "pickup": pickup})
