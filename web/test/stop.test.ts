import assert from "node:assert/strict";
import { test } from "node:test";
import { Chat, useServer } from "./chat.js";

const server = useServer();
const OTHER_RUN = "another-run-0123456789";
const TURNS = [
  "threads.create",
  "threads.add_user_message",
  "threads.add_client_tool_output",
  "threads.add_structured_input",
  "threads.custom_action",
  "threads.retry_after_item",
];

for (const type of TURNS) {
  test(`aborting ${type} before it is answered stops the run that was sent`, async () => {
    const chat = new Chat(server());
    const button = new AbortController();
    const answered = chat.post(type, button.signal);
    const request = await server().next();
    button.abort();
    await assert.rejects(answered, { name: "AbortError" });
    const stop = await server().nextStop();
    assert.deepEqual(JSON.parse(stop.body), { run: request.headers["chatkit-run"] });
  });
}

test("aborting mid-stream stops the run, once, with the token of the request and kept alive", async () => {
  const chat = new Chat(server());
  const button = new AbortController();
  const { request, reader } = await chat.turn(button.signal);
  button.abort();
  assert.equal(chat.stops, 1); // within the abort itself: a page may be on its way out
  void reader.cancel().catch(() => {});
  const { method, headers, body } = await server().nextStop();
  assert.deepEqual([method, JSON.parse(body)], ["POST", { run: request.headers["chatkit-run"] }]);
  assert.equal(headers["content-type"], "application/json");
  assert.equal(headers["authorization"], "Bearer token-1");
  assert.equal(chat.sent.at(-1)!.init!.keepalive, true);
  assert.deepEqual([chat.stops, chat.tokens], [1, 1]);
});

test("a request that joined a run under way stops that run", async () => {
  const chat = new Chat(server());
  const button = new AbortController();
  await chat.turn(button.signal, OTHER_RUN);
  button.abort();
  assert.deepEqual(JSON.parse((await server().nextStop()).body), { run: OTHER_RUN });
});

test("a reader that cancels stops the run and lets the connection go", async () => {
  const chat = new Chat(server());
  const { request, reader } = await chat.turn(undefined, OTHER_RUN);
  const closed = new Promise((resolve) => request.answer.on("close", resolve));
  await reader.cancel();
  assert.deepEqual(JSON.parse((await server().nextStop()).body), { run: OTHER_RUN });
  await closed;
});

test("the signal of a Request stops the run as well, and of two runs only its own", async () => {
  const chat = new Chat(server());
  await chat.turn(new AbortController().signal);
  const button = new AbortController();
  const body = JSON.stringify({ type: "threads.create" });
  const answered = chat.fetch(new Request(server().endpoint, { method: "POST", body, signal: button.signal }));
  const request = await server().next();
  button.abort();
  await assert.rejects(answered, { name: "AbortError" });
  assert.deepEqual(JSON.parse((await server().nextStop()).body), { run: request.headers["chatkit-run"] });
  assert.equal(chat.stops, 1);
});

test("a stop that fails is sent once more, and then accepted in silence", async (t) => {
  const warn = t.mock.method(console, "warn", () => {});
  const chat = new Chat(server());
  const button = new AbortController();
  await chat.turn(button.signal);
  button.abort();
  const first = await server().next();
  first.answer.writeHead(503).end();
  const second = await server().nextStop();
  assert.equal(second.body, first.body);
  assert.equal(warn.mock.callCount(), 0);
});

test("a stop that fails twice is given up with a warning", async (t) => {
  const chat = new Chat(server());
  const button = new AbortController();
  const warned = new Promise((resolve) => t.mock.method(console, "warn", resolve));
  await chat.turn(button.signal);
  button.abort();
  (await server().next()).answer.writeHead(500).end();
  (await server().next()).answer.destroy(); // no answer at all
  assert.match(String(await warned), /could not be stopped/);
  assert.equal(chat.stops, 2);
});
