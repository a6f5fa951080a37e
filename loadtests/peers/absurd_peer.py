"""Absurd 0.5 (absurd-sdk): tasks of sequential steps, 32 at once.

Its schema is no part of the package: ABSURD_SQL names absurd.sql of the same version.
"""

import asyncio
import os
import sys
import time

import driver

AT_ONCE = 32


async def steps(options):
    import absurd_sdk
    import psycopg
    schema = os.environ.get("ABSURD_SQL")
    if not schema:
        print("absurd's schema is not installed: ABSURD_SQL names no absurd.sql")
        sys.exit(driver.NOT_INSTALLED)
    async with await psycopg.AsyncConnection.connect(driver.url(), autocommit=True) as connection:
        await connection.execute(open(schema, encoding="utf-8").read())
    runs = max(1, options.runs // options.steps)
    did, ended, done = {}, set(), asyncio.Event()
    app = absurd_sdk.AsyncAbsurd(driver.url(), queue_name="bench")
    await app.create_queue("bench")

    @app.register_task(name="chain")
    async def chain(params, context):
        run = params["run"]
        for number in range(options.steps):
            async def step(number=number):
                did[run, number] = did.get((run, number), 0) + 1
                return number
            await context.step(f"s{number}", step)
        ended.add(run)
        if len(ended) == runs:
            done.set()

    for run in range(runs):
        await app.spawn("chain", {"run": run})
    begin = time.perf_counter()
    worker = asyncio.ensure_future(app.start_worker(concurrency=AT_ONCE, batch_size=AT_ONCE, poll_interval=0.01))
    await asyncio.wait([worker, asyncio.ensure_future(done.wait())], return_when=asyncio.FIRST_COMPLETED)
    elapsed = time.perf_counter() - begin
    app.stop_worker()
    await asyncio.wait([worker], timeout=30)
    await app.close()
    if set(did.values()) != {1} or len(did) != runs * options.steps:
        print(f"{len(did)} of {runs * options.steps} steps were done")
        raise SystemExit(driver.WRONG)
    return {"durable": len(did) / elapsed}


if __name__ == "__main__":
    driver.main("absurd_sdk", "absurd-sdk", {"steps": steps})
