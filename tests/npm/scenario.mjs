// What every script shares: the scenario named on the command line gets the settings of standard input, and its report
// is one line of JSON on standard output.
import { text } from "node:stream/consumers";

export async function run(scenarios) {
  const settings = JSON.parse(await text(process.stdin));
  const report = await scenarios[process.argv[2]](settings);
  process.stdout.write(JSON.stringify(report) + "\n");
}

// The status of an API's answer; of a refusal also what its challenges say, as the client's library read it.
export async function told(asked) {
  try {
    const response = await asked;
    await response.arrayBuffer();
    return [response.status];
  } catch (error) {
    if (!Array.isArray(error.cause)) throw error;
    const said = error.cause.map(({ scheme, parameters }) => {
      const told = [scheme, parameters.error, parameters.scope].filter(Boolean);
      return told.join(" ");
    });
    return [error.status, ...said];
  }
}

// The first refusal: a token that was taken back is refused by every worker soon, not before the server's answer to it.
export async function refusal(ask) {
  for (const end = Date.now() + 1000; ; ) {
    const answer = await ask();
    if (answer[0] !== 200 || Date.now() > end) return answer;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

// A client's own key for signing, from its JWK.
export async function privateKey(jwk) {
  const algorithm = { name: "ECDSA", namedCurve: "P-256" };
  return { key: await crypto.subtle.importKey("jwk", { kty: jwk.kty, crv: jwk.crv, x: jwk.x, y: jwk.y, d: jwk.d }, algorithm, false, ["sign"]), kid: jwk.kid };
}
