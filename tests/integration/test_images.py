"""Images that the model makes: stored, shown by links that are made anew, and gone with what they belong to."""

import asyncio
import base64
import json
import time
from collections.abc import AsyncIterator, Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from agents import GuardrailFunctionOutput, output_guardrail
from chatkit.types import ClientToolCallItem, GeneratedImage, GeneratedImageItem
from types_boto3_dynamodb.client import DynamoDBClient
from types_boto3_s3.client import S3Client

from chat_api.toolkit.guardrails import Guardrails
from chat_api.web.claims import HEADER
from chat_testing import tokens
from chat_testing.app import App, application
from chat_testing.builders import START, context, thread
from chat_testing.cascade import World
from chat_testing.chat import Answer, message, request
from chat_testing.painting import IMAGE_ID, Painting, in_base64, png
from chat_testing.pause import Pause
from chat_testing.scripted_server import now
from chatkit_aws.store import DynamoDBStore
from chatkit_aws.store.image_data import ImageData
from chatkit_aws.store.keys import Owner
from chatkit_aws.store.objects import Objects
from chatkit_aws.store.retention import UNATTACHED
from local_cloud.offline_answer import ModelRequest, Tool, answer

MINUTES = 7
RUN = "run-of-an-image-1"
ALICE = Owner.of("default", "alice")
NOT_STORED = "The image could not be stored, so it is not shown."
NO_IMAGE = "The model made no image that can be shown."
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'

type MakeApp = Callable[..., App]


@pytest.fixture
async def started(table_name: str, dynamodb: DynamoDBClient, issuer: tokens.TokenIssuer) -> AsyncIterator[MakeApp]:
    """Starts the application with some objects and settings."""
    made: list[App] = []

    def start(objects: Objects | None, **settings: Any) -> App:
        app = application(table_name, dynamodb, issuer, objects=objects, image_link_minutes=MINUTES, **settings)
        made.append(app)
        return app

    yield start
    for app in made:
        await app.http.aclose()


@pytest.fixture
def app(started: MakeApp, bucket: str, s3: S3Client) -> App:
    return started(Objects(bucket, s3), image_generation=True)


@pytest.fixture
def world(table_name: str, dynamodb: DynamoDBClient, bucket: str, s3: S3Client) -> World:
    """What there is in the table and the bucket, and what cleanup does with it."""
    return World(table_name, bucket, dynamodb, s3)


def paint(app: App, *images: bytes, **options: Any) -> None:
    app.models.model.enqueue(Painting([in_base64(image) for image in images], **options).step)


