// The flows of npm oauth4webapi, each message of them by itself, against a Wardgate and through its gateway.
import * as oauth from "oauth4webapi";
import { Agent, agreeing } from "./agent.mjs";
import { privateKey, refusal, run, told } from "./scenario.mjs";
import { fetchWith } from "./secured_fetch.mjs";

const discovered = async ({ issuer }, algorithm = "oidc") => {
  const url = new URL(issuer);
  return oauth.processDiscoveryResponse(url, await oauth.discoveryRequest(url, { algorithm }));
};
const called = ({ resource }, token, path = "/items/7", method = "GET", options = undefined) =>
  told(oauth.protectedResourceRequest(token, method, new URL(resource + path), new Headers(), null, options));

async function client_credentials(settings) {
  const as = await discovered(settings, "oauth2");
  const client = { client_id: settings.client_id };
  const auth = oauth.ClientSecretBasic(settings.client_secret);
  const ask = async (scope) =>
    oauth.processClientCredentialsResponse(
      as, client, await oauth.clientCredentialsGrantRequest(as, client, auth, { scope }),
    );
  const { access_token: token, scope, token_type, expires_in } = await ask("items.read");
  const report = { scope, token_type, expires_in };

  // The library as a resource server: the token says all that RFC 9068 asks for, signed by a published key.
  const request = new Request(settings.resource, { headers: { authorization: `Bearer ${token}` } });
  const claims = await oauth.validateJwtAccessToken(as, request, settings.issuer);
  report.claims = { client_id: claims.client_id, sub: claims.sub, scope: claims.scope };

  report.read = await called(settings, token);
  report.write = await called(settings, token, "/items/7", "PUT");
  const introspect = async () =>
    oauth.processIntrospectionResponse(as, client, await oauth.introspectionRequest(as, client, auth, token));
  report.before = (await introspect()).active;
  await oauth.processRevocationResponse(await oauth.revocationRequest(as, client, auth, token));
  report.after = (await introspect()).active;
  report.revoked = await refusal(() => called(settings, token));
  try {
    await ask("items.delete");
  } catch (error) {
    report.refused = [error.error, error.status];
  }
  return report;
}

async function code(settings) {
  const as = await discovered(settings);
  const client = { client_id: settings.client_id };
  const auth = oauth.ClientSecretPost(settings.client_secret);
  const verifier = oauth.generateRandomCodeVerifier();
  const state = oauth.generateRandomState();
  const nonce = oauth.generateRandomNonce();
  const url = new URL(as.authorization_endpoint);
  url.search = new URLSearchParams({
    client_id: client.client_id,
    redirect_uri: settings.callback,
    response_type: "code",
    scope: "openid profile email offline_access items.read items.write",
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
    state,
    nonce,
  }).toString();
  const agent = new Agent();
  const { arrived } = await agent.visit(url.href, { stop: settings.callback, fill: agreeing(settings) });
  const callback = oauth.validateAuthResponse(as, client, arrived, state);
  const redeem = () =>
    oauth.authorizationCodeGrantRequest(as, client, auth, callback, settings.callback, verifier);
  const response = await redeem();
  const tokens = await oauth.processAuthorizationCodeResponse(as, client, response, {
    expectedNonce: nonce,
    requireIdToken: true,
  });
  await oauth.validateApplicationLevelSignature(as, response);
  const claims = oauth.getValidatedIdTokenClaims(tokens);
  const report = { scope: tokens.scope, acr: claims.acr, amr: claims.amr };

  const info = await oauth.userInfoRequest(as, client, tokens.access_token);
  const person = await oauth.processUserInfoResponse(as, client, claims.sub, info);
  report.person = { name: person.name, email: person.email };
  report.read = await called(settings, tokens.access_token);
  report.write = await called(settings, tokens.access_token, "/items/7", "PUT");

  const refresh = async (token) =>
    oauth.processRefreshTokenResponse(as, client, await oauth.refreshTokenGrantRequest(as, client, auth, token));
  const next = await refresh(tokens.refresh_token);
  report.rotated = next.refresh_token !== tokens.refresh_token;
  report.refreshed = await called(settings, next.access_token);
  await oauth.processRevocationResponse(
    await oauth.revocationRequest(as, client, auth, next.refresh_token),
  );
  report.revoked = [];
  for (const { access_token } of [next, tokens]) {
    report.revoked.push(await refusal(() => called(settings, access_token)));
  }
  try {
    await refresh(next.refresh_token);
  } catch (error) {
    report.refused = [error.error, error.status];
  }
  return report;
}

