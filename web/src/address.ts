/** What relative addresses are relative to; nothing outside of a page. */
export function pageAddress(): string | undefined {
  return typeof document === "undefined" ? undefined : document.baseURI;
}

/** The address of something below the endpoint, with the endpoint's own query. Throws for what is no address. */
export function below(endpoint: string | URL, path: string): URL {
  const address = new URL(endpoint, pageAddress());
  address.pathname = `${address.pathname.replace(/\/$/, "")}/${path}`;
  return address;
}
