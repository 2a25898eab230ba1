import assert from "node:assert/strict";
import { test } from "node:test";
import { broken, Chat, plain, streamOf, useServer, type Answer } from "./chat.js";
import { withPage } from "./page.js";

const server = useServer();
const OTHER_RUN = "another-run-0123456789";
const WINDOW = 120_000;

const lost: Record<string, Answer> = {
  "no answer": (answer) => answer.destroy(),
  "a 500 of nobody knows whom": plain(500),
  "a 502 of a proxy": plain(502, "text/html"),
  "a 504 that calls itself a stream": plain(504, "text/event-stream", "data: 1\n\n"),
  "a 200 that is no stream": plain(200, "application/json"),
  "a 200 of no type": plain(200),
  "a 204": (answer) => answer.writeHead(204, { "content-type": "text/event-stream" }).end(),
  "a stream that breaks between events": broken(),
  "a stream that breaks within one": broken("data: 1"),
  "a stream that ends with nothing in it": streamOf(""),
  "a stream that ends within a line": streamOf("data: 1\n\ndata: 2"),
  "a stream that ends after a line": streamOf("data: 1\n\ndata: 2\n"),
  "a stream that ends after a comment within an event": streamOf("data: 1\n\ndata: 2\n: \n"),
  "a stream that ends within a comment": streamOf("data: 1\n\n: "),
  "a stream of comments alone": streamOf(": \n: \n"),
};
for (const [what, answer] of Object.entries(lost)) {
  test(`the same request after ${what} names the same run`, async () => {
    const chat = new Chat(server());
    const first = await chat.run(answer);
    assert.equal(await chat.run(streamOf()), first);
  });
}

test("the same request after a stream that came byte by byte and ended within an event names the same run", async () => {
  const chat = new Chat(server());
  const turn = await chat.turn();
  await turn.bytes("data: 2\n");
  turn.request.answer.end();
  await turn.reader.closed;
  assert.equal(await chat.run(streamOf()), turn.request.headers["chatkit-run"]);
});

test("five repetitions name one run; after the end the same words name a new one", async () => {
  const chat = new Chat(server());
  const runs = [];
  for (let count = 0; count < 5; count++) runs.push(await chat.run(streamOf("data: 1\n\ndata: ")));
  runs.push(await chat.run(streamOf()));
  assert.deepEqual(new Set(runs), new Set([runs[0]]));
  assert.notEqual(await chat.run(streamOf()), runs[0]);
});

test("a repetition names the run that the server said it follows", async () => {
  const chat = new Chat(server());
  assert.notEqual(await chat.run(broken("data: 1\n\n", { "chatkit-run": OTHER_RUN })), OTHER_RUN);
  assert.equal(await chat.run(streamOf("", { "chatkit-run": "one-more-run-0123456789" })), OTHER_RUN);
  assert.equal(await chat.run(streamOf()), "one-more-run-0123456789");
});

test("a repetition may come as a Request", async () => {
  const chat = new Chat(server());
  const first = await chat.run(broken());
  const body = JSON.stringify({ type: "threads.add_user_message", words: "Hello" });
  const again = chat.fetch(new Request(server().endpoint, { method: "POST", body }));
  assert.equal(await chat.finish(again, streamOf()), first);
});

test("a repetition that cannot be sent for want of a token leaves the run to the next", async () => {
  const tokens = [() => "1", () => Promise.reject(new Error("offline")), () => "3"];
  const chat = new Chat(server(), { token: () => tokens.shift()!() });
  const first = await chat.run(broken());
  await assert.rejects(chat.post(), /offline/);
  assert.equal(await chat.run(streamOf()), first);
});

test("a run is named again for two minutes from the failure on", async (t) => {
  let passed = 0;
  const now = performance.now.bind(performance);
  t.mock.method(performance, "now", () => now() + passed);
  const chat = new Chat(server());
  const first = await chat.run((answer) => {
    passed += 2 * WINDOW; // the answer is a long one
    broken()(answer);
  });
  passed += WINDOW - 5_000;
  assert.equal(await chat.run(broken()), first);
  passed += WINDOW - 5_000;
  assert.equal(await chat.run(broken()), first);
  passed += WINDOW;
  assert.notEqual(await chat.run(streamOf()), first);
});

test("the runs of the eight latest lost answers are kept, and no more", async () => {
  const chat = new Chat(server());
  const words = ["first", "second", "3", "4", "5", "6", "7", "8"];
  const runs = new Map<string, string>();
  for (const word of words) runs.set(word, await chat.run(broken(), word));
  await chat.run(broken(), "first"); // is the latest again
  await chat.run(broken(), "ninth");
  assert.notEqual(await chat.run(streamOf(), "second"), runs.get("second"));
  for (const word of words.filter((word) => word !== "second")) {
    assert.equal(await chat.run(streamOf(), word), runs.get(word), word);
  }
});

test("a hidden page whose stream broke names the run whenever it is back", async (t) => {
  const now = performance.now.bind(performance);
  let passed = 0;
  t.mock.method(performance, "now", () => now() + passed);
  withPage(t, server().origin, "hidden");
  const chat = new Chat(server());
  const first = await chat.run(broken());
  passed = 10 * WINDOW;
  assert.equal(await chat.run(streamOf()), first);
});

test("a hidden page that puts its request or its stream down names the run when it asks again", async (t) => {
  withPage(t, server().origin, "hidden");
  const chat = new Chat(server());
  const waiting = new AbortController();
  const answered = chat.post(undefined, waiting.signal);
  const { headers } = await server().next();
  waiting.abort();
  await assert.rejects(answered, { name: "AbortError" });
  const reading = new AbortController();
  const aborted = await chat.turn(reading.signal);
  reading.abort();
  await assert.rejects(aborted.reader.read(), { name: "AbortError" });
  const cancelled = await chat.turn();
  await cancelled.reader.cancel();
  const named = [aborted, cancelled].map(({ request }) => request.headers["chatkit-run"]);
  assert.deepEqual([...named, await chat.run(streamOf())], Array(3).fill(headers["chatkit-run"]));
  assert.equal(chat.stops, 0);
});