// Everything at once: a signed request object pushed by a client that signs its assertions, a code bound to a DPoP key,
// with the nonces that the server and the gateway ask for.
async function bound(settings) {
  const as = await discovered(settings);
  const client = { client_id: settings.client_id };
  const key = await privateKey(settings.jwk);
  const auth = oauth.PrivateKeyJwt(key);
  const pair = await oauth.generateKeyPair("ES256");
  const DPoP = oauth.DPoP(client, pair);
  const nonces = [];
  // Section 8 of RFC 9449: the first proof has no nonce, the answer brings one.
  const proven = async (ask) => {
    try {
      return await ask();
    } catch (error) {
      if (!oauth.isDPoPNonceError(error)) throw error;
      nonces.push(error.status);
      return ask();
    }
  };
  const verifier = oauth.generateRandomCodeVerifier();
  const state = oauth.generateRandomState();
  const parameters = {
    redirect_uri: settings.callback,
    response_type: "code",
    scope: "openid items.read offline_access",
    resource: settings.bound_resource,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
    state,
  };
  const request = await oauth.issueRequestObject(as, client, parameters, key);
  const pushed = await proven(async () =>
    oauth.processPushedAuthorizationResponse(
      as, client, await oauth.pushedAuthorizationRequest(as, client, auth, { request }, { DPoP }),
    ),
  );
  const url = new URL(as.authorization_endpoint);
  url.search = new URLSearchParams({ client_id: client.client_id, request_uri: pushed.request_uri }).toString();
  const agent = new Agent();
  const { arrived } = await agent.visit(url.href, { stop: settings.callback, fill: agreeing(settings) });
  const callback = oauth.validateAuthResponse(as, client, arrived, state);
  const tokens = await proven(async () =>
    oauth.processAuthorizationCodeResponse(
      as, client,
      await oauth.authorizationCodeGrantRequest(as, client, auth, callback, settings.callback, verifier, { DPoP }),
    ),
  );
  const report = { token_type: tokens.token_type, expires_in: pushed.expires_in };
  const at = (token, options) =>
    oauth.protectedResourceRequest(token, "GET", new URL(settings.bound_resource + "/items/7"), new Headers(), null, options);
  report.read = await told(proven(() => at(tokens.access_token, { DPoP })));
  const forgetful = oauth.DPoP(client, pair);
  report.again = await told(proven(() => at(tokens.access_token, { DPoP: forgetful })));
  report.bearer = await told(at(tokens.access_token));
  const stranger = oauth.DPoP(client, await oauth.generateKeyPair("ES256"));
  report.stolen = await told(proven(() => at(tokens.access_token, { DPoP: stranger })));
  report.elsewhere = await told(
    proven(() => oauth.protectedResourceRequest(
      tokens.access_token, "GET", new URL(settings.resource + "/items/7"), new Headers(), null, { DPoP },
    )),
  );
  const page = await agent.visit(url.href, { stop: settings.callback, fill: agreeing(settings) });
  report.used_up = [page.status, page.text.includes("invalid_request_uri")];
  const refreshed = await proven(async () =>
    oauth.processRefreshTokenResponse(
      as, client, await oauth.refreshTokenGrantRequest(as, client, auth, tokens.refresh_token, { DPoP }),
    ),
  );
  report.refreshed = await told(proven(() => at(refreshed.access_token, { DPoP })));
  report.nonces = nonces;
  return report;
}

async function device(settings) {
  const as = await discovered(settings);
  const client = { client_id: settings.client_id };
  const auth = oauth.None();
  const begin = async () =>
    oauth.processDeviceAuthorizationResponse(
      as, client, await oauth.deviceAuthorizationRequest(as, client, auth, { scope: "openid items.read" }),
    );
  const poll = async ({ device_code }) =>
    oauth.processDeviceCodeResponse(as, client, await oauth.deviceCodeGrantRequest(as, client, auth, device_code));
  const refused = (error) => error.error;
  const impatient = await begin();
  const report = {
    verification_uri: impatient.verification_uri,
    early: await poll(impatient).catch(refused),
    hasty: await poll(impatient).catch(refused),
  };

  // The code is typed in small letters and with a space, by somebody who has to sign in first.
  const agent = new Agent();
  const decide = async ({ verification_uri, user_code }, decision) => {
    const entered = await agent.visit(verification_uri, { fill: agreeing(settings) });
    const asked = await agent.submit(entered, { user_code: user_code.toLowerCase().replace("-", " ") });
    return (await agent.submit(asked, { decision })).heading;
  };
  const allowed = await begin();
  report.allowed = await decide(allowed, "allow");
  const tokens = await poll(allowed);
  report.scope = tokens.scope;
  report.read = await called(settings, tokens.access_token);
  report.reused = await poll(allowed).catch(refused);
  const denied = await begin();
  report.denied = [await decide(denied, "deny"), await poll(denied).catch(refused)];
  return report;
}

