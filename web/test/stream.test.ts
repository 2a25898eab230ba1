import assert from "node:assert/strict";
import { test } from "node:test";
import { Chat, useServer } from "./chat.js";

const server = useServer();

test("events pass through before the stream ends, each as it comes", async () => {
  const { request, reader } = await new Chat(server()).turn();
  for (const event of ["data: 2\n\n", "data: 3\n\n"]) {
    request.answer.write(event);
    assert.equal(new TextDecoder().decode((await reader.read()).value), event);
  }
  request.answer.end();
  assert.equal((await reader.read()).done, true);
});

test("a reader is told of the end and of an abort without reading on", async () => {
  const ended = await new Chat(server()).turn();
  ended.request.answer.end();
  await ended.reader.closed;
  const button = new AbortController();
  const aborted = await new Chat(server()).turn(button.signal);
  button.abort();
  await assert.rejects(aborted.reader.closed, { name: "AbortError" });
  await server().nextStop();
});

test("the streamed response is otherwise the one that fetch gave", async () => {
  let original: Response | undefined;
  const chat = new Chat(server(), { fetch: async (input, init) => (original = await fetch(input, init)) });
  const answered = chat.post();
  (await server().next()).answer.writeHead(307, { location: "/chatkit/moved" }).end();
  const headers = { "content-type": "text/event-stream; charset=utf-8", "chatkit-run": "r", "x-request-id": "1" };
  (await server().next()).answer.writeHead(201, "Made", headers).end("data: é\n\n");
  const response = await answered;
  assert.notEqual(response, original);
  for (const name of ["ok", "status", "statusText", "url", "type", "redirected"] as const) {
    assert.equal(response[name], original![name], name);
  }
  assert.deepEqual([response.url, response.redirected], [`${server().endpoint}/moved`, true]);
  assert.equal(response.bodyUsed, false);
  assert.deepEqual([...response.headers], [...original!.headers]);
  assert.equal(await response.clone().text(), "data: é\n\n");
  assert.equal(await response.text(), "data: é\n\n");
  assert.equal(response.bodyUsed, true);
});
