import assert from "node:assert/strict";
import { test } from "node:test";
import { createEntities, type EntitiesOptions } from "chatkit-lambda-web/entities";
import { Chat, useServer } from "./chat.js";

const server = useServer();
const FOUND = [
  { id: "rec_1", title: "Call Bob", icon: "empty-circle", group: "Tasks", interactive: true, data: { kind: "task" } },
];
const PREVIEW = { type: "Basic", children: [] };

function entities(options: Partial<EntitiesOptions> = {}) {
  return createEntities<object>({ url: server().endpoint, fetch: new Chat(server()).fetch, ...options });
}

for (const slash of ["", "/"]) {
  test(`a search asks below the endpoint${slash && " that ends with a slash"}, with the token and no run`, async () => {
    const searched = entities({ url: `${server().endpoint}${slash}` }).onTagSearch("call bob & ann?");
    const { method, path, headers, answer } = await server().next();
    answer.end(JSON.stringify({ entities: FOUND }));
    assert.deepEqual([method, path], ["GET", "/chatkit/entities?query=call+bob+%26+ann%3F"]);
    assert.equal(headers["authorization"], "Bearer token-1");
    assert.equal(headers["chatkit-run"], undefined);
    assert.deepEqual(await searched, FOUND);
  });
}

test("the endpoint's own query stays one", async () => {
  const { onTagSearch, onRequestPreview } = entities({ url: `${server().endpoint}?stage=1` });
  const paths = ["/chatkit/entities?stage=1&query=bob", "/chatkit/entities/rec_1/preview?stage=1"];
  for (const [index, asked] of [onTagSearch("bob"), onRequestPreview({ id: "rec_1" })].entries()) {
    const { path, answer } = await server().next();
    answer.writeHead(404).end();
    assert.equal(path, paths[index]);
    await asked;
  }
});

for (const body of ["null", "<html>", "{}", "7", '{"entities":1,"preview":1}']) {
  test(`an answer that is none of the server's finds and shows nothing, with a warning: ${body}`, async (t) => {
    const warned = t.mock.method(console, "warn", () => {});
    const { onTagSearch, onRequestPreview } = entities();
    const searched = onTagSearch("x");
    (await server().next()).answer.end(body);
    assert.deepEqual(await searched, []);
    const shown = onRequestPreview({ id: "rec_1" });
    (await server().next()).answer.end(body);
    assert.deepEqual(await shown, { preview: null });
    assert.equal(warned.mock.callCount(), 2);
  });
}

test("an id with half a character, or an address that is none, shows nothing, with a warning", async (t) => {
  const warned = t.mock.method(console, "warn", () => {});
  assert.deepEqual(await entities().onRequestPreview({ id: "\ud800" }), { preview: null });
  assert.deepEqual(await entities({ url: "/chatkit" }).onRequestPreview({ id: "rec_1" }), { preview: null });
  assert.deepEqual(await entities({ url: "/chatkit" }).onTagSearch("x"), []);
  assert.equal(warned.mock.callCount(), 3);
});

test("no more of a query is sent than the server takes, and no character in halves", async () => {
  const searched = entities().onTagSearch("🐝".repeat(101));
  const { path, answer } = await server().next();
  answer.end(JSON.stringify({ entities: [] }));
  assert.equal(path, `/chatkit/entities?query=${encodeURIComponent("🐝".repeat(100))}`);
  await searched;
});

test("a preview is asked for by the entity's id alone", async () => {
  const shown = entities().onRequestPreview({ ...FOUND[0]!, id: "a/b?c" });
  const { method, path, headers, answer } = await server().next();
  answer.end(JSON.stringify({ preview: PREVIEW }));
  assert.deepEqual([method, path], ["GET", "/chatkit/entities/a%2Fb%3Fc/preview"]);
  assert.equal(headers["authorization"], "Bearer token-1");
  assert.deepEqual(await shown, { preview: PREVIEW });
});

test("both are in the language that is asked for", async () => {
  const { onTagSearch, onRequestPreview } = entities({ locale: "de" });
  for (const asked of [onTagSearch("x"), onRequestPreview({ id: "rec_1" })]) {
    const { headers, answer } = await server().next();
    answer.writeHead(404).end();
    assert.equal(headers["accept-language"], "de");
    await asked;
  }
});

for (const [status, warnings] of [[404, 0], [401, 1], [503, 1]] as const) {
  test(`a ${status} finds and shows nothing, with ${warnings} warning`, async (t) => {
    const warned = t.mock.method(console, "warn", () => {});
    const searched = entities().onTagSearch("x");
    (await server().next()).answer.writeHead(status).end("{}");
    assert.deepEqual(await searched, []);
    const shown = entities().onRequestPreview({ id: "rec_1" });
    (await server().next()).answer.writeHead(status).end("{}");
    assert.deepEqual(await shown, { preview: null });
    assert.equal(warned.mock.callCount(), 2 * warnings);
  });
}

test("a server that cannot be asked finds and shows nothing, with a warning", async (t) => {
  const warned = t.mock.method(console, "warn", () => {});
  const { onTagSearch, onRequestPreview } = entities({ fetch: () => Promise.reject(new Error("signed out")) });
  assert.deepEqual(await onTagSearch("x"), []);
  assert.deepEqual(await onRequestPreview({ id: "rec_1" }), { preview: null });
  assert.equal(warned.mock.callCount(), 2);
});
