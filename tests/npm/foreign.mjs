// A certified OpenID provider (npm oidc-provider) over TLS that stands in for Okta and Entra, with a door for tests:
// POST /control changes who is signed in, what their claims are, how id tokens are bent, and the signing key.
import { generateKeyPairSync } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:https";
import { SignJWT, UnsecuredJWT, decodeJwt, decodeProtectedHeader, importJWK } from "jose";
import Provider from "oidc-provider";

const settings = JSON.parse(process.argv[2]);
const origin = `https://127.0.0.1:${settings.port}`;
console.warn = console.info = () => {};

// What the next sign-ins are about; /control replaces members of it.
const state = { account: "person-1", claims: {}, bend: null, asked: [] };
let keys = 0;
const newKey = () => ({
  ...generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({ format: "jwk" }),
  kid: `key-${(keys += 1)}`, use: "sig", alg: "RS256",
});
let key = newKey();
const NAMES = ["sub", "tid", "groups", "roles", "_claim_names", "_claim_sources", "xms_edov", "preferred_username", "name"];

function provider(issuer) {
  const made = new Provider(issuer, {
    clients: settings.clients.map((client) => ({ ...client, id_token_signed_response_alg: "RS256" })),
    claims: { openid: NAMES, email: ["email", "email_verified"], profile: ["family_name"], groups: ["groups"] },
    scopes: ["openid", "profile", "email", "groups"],
    conformIdTokenClaims: false,
    cookies: { keys: ["only a test"] },
    features: { devInteractions: { enabled: false } },
    findAccount: (ctx, sub) => ({ accountId: sub, claims: () => ({ ...state.claims, sub }) }),
    interactions: { url: (ctx, interaction) => `${new URL(issuer).pathname.replace(/\/$/, "")}/interaction/${interaction.uid}` },
    jwks: { keys: [key] },
    async loadExistingGrant(ctx) {
      const grant = new ctx.oidc.provider.Grant({ clientId: ctx.oidc.client.clientId, accountId: ctx.oidc.session.accountId });
      grant.addOIDCScope("openid profile email groups");
      await grant.save();
      return grant;
    },
  });
  made.use(async (ctx, next) => {
    await next();
    if (ctx.oidc?.route === "token" && state.bend && ctx.body?.id_token) ctx.body.id_token = await bent(ctx.body.id_token);
  });
  return made;
}

// The id token with other claims or another header, signed by the provider's own key all the same.
async function bent(token) {
  const claims = { ...decodeJwt(token), ...state.bend.claims };
  if (state.bend.alg === "none") return new UnsecuredJWT(claims).encode();
  const header = { ...decodeProtectedHeader(token), ...state.bend.header };
  if (state.bend.alg === "HS256") {
    return new SignJWT(claims).setProtectedHeader({ ...header, alg: "HS256" }).sign(new TextEncoder().encode(state.bend.secret));
  }
  const signing = state.bend.stranger ? { ...newKey(), kid: key.kid } : key;
  return new SignJWT(claims).setProtectedHeader(header).sign(await importJWK(signing, "RS256"));
}

let mounted = new Map();
const mount = () => (mounted = new Map(settings.paths.map((path) => [path, provider(origin + path)])));
mount();

const server = createServer({ cert: readFileSync(settings.cert), key: readFileSync(settings.key) }, async (request, response) => {
  const { pathname } = new URL(request.url, origin);
  if (pathname === "/control") {
    let body = "";
    for await (const chunk of request) body += chunk;
    const { rotate, ...changes } = JSON.parse(body);
    Object.assign(state, changes);
    if (rotate) { key = newKey(); mount(); }
    return response.end("{}");
  }
  state.asked.push(pathname);
  if (settings.template && pathname === `${settings.template}/.well-known/openid-configuration`) {
    // As Entra for several directories: one document, with a place for the directory in its issuer.
    const base = origin + settings.paths.at(-1);
    response.setHeader("content-type", "application/json");
    return response.end(JSON.stringify({
      issuer: `${origin}/{tenantid}/v2.0`, authorization_endpoint: `${base}/auth`, token_endpoint: `${base}/token`,
      jwks_uri: `${base}/jwks`, response_types_supported: ["code"], id_token_signing_alg_values_supported: ["RS256"],
    }));
  }
  const path = settings.paths.find((each) => pathname === each || pathname.startsWith(`${each}/`));
  if (path === undefined) return response.writeHead(404).end();
  const found = mounted.get(path);
  request.originalUrl = request.url;
  request.url = request.url.slice(path.length) || "/";
  if (pathname.startsWith(`${path}/interaction/`)) {
    await found.interactionDetails(request, response);
    return found.interactionFinished(request, response, { login: { accountId: state.account, amr: state.amr, acr: "x" } });
  }
  return found.callback()(request, response);
});
server.listen(settings.port, "127.0.0.1", () => console.log("ready"));
