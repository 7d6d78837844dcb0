// The pages for people in Chromium: with a passkey of a virtual authenticator, without JavaScript, on a narrow screen.
import { chromium } from "playwright-core";
import { run } from "./scenario.mjs";

const WIDTHS = [320, 800];

async function inBrowser(settings, options, work) {
  const browser = await chromium.launch({
    executablePath: settings.chromium,
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });
  const complaints = [];
  try {
    const context = await browser.newContext(options);
    const page = await context.newPage();
    page.on("pageerror", (error) => complaints.push(String(error)));
    page.on("console", (message) => {
      // A page that answers 400 is said to have failed to load: that is the test's own doing.
      if (message.type() === "error" && !message.text().includes("status of 400")) complaints.push(message.text());
    });
    const report = await work(page, context);
    return { ...report, complaints };
  } finally {
    await browser.close();
  }
}

const signIn = async (page, settings, password = settings.password) => {
  await page.getByLabel("Name or e-mail address").fill(settings.name);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
};

// Every page at every width: what sticks out to the right, and fields that no label names.
const faults = async (page, path) => {
  const found = [];
  for (const width of WIDTHS) {
    await page.setViewportSize({ width, height: 700 });
    found.push(
      ...(await page.evaluate(() => {
        const faults = [];
        if (document.documentElement.scrollWidth > innerWidth) faults.push("wider than the screen");
        if (document.querySelectorAll("h1").length !== 1) faults.push("not one heading");
        if (!document.documentElement.lang) faults.push("no language");
        for (const field of document.querySelectorAll("input:not([type=hidden]):not([hidden]), select, textarea")) {
          if (!field.labels.length && !field.ariaLabel) faults.push(`no label: ${field.name}`);
        }
        for (const button of document.querySelectorAll("button, a")) {
          if (!(button.ariaLabel || button.textContent).trim()) faults.push("a button without a name");
        }
        for (const image of document.images) {
          if (!image.hasAttribute("alt") || !image.complete || !image.naturalWidth) faults.push(`image: ${image.src}`);
        }
        return faults;
      })).map((fault) => `${path} at ${width}: ${fault}`),
    );
  }
  return found;
};

await run({
  passkeys: (settings) =>
    inBrowser(settings, {}, async (page, context) => {
      const authenticator = await context.newCDPSession(page);
      await authenticator.send("WebAuthn.enable");
      await authenticator.send("WebAuthn.addVirtualAuthenticator", {
        options: { protocol: "ctap2", transport: "internal", hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true },
      });
      await page.goto(`${settings.issuer}/oauth2/login`);
      await signIn(page, settings);
      await page.goto(`${settings.issuer}/oauth2/account/security`);
      await page.getByLabel("What to call it").fill("Laptop");
      await page.getByRole("button", { name: "Add a passkey" }).click();
      await page.waitForURL(/done=passkey/);
      const listed = await page.getByRole("heading", { name: "Laptop" }).count();
      await page.getByRole("button", { name: /Sign out/ }).click();
      await signIn(page, settings);
      await page.getByRole("button", { name: "Use a passkey" }).click();
      await page.waitForURL(/oauth2\/account$/);
      await page.getByRole("button", { name: /Sign out/ }).click();
      await page.getByRole("button", { name: "Sign in with a passkey" }).click();
      await page.waitForURL(/oauth2\/account$/);
      return { listed };
    }),

  // What a person does with JavaScript off: everything but passkeys.
  plain: (settings) =>
    inBrowser(settings, { javaScriptEnabled: false }, async (page) => {
      await page.goto(`${settings.issuer}/oauth2/login`);
      const offered = await page.getByRole("button", { name: "Sign in with a passkey" }).isVisible();
      await signIn(page, settings, "wrong guess");
      const alert = await page.getByRole("alert").first().textContent();
      await signIn(page, settings);
      await page.getByLabel("Full name").fill("Ada Lovelace");
      await page.getByRole("button", { name: "Save" }).click();
      const saved = await page.getByRole("status").textContent();
      await page.getByRole("link", { name: "Sign-in" }).click();
      await page.getByRole("button", { name: "Add an app" }).click();
      const key = await page.locator("p.code").textContent();
      await page.getByRole("button", { name: /Sign out/ }).click();
      return { offered, alert: alert.trim(), saved: saved.trim(), key: key.trim(), url: page.url() };
    }),

  looks: (settings) =>
    inBrowser(settings, {}, async (page) => {
      const found = [];
      const look = async (path) => {
        await page.goto(settings.issuer + path);
        found.push(...(await faults(page, path)));
      };
      for (const path of settings.open) await look(path);
      await page.goto(`${settings.issuer}/oauth2/login`);
      await signIn(page, settings);
      await page.goto(`${settings.issuer}/oauth2/account/security`);
      await page.getByRole("button", { name: "Add an app" }).click();
      for (const path of settings.own) await look(path);
      return { found };
    }),
});
