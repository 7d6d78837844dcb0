// What every script shares: the scenario named on the command line gets the settings of standard input, and its report
// is one line of JSON on standard output.
import { text } from "node:stream/consumers";

export async function run(scenarios) {
  const settings = JSON.parse(await text(process.stdin));
  const report = await scenarios[process.argv[2]](settings);
  process.stdout.write(JSON.stringify(report) + "\n");
}

// The status of an API's answer; of a refusal also what its challenge says, as the client's library read it.
export async function told(asked) {
  try {
    const response = await asked;
    await response.arrayBuffer();
    return [response.status];
  } catch (error) {
    if (!Array.isArray(error.cause)) throw error;
    const [{ scheme, parameters }] = error.cause;
    return [error.status, scheme, parameters.error ?? null, parameters.scope ?? null];
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
