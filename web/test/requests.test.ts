import assert from "node:assert/strict";
import { test } from "node:test";
import { createChatFetch } from "chatkit-lambda-web";
import { Chat, streamOf, useServer, type Fetch } from "./chat.js";
import { ChatServer } from "./server.js";

const server = useServer();
const BODY = JSON.stringify({ type: "threads.list" });
const HEADERS = { "content-type": "application/json", "chatkit-frame-instance-id": "frame-1" };

const forms: Record<string, (call: Fetch, url: string) => Promise<Response>> = {
  "a string": (call, url) => call(url, { method: "POST", headers: HEADERS, body: BODY }),
  "a URL": (call, url) => call(new URL(url), { method: "POST", headers: new Headers(HEADERS), body: BODY }),
  "a Request": (call, url) => call(new Request(url, { method: "POST", headers: HEADERS, body: BODY })),
  "a Request and headers": (call, url) => call(new Request(url, { method: "POST", body: BODY }), { headers: HEADERS }),
  "a method in lower case": (call, url) => call(url, { method: "post", headers: HEADERS, body: BODY }),
};
for (const [name, send] of Object.entries(forms)) {
  test(`a request given as ${name} keeps its headers and body, and gets the token and a run`, async () => {
    const answered = send(new Chat(server()).fetch, server().endpoint);
    const { method, headers, body, answer } = await server().next();
    answer.end("{}");
    assert.equal((await answered).status, 200);
    assert.deepEqual([method, body], ["POST", BODY]);
    assert.equal(headers["chatkit-frame-instance-id"], "frame-1");
    assert.equal(headers["content-type"], "application/json");
    assert.equal(headers["authorization"], "Bearer token-1");
    assert.match(String(headers["chatkit-run"]), /^[A-Za-z0-9_-]{16,64}$/);
  });
}

test("each request asks for the token and has a run of its own", async () => {
  const chat = new Chat(server());
  const seen = [];
  for (let count = 0; count < 2; count++) {
    const answered = chat.post();
    const { headers, answer } = await server().next();
    streamOf()(answer);
    await (await answered).text();
    seen.push(headers);
  }
  assert.deepEqual(seen.map(({ authorization }) => authorization), ["Bearer token-1", "Bearer token-2"]);
  assert.notEqual(seen[0]!["chatkit-run"], seen[1]!["chatkit-run"]);
});

test("an upload below the endpoint gets the token and no run", async () => {
  const form = new FormData();
  form.append("file", new Blob(["x"]), "x.txt");
  const answered = new Chat(server()).fetch(`${server().endpoint}/attachments/1`, { method: "POST", body: form });
  const { headers, body, answer } = await server().next();
  answer.end("{}");
  await answered;
  assert.equal(headers["authorization"], "Bearer token-1");
  assert.equal(headers["chatkit-run"], undefined);
  assert.match(String(headers["content-type"]), /^multipart\/form-data; boundary=/);
  assert.match(body, /filename="x.txt"/);
});

test("requests to another origin, or beside the endpoint, go through untouched", async () => {
  const storage = await ChatServer.start();
  try {
    const chat = new Chat(server());
    const init = { method: "PUT", headers: { "x-amz-meta-a": "1" }, body: "bytes" };
    const cases: [ChatServer, RequestInfo, RequestInit | undefined][] = [
      [storage, `${storage.endpoint}?X-Amz-Signature=1`, init],
      [storage, new Request(storage.endpoint, init), undefined],
      [server(), `${server().endpoint}-other`, init],
      [server(), `${server().endpoint}/../other`, init],
    ];
    for (const [asked, input, given] of cases) {
      const answered = chat.fetch(input, given);
      const { headers, body, answer } = await asked.next();
      answer.end();
      await answered;
      assert.deepEqual([headers["x-amz-meta-a"], body], ["1", "bytes"]);
      assert.deepEqual([headers["authorization"], headers["chatkit-run"]], [undefined, undefined]);
      assert.equal(chat.sent.at(-1)!.input, input);
      assert.equal(chat.sent.at(-1)!.init, given);
    }
    assert.equal(chat.tokens, 0);
  } finally {
    await storage.close();
  }
});

test("an endpoint may be relative to the page", async (t) => {
  Object.assign(globalThis, { document: { baseURI: `${server().origin}/app/`, visibilityState: "visible" } });
  t.after(() => Reflect.deleteProperty(globalThis, "document"));
  const call = createChatFetch({
    url: "../chatkit/",
    token: () => "t",
    fetch: (input, init) => fetch(new URL(String(input), document.baseURI), init),
  });
  const answered = call("/chatkit", { method: "POST", headers: HEADERS, body: BODY });
  const { path, headers, answer } = await server().next();
  answer.end("{}");
  await answered;
  assert.deepEqual([path, headers["authorization"]], ["/chatkit", "Bearer t"]);
});

test("a token that cannot be had rejects the request, and nothing is sent", async () => {
  const chat = new Chat(server(), { token: () => Promise.reject(new Error("signed out")) });
  await assert.rejects(chat.post(), /signed out/);
  assert.deepEqual(chat.sent, []);
});
