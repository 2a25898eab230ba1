import assert from "node:assert/strict";
import { test } from "node:test";
import { broken, Chat, plain, streamOf, useServer, type Answer } from "./chat.js";

const server = useServer();

const ended: Record<string, Answer> = {
  "a stream that ended": streamOf(),
  "a stream that ended with a heartbeat": streamOf("data: 1\n\n: \n: \n"),
  "a stream with lines as on Windows": streamOf("data: 1\r\n\r\n: \r\n"),
  "a stream of a type with a parameter": streamOf("data: 1\n\n", { "content-type": "Text/Event-Stream; charset=utf-8" }),
  "a stream that ended with an error event": streamOf('data: {"type":"error","allow_retry":true}\n\n'),
  "a 401": plain(401, "application/json"),
  "a 429 of a proxy": plain(429, "text/html"),
  "a 503 of the server itself": plain(503, "application/problem+json"),
};

for (const [what, answer] of Object.entries(ended)) {
  test(`the same request after ${what} names a new run, and so it does if it had been a repetition`, async () => {
    const chat = new Chat(server());
    const first = await chat.run(answer);
    const second = await chat.run(broken());
    assert.notEqual(second, first);
    assert.equal(await chat.run(answer), second);
    assert.notEqual(await chat.run(streamOf()), second);
  });
}

test("the same request after a stream whose end came byte by byte names a new run", async () => {
  for (const bytes of ["data: 2\n\n: \n", "data: 2\r\n\r\n:\r\n"]) {
    const chat = new Chat(server());
    const turn = await chat.turn();
    await turn.bytes(bytes);
    turn.request.answer.end();
    await turn.reader.closed;
    assert.notEqual(await chat.run(streamOf()), turn.request.headers["chatkit-run"]);
  }
});

test("the same request after one that was aborted before its answer names a new run", async () => {
  const chat = new Chat(server());
  const button = new AbortController();
  const answered = chat.post(undefined, button.signal);
  const { headers } = await server().next();
  button.abort();
  await assert.rejects(answered, { name: "AbortError" });
  await server().nextStop();
  assert.notEqual(await chat.run(streamOf()), headers["chatkit-run"]);
});

test("the same request after a stream that was aborted or cancelled names a new run", async () => {
  const chat = new Chat(server());
  const button = new AbortController();
  const aborted = await chat.turn(button.signal);
  button.abort();
  await assert.rejects(aborted.reader.read(), { name: "AbortError" });
  await server().nextStop();
  const cancelled = await chat.turn();
  cancelled.request.answer.write("data: "); // within an event
  await cancelled.reader.read();
  await cancelled.reader.cancel();
  await server().nextStop();
  const runs = [aborted, cancelled].map(({ request }) => request.headers["chatkit-run"]);
  assert.equal(new Set([...runs, await chat.run(streamOf())]).size, 3);
});

test("a repetition that is aborted while its token is waited for is none that is repeated", async () => {
  const button = new AbortController();
  let tokens = 0;
  const chat = new Chat(server(), {
    token: () => {
      if (++tokens === 2) button.abort();
      return "token";
    },
  });
  const first = await chat.run(broken());
  await assert.rejects(chat.post(undefined, button.signal), { name: "AbortError" });
  assert.notEqual(await chat.run(streamOf()), first);
});

test("another request names a run of its own, and the lost one stays known", async () => {
  const chat = new Chat(server());
  const first = await chat.run(broken(), "Hello");
  assert.notEqual(await chat.run(streamOf(), "Hello!"), first);
  assert.equal(await chat.run(streamOf(), "Hello"), first);
});

test("the same request while the first or its repetition goes on names a run of its own", async () => {
  const chat = new Chat(server());
  const first = await chat.turn();
  const second = await chat.turn();
  assert.notEqual(second.request.headers["chatkit-run"], first.request.headers["chatkit-run"]);
  first.request.answer.destroy();
  await assert.rejects(first.reader.read());
  const again = await chat.turn();
  assert.equal(again.request.headers["chatkit-run"], first.request.headers["chatkit-run"]);
  const fourth = await chat.turn();
  assert.notEqual(fourth.request.headers["chatkit-run"], first.request.headers["chatkit-run"]);
});

test("another tab knows nothing of what this one has lost", async () => {
  const first = await new Chat(server()).run(broken());
  assert.notEqual(await new Chat(server()).run(streamOf()), first);
});

test("a request that starts no turn names a new run however it ended", async () => {
  const chat = new Chat(server());
  const names = [];
  for (let count = 0; count < 2; count++) names.push(await chat.finish(chat.post("threads.list"), plain(502)));
  assert.notEqual(names[0], names[1]);
});
