/** The globals that only a page has, for the length of a test; the window, for its events. */
export function withPage(
  t: { after(end: () => void): void },
  baseURI: string,
  visibilityState: DocumentVisibilityState,
): EventTarget {
  const window = new EventTarget();
  Object.assign(globalThis, { window, document: { baseURI, visibilityState } });
  t.after(() => ["window", "document"].forEach((name) => Reflect.deleteProperty(globalThis, name)));
  return window;
}
