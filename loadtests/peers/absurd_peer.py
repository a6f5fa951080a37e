"""Absurd 0.5 (absurd-sdk): tasks of sequential steps, 32 at once.

Its schema comes with its command, absurdctl of the same version, which must stand beside this Python.
"""

import asyncio
import os
import subprocess
import sys
import time

import driver

AT_ONCE = 32


async def steps(options):
    import absurd_sdk
    command = os.path.join(os.path.dirname(sys.executable), "absurdctl")
    if not os.path.exists(command):
        print("absurd's schema is not installed: there is no absurdctl beside " + sys.executable)
        sys.exit(driver.NOT_INSTALLED)
    # It says what it did, and the last line is the driver's.
    subprocess.run([command, "init"], check=True, stdout=sys.stderr, timeout=60)
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
