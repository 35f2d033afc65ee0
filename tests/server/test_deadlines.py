"""Waits that are overdue end, and no others."""

import asyncio

import pytest

from retail_forecast_server.deadlines import Deadlines


def test_what_comes_in_time_is_passed_on() -> None:
    async def both() -> list[str]:
        deadlines = Deadlines(60)
        return list(await asyncio.gather(deadlines.within(_says("a")), deadlines.within(_says("b"))))

    assert asyncio.run(both()) == ["a", "b"]


def test_each_wait_ends_when_it_is_overdue() -> None:
    async def some() -> list[object]:
        deadlines = Deadlines(0.02)
        waits = [deadlines.within(asyncio.Event().wait()) for _ in range(3)]
        found: list[object] = list(await asyncio.gather(*waits, deadlines.within(_says("c")), return_exceptions=True))
        # The timer has run out, and is set anew for who comes later.
        found += await asyncio.gather(deadlines.within(asyncio.Event().wait()), return_exceptions=True)
        return found

    assert [str(one) or type(one) for one in asyncio.run(some())] == [TimeoutError] * 3 + ["c", TimeoutError]


def test_a_task_goes_on_after_it_was_overdue() -> None:
    async def late() -> str:
        deadlines = Deadlines(0.01)
        with pytest.raises(TimeoutError):
            await deadlines.within(asyncio.Event().wait())
        await asyncio.sleep(0)
        return await deadlines.within(_says("on"))

    assert asyncio.run(late()) == "on"


def test_a_task_that_is_cancelled_stays_so() -> None:
    async def stopped() -> None:
        deadlines = Deadlines(60)
        task = asyncio.create_task(deadlines.within(asyncio.Event().wait()))
        await asyncio.sleep(0)
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(stopped())


def test_a_fault_is_passed_on() -> None:
    async def broken() -> None:
        await Deadlines(60).within(_fails())

    with pytest.raises(ZeroDivisionError):
        asyncio.run(broken())


async def _says(word: str) -> str:
    await asyncio.sleep(0)
    return word


async def _fails() -> None:
    raise ZeroDivisionError