// A client known by its TLS certificate; its tokens open the API on connections with that certificate only.
async function certificates(settings) {
  const as = await discovered(settings, "oauth2");
  const client = { client_id: settings.client_id };
  const own = { [oauth.customFetch]: fetchWith(settings.own) };
  const other = { [oauth.customFetch]: fetchWith(settings.other) };
  const ask = async (options) =>
    oauth.processClientCredentialsResponse(
      as, client,
      await oauth.clientCredentialsGrantRequest(as, client, oauth.TlsClientAuth(), { scope: "items.read" }, options),
    );
  const tokens = await ask(own);
  const code = async (asked) => asked.then(() => "granted", (error) => error.error ?? error.cause?.[0]?.scheme);
  return {
    bound: claimsOf(tokens.access_token).cnf["x5t#S256"],
    other: await code(ask(other)),
    none: await code(ask({})),
    read: await called(settings, tokens.access_token, "/items/7", "GET", own),
    stolen: await called(settings, tokens.access_token, "/items/7", "GET", other),
    bare: await called(settings, tokens.access_token),
  };
}

const claimsOf = (token) => JSON.parse(Buffer.from(token.split(".")[1], "base64url"));

// From nothing but the API's URL: its metadata names the server, which lets a client register itself.
async function registration(settings) {
  const resource = new URL(settings.resource);
  const found = await oauth.processResourceDiscoveryResponse(
    resource, await oauth.resourceDiscoveryRequest(resource),
  );
  const as = await discovered({ issuer: found.authorization_servers[0] }, "oauth2");
  const metadata = {
    client_name: "Registered by itself",
    grant_types: ["client_credentials"],
    response_types: [],
    token_endpoint_auth_method: "client_secret_basic",
    scope: "items.read",
  };
  const made = await oauth.processDynamicClientRegistrationResponse(
    await oauth.dynamicClientRegistrationRequest(as, metadata, { initialAccessToken: settings.registration_token }),
  );
  const client = { client_id: made.client_id };
  const auth = oauth.ClientSecretBasic(made.client_secret);
  const tokens = await oauth.processClientCredentialsResponse(
    as, client, await oauth.clientCredentialsGrantRequest(as, client, auth, { scope: "items.read" }),
  );
  const again = oauth.dynamicClientRegistrationRequest(as, metadata, {
    initialAccessToken: settings.registration_token,
  });
  return {
    scopes: found.scopes_supported,
    read: await called(settings, tokens.access_token),
    again: (await again.catch((error) => error)).status,
  };
}

// An opaque token, asked about with a signed answer (RFC 9701), and one exchanged for less (RFC 8693).
async function opaque(settings) {
  const as = await discovered(settings, "oauth2");
  const client = { client_id: settings.client_id, introspection_signed_response_alg: "ES256" };
  const auth = oauth.ClientSecretBasic(settings.client_secret);
  const { access_token: token } = await oauth.processClientCredentialsResponse(
    as, client,
    await oauth.clientCredentialsGrantRequest(as, client, auth, { scope: "items.read items.write" }),
  );
  const response = await oauth.introspectionRequest(as, client, auth, token, { requestJwtResponse: true });
  const introspected = await oauth.processIntrospectionResponse(as, client, response);
  await oauth.validateApplicationLevelSignature(as, response);
  const lesser = await oauth.processGenericTokenEndpointResponse(
    as, client,
    await oauth.genericTokenEndpointRequest(
      as, client, auth, "urn:ietf:params:oauth:grant-type:token-exchange",
      {
        subject_token: token,
        subject_token_type: "urn:ietf:params:oauth:token-type:access_token",
        scope: "items.read",
      },
    ),
  );
  return {
    form: token.split(".").length,
    introspected: [introspected.active, introspected.scope],
    signed: response.headers.get("content-type"),
    write: await called(settings, token, "/items/7", "PUT"),
    lesser: [lesser.scope, lesser.issued_token_type],
    read: await called(settings, lesser.access_token),
    lesser_write: await called(settings, lesser.access_token, "/items/7", "PUT"),
  };
}

await run({ client_credentials, code, bound, device, certificates, registration, opaque });