def images(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [item["image"] for item in items if item["type"] == "generated_image"]


def image_of(answer: Answer) -> dict[str, Any]:
    [image] = images(answer.items)
    return image


def attachments(app: App) -> list[dict[str, Any]]:
    return [row for row in app.rows() if row["sk"]["S"].startswith("ATT#")]  # type: ignore[index]


async def follow(link: str) -> httpx2.Response:
    async with httpx2.AsyncClient() as http:
        return await http.get(link)


async def sent(app: App, part: bytes) -> None:
    async with asyncio.timeout(20):
        while part not in app.doorway.sent:  # noqa: ASYNC110 - it is the application that sends
            await asyncio.sleep(0.01)


async def next_second() -> None:
    """A link says when it was made, in seconds: two of one second are the same."""
    await asyncio.sleep(1.1)


async def test_an_image_is_stored_and_shown_by_a_link_that_ends(app: App, world: World) -> None:
    paint(app, png())

    answer = await app.user("alice").create("Draw a dot")

    image = image_of(answer)
    seen = await follow(image["url"])
    assert (seen.status_code, seen.content) == (200, png())
    assert (seen.headers["content-type"], seen.headers["content-disposition"]) == ("image/png", "inline")
    asked = parse_qs(urlsplit(image["url"]).query)
    assert asked["X-Amz-Expires"] == [str(MINUTES * 60)]
    assert asked["X-Amz-Algorithm"] == ["AWS4-HMAC-SHA256"]
    assert image["id"] != IMAGE_ID, "the model's ids are no ids"
    assert answer.text == "Here it is."
    assert len(world.object_names()) == 1


async def test_a_reload_shows_the_same_image_by_a_new_link(app: App) -> None:
    alice = app.user("alice")
    paint(app, png())
    answer = await alice.create()
    first = image_of(answer)

    await next_second()
    listed = await alice.items(answer.thread_id)
    loaded = await alice.send("threads.get_by_id", thread_id=answer.thread_id)

    [image] = images(listed)
    [again] = images(loaded.json["items"]["data"])
    assert first["id"] == image["id"] == again["id"]
    assert first["url"] != image["url"]
    assert (await follow(again["url"])).content == png()
    assert [item["type"] for item in listed] == ["user_message", "generated_image", "assistant_message"]


async def test_who_follows_the_run_later_gets_a_new_link(app: App) -> None:
    alice = app.user("alice")
    paint(app, png())
    answer = await alice.create()

    await next_second()
    resumed = await alice.post(json.dumps({"thread_id": answer.thread_id}).encode(), "/chatkit/resume")

    assert image_of(resumed)["id"] == image_of(answer)["id"]
    assert image_of(resumed)["url"] != image_of(answer)["url"]
    assert (await follow(image_of(resumed)["url"])).content == png()


async def test_a_request_that_is_repeated_gets_a_new_link(app: App) -> None:
    alice = app.user("alice")
    body = json.dumps(request("threads.create", input=message("Draw"))).encode()
    paint(app, png())
    answer = await alice.post(body, **{HEADER: RUN})

    repeated = await alice.post(body, **{HEADER: RUN})

    assert image_of(repeated)["id"] == image_of(answer)["id"]
    assert (await follow(image_of(repeated)["url"])).content == png()


async def test_neither_the_image_nor_a_link_is_in_the_stream_or_the_table(app: App) -> None:
    large = png(300_000)
    paint(app, large, partials=[in_base64(large)] * 3)

    answer = await app.user("alice").create()

    assert len(answer.body) < 10_000
    assert not answer.of_type("thread.item.updated")[0]["update"]["type"].startswith("generated_image")
    rows = app.dynamodb.scan(TableName=app.table_name)["Items"]
    assert all(len(str(row)) < 10_000 for row in rows)
    assert "X-Amz" not in str(rows)


async def test_another_user_gets_neither_the_item_nor_a_link(app: App, world: World) -> None:
    paint(app, png())
    answer = await app.user("alice").create()
    store, bob = DynamoDBStore(app.table_name, app.dynamodb), context("bob", "default")
    await store.save_thread(thread("thr_bob"), bob)
    # Should it ever be among Bob's items: what is signed is Bob's, and not there.
    stolen = GeneratedImage(id=image_of(answer)["id"], url="stored-image:image/png")
    item = GeneratedImageItem(id="msg_1", thread_id="thr_bob", created_at=START, image=stolen)
    await store.add_thread_item("thr_bob", item, bob)

    assert await app.user("bob").items(answer.thread_id) == []
    [image] = images(await app.user("bob").items("thr_bob"))
    assert (await follow(image["url"])).is_error
    assert urlsplit(image["url"]).path.strip("/").partition("/")[2] not in world.object_names()


@pytest.mark.parametrize(
    "sent",
    [
        in_base64(SVG),
        in_base64(b"<!doctype html><script>alert(1)</script>"),
        in_base64(b"GIF89a" + bytes(20)),
        in_base64(b"RIFF____WAVE"),
        "data:image/svg+xml;base64," + in_base64(SVG),
        "https://evil.example.com/image.png",
        "%%%",
        "é",
        base64.b64encode(png(10 * 1024 * 1024)).decode(),
    ],
    ids=["svg", "html", "gif", "wave", "data-url", "address", "no-base64", "no-ascii", "large"],
)
async def test_what_is_no_image_is_not_kept_and_the_answer_is(app: App, world: World, sent: str) -> None:
    alice = app.user("alice")
    app.models.model.enqueue(Painting([sent]).step)

    answer = await alice.create()

    [notice] = answer.of_type("notice")
    assert (notice["level"], notice["message"]) == ("warning", NO_IMAGE)
    assert len(answer.of_type("thread.item.removed")) == 1
    assert [item["type"] for item in await alice.items(answer.thread_id)] == ["user_message", "assistant_message"]
    assert not world.object_names()
    assert not attachments(app)


@pytest.mark.parametrize("has_bucket", [True, False])
async def test_an_image_that_cannot_be_stored_costs_no_answer(started: MakeApp, s3: S3Client, has_bucket: bool) -> None:
    app = started(Objects("no-such-bucket", s3) if has_bucket else None)
    paint(app, png())

    answer = await app.user("alice").create()

    assert [notice["message"] for notice in answer.of_type("notice")] == [NOT_STORED]
    assert answer.text == "Here it is."
    assert not answer.of_type("error")
    assert [item["type"] for item in await app.user("alice").items(answer.thread_id)] == [
        "user_message",
        "assistant_message",
    ]


async def test_an_image_that_the_model_did_not_make_is_said(app: App) -> None:
    app.models.model.enqueue(Painting([None]).step)

    answer = await app.user("alice").create()

    assert [notice["message"] for notice in answer.of_type("notice")] == [NO_IMAGE]
    assert answer.text == "Here it is."


async def test_images_are_told_apart_whatever_the_model_calls_them(app: App) -> None:
    alice = app.user("alice")
    paint(app, png(1), png(2))

    answer = await alice.create()

    shown = images(await alice.items(answer.thread_id))
    assert [(await follow(image["url"])).content for image in shown] == [png(1), png(2)]


async def test_the_model_is_asked_for_words_where_it_made_an_image_alone(app: App) -> None:
    paint(app, png(), text="")
    app.models.say("There")

    answer = await app.user("alice").create()

    assert (await follow(image_of(answer)["url"])).content == png()
    assert answer.text == "There"


async def test_an_image_is_kept_where_the_model_fails_after_it(app: App) -> None:
    alice, pause = app.user("alice"), Pause()
    paint(app, png(), pause=pause, error=RuntimeError("no more"))

    answer = await pause.meanwhile(alice.create(), lambda: sent(app, b"Here it is."))

    assert answer.of_type("error")
    assert images(await alice.items(answer.thread_id))[0]["id"] == image_of(answer)["id"]


class SlowObjects(Objects):
    """Objects that are written when the test says so."""

    def __init__(self, bucket: str, client: S3Client) -> None:
        super().__init__(bucket, client)
        self.pause = Pause()
        self.given_up = asyncio.Event()

    async def put(self, key: str, data: bytes, media_type: str = "binary/octet-stream") -> None:
        try:
            await self.pause.wait()
        except asyncio.CancelledError:
            self.given_up.set()
            raise
        await super().put(key, data, media_type)


async def test_the_text_does_not_wait_for_the_image(started: MakeApp, bucket: str, s3: S3Client) -> None:
    objects = SlowObjects(bucket, s3)
    app = started(objects)
    paint(app, png())

    answer = await objects.pause.meanwhile(app.user("alice").create(), lambda: sent(app, b"Here it is."))

    assert [item["type"] for item in answer.items] == ["user_message", "assistant_message", "generated_image"]
    listed = await app.user("alice").items(answer.thread_id)
    assert [item["type"] for item in listed] == ["user_message", "generated_image", "assistant_message"]


async def test_an_image_is_shown_though_the_model_says_nothing_more_for_now(app: App) -> None:
    pause = Pause()
    paint(app, png(), text="", pause=pause)

    app.models.say("There")
    answer = await pause.meanwhile(app.user("alice").create(), lambda: sent(app, b"X-Amz-Signature"))

    assert len(images(answer.items)) == 1


async def test_a_stop_while_an_image_is_stored_leaves_what_expires(
    started: MakeApp, bucket: str, s3: S3Client, world: World
) -> None:
    objects = SlowObjects(bucket, s3)
    app = started(objects)
    alice = app.user("alice")
    paint(app, png())
    body = json.dumps(request("threads.create", input=message("Draw"))).encode()
    creating = asyncio.create_task(alice.post(body, **{HEADER: RUN}))
    await objects.pause.reached.wait()

    await alice.post(json.dumps({"run": RUN}).encode(), "/chatkit/stop")
    answer = await creating

    async with asyncio.timeout(20):
        await objects.given_up.wait()
    assert not images(await alice.items(answer.thread_id))
    [row] = attachments(app)
    assert "thread" not in row
    assert int(row["expires_at"]["N"]) <= time.time() + UNATTACHED
    assert not world.object_names()


async def test_an_image_that_a_check_takes_back_is_not_shown_when_it_is_stored(
    table_name: str, dynamodb: DynamoDBClient, issuer: tokens.TokenIssuer, bucket: str, s3: S3Client
) -> None:
    objects = SlowObjects(bucket, s3)

    @output_guardrail
    async def refuse(*_: object) -> GuardrailFunctionOutput:
        await objects.pause.reached.wait()
        return GuardrailFunctionOutput(None, tripwire_triggered=True)

    app = application(table_name, dynamodb, issuer, objects=objects, guardrails=Guardrails(output=(refuse,)))
    alice = app.user("alice")
    paint(app, png())
    creating = asyncio.create_task(alice.create("Draw a dot"))
    await asyncio.wait({creating}, timeout=10)  # as soon as it is refused: nobody waits for the image
    objects.pause.released.set()
    answer = await creating
    await app.close()

    assert answer.of_type("error")
    [added] = [event["item"] for event in answer.of_type("thread.item.added") if "image" in event["item"]["type"]]
    about = [event["type"] for event in answer.events if added["id"] in str(event)]
    assert about == ["thread.item.added", "thread.item.removed"]
    assert b"X-Amz-Signature" not in answer.body


async def test_an_image_goes_with_its_thread(app: App, world: World) -> None:
    alice = app.user("alice")
    paint(app, png())
    answer = await alice.create()

    await alice.send("threads.delete", thread_id=answer.thread_id)
    await world.cascade.thread(ALICE.thread(answer.thread_id))

    assert (await follow(image_of(answer)["url"])).is_error
    assert not world.object_names()
    assert not attachments(app)


async def test_an_image_goes_with_its_item_when_the_question_is_answered_again(app: App, world: World) -> None:
    alice = app.user("alice")
    paint(app, png(1))
    answer = await alice.create()
    paint(app, png(2))

    again = await alice.send("threads.retry_after_item", thread_id=answer.thread_id, item_id=answer.items[0]["id"])
    await world.cascade.attachment(ALICE, image_of(answer)["id"])

    assert (await follow(image_of(answer)["url"])).is_error
    assert (await follow(image_of(again)["url"])).content == png(2)
    assert len(attachments(app)) == len(world.object_names()) == 1


async def test_what_a_page_has_said_is_given_back_as_it_is_beside_an_image(
    app: App, table_name: str, dynamodb: DynamoDBClient
) -> None:
    """Also where it looks like an image, or is nested as deep as requests could once be."""
    alice = app.user("alice")
    paint(app, png())
    thread_id = (await alice.create("Draw a dot")).thread_id
    alike = {"type": "generated_image", "image": {"id": IMAGE_ID, "url": "stored-image:image/png"}}
    deep: Any = "x"
    for _ in range(199):
        deep = [deep]
    store, owner = DynamoDBStore(table_name, dynamodb), context("alice", "default")
    for number, output in enumerate((alike, deep)):
        said: dict[str, Any] = {"status": "completed", "call_id": "call_1", "name": "open_task", "output": output}
        item = ClientToolCallItem(id=f"tc_{number}", thread_id=thread_id, created_at=now(), arguments={}, **said)
        await store.add_thread_item(thread_id, item, owner)

    thread = await alice.send("threads.get_by_id", thread_id=thread_id)

    items = await alice.items(thread_id)
    assert thread.json["items"]["data"] == items
    assert [item["output"] for item in items if item["type"] == "client_tool_call"] == [alike, deep]
    assert (await follow(images(items)[0]["url"])).content == png()


async def test_the_model_is_told_of_an_image_and_not_shown_it(app: App) -> None:
    alice = app.user("alice")
    paint(app, png(50_000))
    answer = await alice.create()
    app.models.say("Yes")

    await alice.say(answer.thread_id, "Nice")

    given = str(app.models.model.calls[-1].input)
    assert "[an image that you made was shown here; you cannot see it]" in given
    assert "X-Amz" not in given
    assert "stored-image:" not in given
    assert len(given) < 2_000


async def test_users_may_ask_for_images_where_the_setting_says_so(app: App, started: MakeApp) -> None:
    alice = app.user("alice")
    paint(app, png())

    offered = (await alice.get("/chatkit/choices")).json["tools"]
    await alice.send("threads.create", input=message("A dot", inference_options={"tool_choice": {"id": "image"}}))

    assert "image" in [tool["id"] for tool in offered]
    call = app.models.model.calls[-1]
    assert call.model_settings.tool_choice == "image_generation"
    assert "image_generation" in [tool.name for tool in call.tools]


async def test_no_images_are_made_unless_the_setting_says_so(started: MakeApp) -> None:
    app = started(None)
    alice = app.user("alice")
    app.models.say("Hello")

    offered = (await alice.get("/chatkit/choices")).json["tools"]
    await alice.create()

    assert "image" not in [tool["id"] for tool in offered]
    assert "image_generation" not in [tool.name for tool in app.models.model.calls[-1].tools]


async def test_an_api_that_has_no_such_tool_is_found_at_the_start(started: MakeApp) -> None:
    with pytest.raises(ValueError, match="IMAGE_GENERATION"):
        started(None, image_generation=True, model_api="chat_completions")


def test_the_offline_model_makes_one_image_where_it_may() -> None:
    asked = {"role": "user", "content": "Draw a dot"}
    tools = [Tool(type="image_generation")]

    drawn = list(answer(ModelRequest(input=[asked], tools=tools), iter))
    made = drawn[-1]["response"]["output"][0]
    after = list(answer(ModelRequest(input=[asked, made], tools=tools), iter))
    without = list(answer(ModelRequest(input=[asked]), iter))

    assert ImageData.of(made["result"]).media_type == "image/png"
    assert [events[-1]["response"]["output"][0]["type"] for events in (after, without)] == ["message", "message"]
