// The flows of npm openid-client, as applications use it, against a Wardgate and through its gateway.
import * as client from "openid-client";
import { Agent, agreeing } from "./agent.mjs";
import { privateKey, refusal, run, told } from "./scenario.mjs";

const CODE_SCOPE = "openid profile offline_access items.read";
// Signatures of id tokens, userinfo and introspection are checked although TLS vouches for them.
const options = { execute: [client.enableNonRepudiationChecks] };
const configured = ({ issuer, client_id, client_secret }, metadata = {}, auth = undefined) =>
  client.discovery(new URL(issuer), client_id, { client_secret, ...metadata }, auth, options);
const called = ({ resource }, config, token, more = undefined) =>
  told(client.fetchProtectedResource(config, token, new URL(`${resource}/items/7`), "GET", undefined, undefined, more));
const refused = (error) => error.error ?? error.cause?.error ?? error.message;

async function client_credentials(settings) {
  const config = await configured(settings, {}, client.ClientSecretBasic(settings.client_secret));
  const tokens = await client.clientCredentialsGrant(config, { scope: "items.read" });
  const report = { expires_in: tokens.expiresIn(), read: await called(settings, config, tokens.access_token) };
  report.before = (await client.tokenIntrospection(config, tokens.access_token)).scope;
  await client.tokenRevocation(config, tokens.access_token);
  report.after = (await client.tokenIntrospection(config, tokens.access_token)).active;
  report.revoked = await refusal(() => called(settings, config, tokens.access_token));
  return report;
}

// Signs in with PKCE and, on the way, whatever builds the address to go to.
async function signed_in(settings, config, agent, { build, more = {}, dpop = undefined }) {
  const verifier = client.randomPKCECodeVerifier();
  const checks = { pkceCodeVerifier: verifier, expectedState: client.randomState(), expectedNonce: client.randomNonce() };
  const url = await build({
    redirect_uri: settings.callback,
    scope: CODE_SCOPE,
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
    state: checks.expectedState,
    nonce: checks.expectedNonce,
    ...more,
  });
  const { arrived, ...page } = await agent.visit(url.href, { stop: settings.callback, fill: agreeing(settings) });
  if (!arrived) throw new Error(`stayed at ${page.url}: ${page.text}`);
  return client.authorizationCodeGrant(config, arrived, checks, undefined, dpop && { DPoP: dpop });
}

async function code(settings) {
  const config = await configured(settings, { userinfo_signed_response_alg: "ES256" });
  const agent = new Agent();
  const build = (parameters) => client.buildAuthorizationUrl(config, parameters);
  const tokens = await signed_in(settings, config, agent, { build });
  const report = { scope: tokens.scope, read: await called(settings, config, tokens.access_token) };
  const person = await client.fetchUserInfo(config, tokens.access_token, tokens.claims().sub);
  report.person = person.preferred_username;
  const next = await client.refreshTokenGrant(config, tokens.refresh_token);
  report.refreshed = await called(settings, config, next.access_token);

  // Signed in and agreed to already: nobody is asked again.
  const silent = { build, more: { prompt: "none", scope: "openid items.read" } };
  const again = await signed_in(settings, config, agent, silent);
  report.same = again.claims().sub === tokens.claims().sub;

  const ending = client.buildEndSessionUrl(config, {
    post_logout_redirect_uri: settings.gone,
    id_token_hint: again.id_token,
    state: "bye",
  });
  const fill = (page) => (page.forms.length ? {} : undefined);
  const { arrived } = await agent.visit(ending.href, { stop: settings.gone, fill });
  report.gone = arrived?.searchParams.get("state");
  report.signed_out = await signed_in(settings, config, agent, silent).then(() => "signed in", refused);
  report.ended = await refusal(() => called(settings, config, again.access_token));
  return report;
}

// PAR and JAR by a client that signs its assertions, with DPoP; the library asks again with a nonce by itself.
async function bound(settings) {
  const key = await privateKey(settings.jwk);
  const config = await configured(settings, {}, client.PrivateKeyJwt(key));
  const DPoP = client.getDPoPHandle(config, await client.randomDPoPKeyPair());
  const agent = new Agent();
  const build = async (parameters) => {
    const signed = await client.buildAuthorizationUrlWithJAR(config, parameters, key);
    return client.buildAuthorizationUrlWithPAR(config, signed.searchParams, { DPoP });
  };
  const tokens = await signed_in(settings, config, agent, { build, dpop: DPoP });
  const next = await client.refreshTokenGrant(config, tokens.refresh_token, undefined, { DPoP });
  const jar = (parameters) => client.buildAuthorizationUrlWithJAR(config, parameters, key);
  const other = await signed_in(settings, config, agent, { build: jar, dpop: DPoP });
  return {
    token_type: [tokens.token_type, next.token_type, other.token_type],
    read: await called(settings, config, next.access_token, { DPoP }),
    stolen: await called(settings, config, next.access_token),
    person: (await client.fetchUserInfo(config, next.access_token, tokens.claims().sub, { DPoP })).preferred_username,
  };
}

async function device(settings) {
  const config = await configured(settings, {}, client.None());
  const started = await client.initiateDeviceAuthorization(config, { scope: "openid items.read" });
  const polled = client.pollDeviceAuthorizationGrant(config, started);
  const agent = new Agent();
  const asked = await agent.visit(started.verification_uri_complete, { fill: (page) => {
    const named = page.forms.find((form) => form.fields.has("user_code"));
    return named ? { user_code: named.fields.get("user_code") } : agreeing(settings)(page);
  } });
  const tokens = await polled;
  return { page: asked.heading, read: await called(settings, config, tokens.access_token) };
}

await run({ client_credentials, code, bound, device });
