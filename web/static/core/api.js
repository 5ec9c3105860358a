// HTTP requests to the server, other than completions.

// A request that failed. `message` is the server's English sentence; `code` and `params` identify it for translation.
// The code is "no_response" if the server cannot be reached.
export class ApiError extends Error {
  constructor(message, code = "", params = {}) {
    super(message);
    Object.assign(this, { code, params });
  }
}

// JSON from a path of this server; null for an empty answer (status 204). A body, a value for JSON or a file, makes it a
// POST. Throws ApiError.
export async function fetchJson(path, body) {
  const response = await send(path, body);
  return response.status === 204 ? null : response.json();
}

// A file from a path of this server, by POST. Throws ApiError.
export async function fetchBlob(path, body) {
  return (await send(path, body)).blob();
}

async function send(path, body) {
  const [content, type] = body instanceof Blob ? [body, "application/octet-stream"] : [JSON.stringify(body), "application/json"];
  const post = { method: "POST", body: content, headers: { "Content-Type": type } };
  let response;
  try {
    response = await fetch(new URL(path, document.baseURI), body === undefined ? {} : post);
  } catch {
    throw new ApiError("The server does not respond.", "no_response");
  }
  if (response.ok) return response;
  const { error, code, params } = await response.json().catch(() => ({}));
  throw new ApiError(error || `${response.status} ${response.statusText}`, code, params);
}
