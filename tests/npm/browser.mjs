// A person at a real browser: an application of another origin (npm oidc-client-ts), and the pages of their account.
import { createServer } from "node:http";
import { readFileSync } from "node:fs";
import { look, withPage } from "./chromium.mjs";
import { refusal, run } from "./scenario.mjs";

// A static page of the application's own, with the library; what it does is told it by the test.
async function serving(settings, use) {
  const library = readFileSync(new URL("node_modules/oidc-client-ts/dist/browser/oidc-client-ts.min.js", import.meta.url));
  const server = createServer((request, response) => {
    const script = request.url === "/oidc.js";
    response.setHeader("content-type", script ? "text/javascript" : "text/html; charset=utf-8");
    const html = `<!doctype html><html lang="en"><title>Application</title><link rel="icon" href="data:,">
      <script src="/oidc.js"></script><h1>Application</h1>`;
    response.end(script ? library : html);
  });
  await new Promise((resolve) => server.listen(settings.port, "127.0.0.1", resolve));
  try {
    return await use(`http://127.0.0.1:${settings.port}`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

const button = (page, name) => page.getByRole("button", { name, exact: true });
const signIn = async (page, { user, password }) => {
  await page.getByLabel("Name or e-mail address").fill(user);
  await page.getByLabel("Password").fill(password);
  await button(page, "Sign in").click();
};

async function application(settings) {
  const { issuer, client_id, resource, bound_resource } = settings;
  const told = { issuer, client_id, resource, bound_resource };
  const manage = (page, deed, dpop = false) =>
    page.evaluate(
      async ([deed, told]) => {
        const manager = new oidc.UserManager({
          authority: told.issuer,
          client_id: told.client_id,
          redirect_uri: `${location.origin}/back`,
          post_logout_redirect_uri: `${location.origin}/gone`,
          scope: "openid profile offline_access items.read",
          loadUserInfo: !told.dpop, // the library sends a bound token there as if it were none
          automaticSilentRenew: false,
          dpop: told.dpop ? { bind_authorization_code: true, store: new oidc.IndexedDbDPoPStore() } : undefined,
        });
        const call = async (token) => {
          const headers = { authorization: `Bearer ${token}` };
          const response = await fetch(`${told.resource}/items/7`, { headers });
          return [response.status, response.headers.get("www-authenticate")?.includes("invalid_token") ?? false];
        };
        // Section 9 of RFC 9449: the first proof is refused, with the nonce to make the next one with.
        const prove = async (user) => {
          const url = `${told.bound_resource}/items/7`;
          const ask = async (nonce) => {
            const dpop = await manager.dpopProof(url, user, "GET", nonce);
            return fetch(url, { headers: { authorization: `DPoP ${user.access_token}`, dpop } });
          };
          const first = await ask();
          const second = await ask(first.headers.get("dpop-nonce"));
          return [user.token_type, first.status, second.status];
        };
        const user = await manager.getUser();
        if (deed === "prove") return prove(user);
        if (deed === "call") return call(user.access_token);
        try {
          const result = await manager[deed]();
          return result && { name: result.profile.preferred_username, token: result.access_token };
        } catch (error) {
          return { error: error.error ?? String(error) };
        }
      },
      [deed, { ...told, dpop }],
    );
  return serving(settings, (origin) =>
    withPage(settings, async (page, problems) => {
      const report = { flaws: [] };
      const seen = async (name) => report.flaws.push(...(await look(page, settings, name)));
      await page.goto(origin);
      await manage(page, "signinRedirect").catch(() => undefined); // the page goes away
      await page.waitForURL(`${settings.issuer}/oauth2/login**`);
      await seen("login");
      await signIn(page, { ...settings, password: "not this one at all" });
      report.alert = await page.getByRole("alert").first().textContent();
      await seen("login-refused");
      await signIn(page, settings);
      await page.getByRole("heading", { name: /Allow/ }).waitFor();
      report.consent = await page.locator("main li").allTextContents();
      await seen("consent");
      await button(page, "Allow").click();
      await page.waitForURL(`${origin}/back?**`);

      const first = await manage(page, "signinCallback");
      report.name = first.name;
      report.called = await manage(page, "call");
      const renewed = await manage(page, "signinSilent");
      report.renewed = renewed.token !== first.token;
      report.again = await manage(page, "call");

      // The person takes the access back on their own page; the application's script is then refused, and told why.
      await page.goto(`${settings.issuer}/oauth2/account/applications`);
      await seen("applications");
      await button(page, "Take back the access of Item browser").click();
      await page.getByRole("status").waitFor();
      await seen("taken-back");
      await page.goto(origin);
      report.refused = await refusal(() => manage(page, "call"));
      report.refresh = (await manage(page, "signinSilent")).error;

      await page.goto(origin);
      await manage(page, "signoutRedirect").catch(() => undefined);
      await page.waitForURL(`${origin}/gone**`);
      await page.goto(`${settings.issuer}/oauth2/account`);
      report.signed_out = new URL(page.url()).pathname;

      // Once more, with a key of the browser's own that code and tokens are bound to.
      await page.goto(origin);
      await manage(page, "signinRedirect", true).catch(() => undefined);
      await page.waitForURL(`${settings.issuer}/oauth2/login**`);
      await signIn(page, settings);
      await button(page, "Allow").click();
      await page.waitForURL(`${origin}/back?**`);
      await manage(page, "signinCallback", true);
      report.proven = await manage(page, "prove", true);
      await manage(page, "signinSilent", true);
      report.proven_again = await manage(page, "prove", true);
      report.problems = problems.filter((each) => !/status of 40[01]/.test(each));
      return report;
    }),
  );
}

async function account(settings) {
  return withPage(settings, async (page, problems) => {
    const report = { flaws: [] };
    const seen = async (name) => report.flaws.push(...(await look(page, settings, name)));
    const devtools = await page.context().newCDPSession(page);
    await devtools.send("WebAuthn.enable");
    await devtools.send("WebAuthn.addVirtualAuthenticator", {
      options: {
        protocol: "ctap2",
        transport: "internal",
        hasResidentKey: true,
        hasUserVerification: true,
        isUserVerified: true,
        automaticPresenceSimulation: true,
      },
    });
    await page.goto(`${settings.issuer}/oauth2/account/security`);
    await signIn(page, settings);
    await page.getByLabel("What to call it").waitFor();
    await seen("security");
    await page.getByLabel("What to call it").fill("Laptop");
    await button(page, "Add a passkey").click();
    await page.getByRole("heading", { name: "Laptop" }).waitFor();
    report.added = await page.getByRole("status").textContent();
    await seen("security-passkey");
    for (const name of ["account", "account/sessions", "account/linked", "device"]) {
      await page.goto(`${settings.issuer}/oauth2/${name}`);
      await seen(name.replace("/", "-"));
    }
    await page.getByLabel("The code that your device shows").fill(settings.user_code);
    await button(page, "Continue").click();
    await page.getByRole("heading", { name: /on your device/ }).waitFor();
    await seen("device-confirm");
    await button(page, "Allow").click();
    report.device = await page.getByRole("heading", { level: 1 }).textContent();
    await seen("device-allowed");

    await page.goto(`${settings.issuer}/oauth2/account/security`);
    await button(page, "Add an app").click();
    await page.getByRole("heading", { name: "Add an app" }).waitFor();
    await seen("app");
    await page.goto(`${settings.issuer}/oauth2/account/security`);
    await button(page, "Make new codes").click();
    await page.waitForLoadState();
    await seen("codes");

    await page.getByRole("button", { name: /Sign out/ }).click();
    await page.goto(`${settings.issuer}/oauth2/account`);
    await button(page, "Sign in with a passkey").click();
    await page.waitForURL(`${settings.issuer}/oauth2/account`);
    report.back = await page.getByLabel("Name you sign in with").inputValue();
    report.problems = problems;
    return report;
  });
}

// An application that asks for its answers as forms, first with scripts and then without.
async function form_post(settings) {
  return serving(settings, (origin) =>
    withPage(settings, async (page, problems) => {
      const report = { arrived: [], pressed: [] };
      const asked = new URLSearchParams({
        client_id: settings.client_id, redirect_uri: `${origin}/back`, response_type: "code", response_mode: "form_post",
        scope: "openid", state: "s", code_challenge: settings.challenge, code_challenge_method: "S256",
      });
      await page.goto(`${settings.issuer}/oauth2/account`);
      await signIn(page, settings);
      await page.waitForURL(`${settings.issuer}/oauth2/account`);
      const quiet = await page.context().browser().newContext({
        javaScriptEnabled: false, storageState: await page.context().storageState(),
      });
      for (const each of [page, await quiet.newPage()]) {
        const arriving = each.waitForRequest(`${origin}/back`);
        await each.goto(`${settings.issuer}/oauth2/authorize?${asked}`, { waitUntil: "commit" });
        const pressed = each !== page;
        if (pressed) await button(each, "Continue").click();
        const arrived = await arriving;
        report.arrived.push([...new URLSearchParams(arrived.postData()).keys()].sort());
        report.pressed.push(pressed);
      }
      report.problems = problems;
      return report;
    }),
  );
}

await run({ application, account, form_post });
