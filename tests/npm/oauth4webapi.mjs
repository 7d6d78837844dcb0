// The flows of npm oauth4webapi, each message of them by itself, against a Wardgate and through its gateway.
import * as oauth from "oauth4webapi";
import { Agent, agreeing } from "./agent.mjs";
import { refusal, run, told } from "./scenario.mjs";

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

await run({ client_credentials, code });
