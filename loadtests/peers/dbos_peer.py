"""DBOS 3.4: workflows of sequential steps, 32 at once."""

import asyncio
import time

import driver

AT_ONCE = 32


async def steps(options):
    import dbos
    dbos.DBOS(config={
        "name": "bench", "system_database_url": driver.url("postgresql+psycopg"), "log_level": "ERROR",
        "run_admin_server": False})
    did = {}

    @dbos.DBOS.step()
    async def step(run, number):
        did[run, number] = did.get((run, number), 0) + 1
        return number

    @dbos.DBOS.workflow()
    async def chain(run):
        for number in range(options.steps):
            await step(run, number)

    dbos.DBOS.launch()
    runs = max(1, options.runs // options.steps)
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(run):
        async with gate:
            handle = await dbos.DBOS.start_workflow_async(chain, run)
            await handle.get_result()

    begin = time.perf_counter()
    await asyncio.gather(*(one(run) for run in range(runs)))
    elapsed = time.perf_counter() - begin
    dbos.DBOS.destroy()
    if set(did.values()) != {1} or len(did) != runs * options.steps:
        print(f"{len(did)} of {runs * options.steps} steps were done")
        raise SystemExit(driver.WRONG)
    return {"durable": len(did) / elapsed}


if __name__ == "__main__":
    driver.main("dbos", "dbos", {"steps": steps})
