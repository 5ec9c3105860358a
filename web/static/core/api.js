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

async function send(path, body, signal) {
  const [content, type] = body instanceof Blob ? [body, "application/octet-stream"] : [JSON.stringify(body), "application/json"];
  const post = { method: "POST", body: content, headers: { "Content-Type": type }, signal };
  let response;
  try {
    response = await fetch(new URL(path, document.baseURI), body === undefined ? {} : post);
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError("The server does not respond.", "no_response");
  }
  if (response.ok) return response;
  const { error, code, params } = await response.json().catch(() => ({}));
  throw new ApiError(error || `${response.status} ${response.statusText}`, code, params);
}

// The lines of JSON of a streamed answer, each as soon as it is there. signal: aborts the request. Throws ApiError, also for
// a line with an error.
export async function* streamJson(path, body, signal) {
  const reader = (await send(path, body, signal)).body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const lines = (text + value).split("\n");
    text = lines.pop(); // not complete yet
    for (const line of lines.map((each) => JSON.parse(each))) {
      if (line.error) throw new ApiError(line.error, line.code, line.params);
      yield line;
    }
  }
}
