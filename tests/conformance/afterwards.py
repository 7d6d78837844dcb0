"""What must hold once a request was refused: that what it should have ended is ended."""

from __future__ import annotations

from tests.conformance.answers import challenged, inactive
from tests.conformance.exchange import Answer, Request
from tests.conformance.house import House


async def tokens_are_dead(house: House, request: Request, answer: Answer) -> None:
    """The tokens of the answer before are worth nothing any more."""
    issued = request.facts["before"].document
    client = request.facts["client"]
    if client.public:
        opened = Request(
            path="/oauth2/userinfo",
            method="GET",
            headers=(("Authorization", f"Bearer {issued['access_token']}"),),
        )
        challenged(401, "invalid_token").check(await house.send(opened), opened)
        return
    for name in ("access_token", "refresh_token"):
        asked = Request(
            path="/oauth2/introspect", form=(("token", issued[name]),), headers=house.basic(client)
        )
        inactive().check(await house.send(asked), asked)


async def still_redeemable(house: House, request: Request, answer: Answer) -> None:
    """What was shown wrongly is still good for whom it is: nobody can spoil it by showing it."""
    again = request.facts["sound"]
    assert (await house.send(again)).status == 200


async def answered_a_minute_later(house: House, request: Request, answer: Answer) -> None:
    """It was refused for the time being only, and says so."""
    assert 0 < int(answer.get("retry-after")) < 60
    house.side.clock.forward(60)
    assert (await house.send(request)).status == 201


async def no_grant(house: House, request: Request, answer: Answer) -> None:
    """Nothing was granted."""
    async with house.side.store.reading() as tx:
        assert await tx.grants.find(client=request.facts["client"].id) == []
