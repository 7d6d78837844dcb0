'''The admin REST API, at ``/admin/v1`` of the control process. This page says how a room adds its operations.

One module per thing, ``<thing>.py``, named in ``rooms.py`` under the first segment of its paths. It holds models, endpoints
that call use cases, and nothing else; a use case asks for the permission again, records in the audit trail and knows no
HTTP::

    operations = Operations("groups")
    GroupName = Annotated[str, Path(pattern=NAME, max_length=128)]

    class Group(Thing):                        # a representation: its answers carry an ETag
        name: str
        description: str
        members: Annotated[int, VOLATILE]      # changes by itself: does not count for If-Match

    class GroupSettings(Model):                # a body; unknown fields are errors, types are strict (lists, no tuples)
        description: Prose = ""

    @operations.get("/groups", permission="people.view")
    async def list_groups(ask: Ask, page: Paging) -> Page[Group]:
        """Groups by name."""                  # docstrings are in the OpenAPI document and in the client
        return page.of(await groups.list_groups(ask.store), key=lambda each: each.name, show=_shown)

    @operations.get("/groups/{name}", permission="people.view")
    async def show_group(ask: Ask, name: GroupName) -> Group: ...

    @operations.put("/groups/{name}", permission="people.edit", guard=show_group, creates=True)
    async def set_group(ask: Ask, name: GroupName, body: GroupSettings) -> Group: ...

    @operations.delete("/groups/{name}", permission="people.edit", guard=show_group)
    async def remove_group(ask: Ask, name: GroupName) -> None: ...

    @operations.post("/groups/{name}:merge", permission="people.edit", guard=show_group, status=200)
    async def merge_group(ask: Ask, name: GroupName, body: Merge) -> Group: ...

    @operations.post("/webhooks", permission="webhooks.edit", location=lambda new: f"/webhooks/{new.id}")
    async def add_webhook(ask: Ask, body: NewWebhook) -> Webhook: ...

What follows from a declaration, and is not written anew:

* **Who may.** The token is looked at first, then ``permission`` (somewhere: the use case checks the project), then
  all else. ``"self"`` is what everybody may do about themselves. A refusal is recorded in the audit trail as
  ``<thing>.<verb>`` of the operation's id (``set_group``: ``group.set``; give ``action=`` where that is not its name
  there). Use cases raise :class:`ForbiddenError` through ``require(tx.actor, ...)``.
* **Ids.** The name of the function is the operation's id, the client's method and, with blanks, the summary:
  ``<verb>_<thing>``, unique among all.
* **One transaction.** ``ask.store`` acts as who asks. While something is changed (POST, PUT, PATCH, DELETE) all its
  transactions are one: the precondition, the use cases and the kept answer commit together after the endpoint
  returned. So an endpoint may call several use cases. It must not use another store meanwhile (SQLite has one
  writer); ``ask.server`` is the authorization server on this one. What waits for others, such as a fetch, is declared
  ``together=False`` and opens transactions of its own; its precondition is checked before.
* **Preconditions.** ``guard`` is the GET that shows the thing. Its ETag must be the one in ``If-Match``: 428 without,
  412 when it was changed. It is called with the variables of the path only. ``creates=True``: ``If-None-Match: *``
  adds.
* **Answers.** A :class:`Thing` carries its ETag, and GET answers 304 to ``If-None-Match``. ``None`` is 204. POST is
  201 unless ``status=`` says otherwise; ``location=`` makes ``Location``. A secret is a field of type ``ShownOnce``.
  Anything but JSON: ``produces="application/jsonl"`` and return a Starlette response.
* **Errors.** Raise ControlErrors; ``problems.py`` has the table: NotFoundError 404, ConflictError 409, InvalidError
  422, ForbiddenError 403, DocumentError 422. Statuses are declared by themselves: 401, 403, 422, 429, 503 always, 404
  with variables in the path, 404 and 409 for changes, 400, 408, 413, 415 for bodies, 412 and 428 with a guard.
  Others: ``refuses=(502,)``; a GET without variables that can answer 404 (a filter by name): ``refuses=(404,)``.
* **Lists.** ``page.of`` sorts, cuts and links a whole list. Where the store can page, ask it for ``page.limit + 1``
  entries after ``page.after`` (the parts of the sort key, or ``None``) and answer ``page.made(items,
  last_key_or_None)``.
* **Bounds.** Give every text and list a bound (``Line``, ``Prose``, ``Field(max_length=...)``) and every number one:
  what the OpenAPI document allows must be taken, or be a 422. Path variables get a pattern, so that no surprise
  reaches a use case.

Tests: ``tests/web/admin_api/``; ``admin`` of its conftest is a client of the application on a real store. The Python
client is made from the OpenAPI document: run ``make client`` after a change and commit ``src/wardgate/client``.
'''

from __future__ import annotations
