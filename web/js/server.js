// What the page asks of its server beside completions: facts and small computations, over plain HTTP.

// JSON from an address of this server, null where it has nothing to say. Throws an Error with one sentence for whatever
// goes wrong, or "silent" where nobody answers, for which the page has the words.
export async function ask(path, body = undefined, method = body === undefined ? "GET" : "POST") {
  const options = { method };
  if (body !== undefined) options.body = JSON.stringify(body);
  const answer = await send(path, options);
  return answer.status === 204 ? null : answer.json();
}

// The same, for an answer that is a file.
export async function fetched(path, body) {
  return (await send(path, { method: "POST", body: JSON.stringify(body) })).blob();
}

async function send(path, options) {
  // The language that the page speaks, for what is refused.
  const headers = { "Content-Type": "application/json", "Accept-Language": document.documentElement.lang };
  let answer;
  try {
    answer = await fetch(new URL(path, document.baseURI), { ...options, headers });
  } catch {
    throw new Error("silent");
  }
  if (answer.ok) return answer;
  const said = await answer.json().catch(() => ({}));
  throw new Error(said.error || `${answer.status} ${answer.statusText}`);
}
