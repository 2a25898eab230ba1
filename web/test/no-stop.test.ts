import assert from "node:assert/strict";
import { test } from "node:test";
import { Chat, useServer } from "./chat.js";
import { withPage } from "./page.js";

const server = useServer();

test("an abort after the end of the stream stops nothing, whether the end was read or not", async () => {
  for (const isEndRead of [true, false]) {
    const chat = new Chat(server());
    const button = new AbortController();
    const answered = chat.post("threads.create", button.signal);
    const { answer } = await server().next();
    answer.writeHead(200, { "content-type": "text/event-stream" }).end("data: 1\n\n");
    const reader = (await answered).body!.getReader();
    assert.equal((await reader.read()).done, false);
    if (isEndRead) assert.equal((await reader.read()).done, true);
    else await reader.closed;
    button.abort();
    await reader.cancel();
    assert.equal(chat.stops, 0);
  }
});

test("an abort after the request failed or its stream broke off stops nothing", async () => {
  const chat = new Chat(server());
  const button = new AbortController();
  const answered = chat.post("threads.create", button.signal);
  (await server().next()).answer.destroy();
  await assert.rejects(answered, TypeError);
  const { request, reader } = await chat.turn(button.signal);
  request.answer.destroy();
  await assert.rejects(reader.read(), TypeError);
  button.abort();
  assert.equal(chat.stops, 0);
});

test("an abort after a refusal or an answer that is no stream stops nothing", async () => {
  const chat = new Chat(server());
  const answers: [number, string][] = [
    [429, "application/json"],
    [502, "text/event-stream"],
    [200, "application/json"],
  ];
  for (const [status, type] of answers) {
    const button = new AbortController();
    const answered = chat.post("threads.create", button.signal);
    (await server().next()).answer.writeHead(status, { "content-type": type }).write("{");
    assert.equal((await answered).status, status);
    button.abort();
  }
  assert.equal(chat.stops, 0);
});

for (const body of ['{"type":"threads.list"}', '{"type":"attachments.create"}', "null", "no JSON", null]) {
  test(`aborting a request that starts no turn stops nothing: ${body ?? "no body"}`, async () => {
    const chat = new Chat(server());
    const button = new AbortController();
    const answered = chat.fetch(server().endpoint, { method: "POST", body, signal: button.signal });
    await server().next();
    button.abort();
    await assert.rejects(answered, { name: "AbortError" });
    assert.equal(chat.stops, 0);
  });
}

test("an abort while the token is waited for sends neither the request nor a stop", async () => {
  const button = new AbortController();
  const chat = new Chat(server(), {
    token: () => {
      button.abort();
      return "token";
    },
  });
  await assert.rejects(chat.post("threads.create", button.signal), { name: "AbortError" });
  assert.deepEqual([chat.stops, server().waiting], [0, 0]);
});

test("a page that is left stops nothing, and stops again once it is back", async (t) => {
  const window = withPage(t, server().origin, "visible");
  const chat = new Chat(server());
  for (const [event, stops] of [["pagehide", 0], ["pageshow", 1]] as const) {
    const button = new AbortController();
    await chat.turn(button.signal);
    window.dispatchEvent(new Event("pagehide"));
    window.dispatchEvent(new Event(event));
    button.abort();
    assert.equal(chat.stops, stops);
  }
});

test("an abort by those who are told later that the page is left stops nothing", async (t) => {
  const window = withPage(t, server().origin, "visible");
  const chat = new Chat(server());
  const button = new AbortController();
  window.addEventListener("pagehide", () => button.abort());
  await chat.turn(button.signal);
  window.dispatchEvent(new Event("pagehide"));
  assert.deepEqual([button.signal.aborted, chat.stops], [true, 0]);
});

test("an abort on a hidden page stops nothing", async (t) => {
  withPage(t, server().origin, "hidden");
  const chat = new Chat(server());
  const button = new AbortController();
  await chat.turn(button.signal);
  button.abort();
  assert.equal(chat.stops, 0);
});
