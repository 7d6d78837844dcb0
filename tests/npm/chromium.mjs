// Chromium, driven by playwright-core, which believes the installation's certificate and nobody else's.
import { X509Certificate, createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { chromium } from "playwright-core";

const QUIET = ["--disable-quic", "--disable-background-networking", "--disable-component-update", "--disable-sync"];

// Calls use with a page; ends the browser whatever happens. What any page complained of is in problems.
export async function withPage(settings, use) {
  const { publicKey } = new X509Certificate(readFileSync(settings.certificate));
  const spki = createHash("sha256").update(publicKey.export({ type: "spki", format: "der" })).digest("base64");
  const args = ["--no-sandbox", "--disable-gpu", ...QUIET, `--ignore-certificate-errors-spki-list=${spki}`];
  const browser = await chromium.launch({ executablePath: settings.chromium, args });
  try {
    const page = await browser.newPage({ viewport: { width: 900, height: 700 } });
    page.setDefaultTimeout(30000);
    const problems = [];
    page.on("pageerror", (error) => problems.push(String(error)));
    page.on("console", (message) => message.type() === "error" && problems.push(message.text()));
    return await use(page, problems);
  } finally {
    await browser.close();
  }
}

// Looks at the page as a person does: every field has a label, and at 320 pixels nothing must be scrolled sideways.
// With settings.pictures a picture of it is put there.
export async function look(page, settings, name) {
  const wide = page.viewportSize();
  if (settings.pictures) await page.screenshot({ path: `${settings.pictures}/${name}.png`, fullPage: true });
  await page.setViewportSize({ width: 320, height: 640 });
  const found = await page.evaluate(() => {
    const shown = [...document.querySelectorAll("input, select, textarea")].filter((each) => each.checkVisibility());
    const unnamed = shown.filter((each) => !each.labels?.length).map((each) => each.name);
    const { scrollWidth, lang } = document.documentElement;
    return [
      ...(unnamed.length ? [`no label: ${unnamed}`] : []),
      ...(scrollWidth > 320 ? [`${scrollWidth} pixels wide`] : []),
      ...(lang ? [] : ["no language"]),
      ...(document.querySelectorAll("h1").length === 1 ? [] : ["not one heading"]),
    ];
  });
  if (settings.pictures) await page.screenshot({ path: `${settings.pictures}/${name}-320.png`, fullPage: true });
  await page.setViewportSize(wide);
  return found.map((each) => `${name}: ${each}`);
}
