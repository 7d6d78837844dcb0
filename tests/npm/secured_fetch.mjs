// fetch over TLS with a client certificate, which Node's own fetch cannot show.
import { readFileSync } from "node:fs";
import { request } from "node:https";
import { buffer } from "node:stream/consumers";

export function fetchWith({ certificate, key }) {
  const shown = { cert: readFileSync(certificate), key: readFileSync(key) };
  return async (url, { method = "GET", headers = {}, body } = {}) => {
    const sent = body == null ? "" : String(body);
    const fields = Object.fromEntries(new Headers(headers));
    if (sent) fields["content-length"] = String(Buffer.byteLength(sent));
    const answer = await new Promise((resolve, reject) => {
      const asked = request(url, { ...shown, method, headers: fields, agent: false }, resolve);
      asked.on("error", reject);
      asked.end(sent);
    });
    const content = await buffer(answer);
    const pairs = Object.entries(answer.headersDistinct).flatMap(([name, all]) => all.map((one) => [name, one]));
    return new Response(content.length ? content : null, { status: answer.statusCode, headers: pairs });
  };
}
