"""Procrastinate 3.10 (psycopg): batches of 1,000 in, 100 jobs at once out, LISTEN on."""

import asyncio
import contextlib

import driver


@contextlib.asynccontextmanager
async def room(ledger=None):
    import procrastinate
    app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=driver.url(), max_size=20))

    @app.task(name="noop", queue="bench")
    async def noop(number):
        if ledger is not None:
            ledger.begin(number)

    async with app.open_async():
        await app.schema_manager.apply_schema_async()
        yield app, noop


async def put(noop, first, last):
    await noop.batch_defer_async(*({"number": number} for number in range(first, last)))


def work(app):
    return app.run_worker_async(queues=["bench"], concurrency=100, install_signal_handlers=False)


async def stop(worker):
    worker.cancel()
    await asyncio.wait([worker], timeout=30)


async def enqueue(options):
    async with room() as (_, noop):
        return await driver.enqueued(options.runs, 1_000, lambda first, last: put(noop, first, last))


async def drain(options):
    ledger = driver.Ledger(options.runs)
    async with room(ledger) as (app, noop):
        figures = await driver.enqueued(options.runs, 1_000, lambda first, last: put(noop, first, last))
        return figures | await driver.drained(
            ledger, work(app), stop, "SELECT count(*) FROM procrastinate_jobs WHERE status IN ('todo', 'doing')")


async def pickup(options):
    ledger = driver.Ledger(options.runs)
    async with room(ledger) as (app, noop):
        return await driver.paced(
            ledger, options.rate, lambda number: noop.defer_async(number=number), work(app), stop)


if __name__ == "__main__":
    driver.main("procrastinate", "procrastinate", {"enqueue": enqueue, "drain": drain, "pickup": pickup})
