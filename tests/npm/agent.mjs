// A person's browser without JavaScript: keeps cookies, follows redirects, fills in the forms of the pages it is shown.
export class Agent {
  #cookies = new Map();

  // Follows redirects from url until one leads to an address that begins with stop; that address.
  // Pages on the way are answered by fill, which gets the page and returns what to submit, or nothing to stay there.
  async visit(url, { stop = "about:", fill = () => undefined } = {}) {
    let page = await this.#get(url, stop);
    for (let turn = 0; turn < 10; turn++) {
      if (page.arrived) return page;
      const submitted = fill(page);
      if (submitted === undefined) return page;
      page = await this.submit(page, submitted, stop);
    }
    throw new Error(`no end after ten pages, at ${page.url}: ${page.heading}`);
  }

  // Sends a form of the page: the one that has all the fields, with their values.
  async submit(page, fields, stop = "about:") {
    const form = page.forms.find((each) => Object.keys(fields).every((name) => each.fields.has(name)));
    if (!form) throw new Error(`no form with ${Object.keys(fields)} at ${page.url}: ${page.text}`);
    const body = new URLSearchParams();
    for (const [name, value] of form.fields) {
      if (name in fields) body.append(name, fields[name]);
      else if (!form.buttons.has(name)) body.append(name, value);
    }
    const action = new URL(form.action, page.url).href;
    return this.#request(action, stop, { method: "POST", body, headers: { origin: new URL(page.url).origin } });
  }

  #get(url, stop) {
    return this.#request(url, stop, {});
  }

  async #request(url, stop, init) {
    for (let turn = 0; turn < 20; turn++) {
      const cookie = [...this.#cookies].map(([name, value]) => `${name}=${value}`).join("; ");
      const headers = { ...init.headers, ...(cookie ? { cookie } : {}) };
      const response = await fetch(url, { ...init, headers, redirect: "manual" });
      for (const line of response.headers.getSetCookie()) this.#keep(line);
      const location = response.headers.get("location");
      if (!location) return parsed(url, response, await response.text());
      await response.body?.cancel();
      url = new URL(location, url).href;
      if (url.startsWith(stop)) return { arrived: new URL(url) };
      init = {};
    }
    throw new Error(`too many redirects, at ${url}`);
  }

  #keep(line) {
    const [pair, ...attributes] = line.split(";").map((each) => each.trim());
    const at = pair.indexOf("=");
    const ended = attributes.some((each) => /^max-age=0$/i.test(each));
    if (ended) this.#cookies.delete(pair.slice(0, at));
    else this.#cookies.set(pair.slice(0, at), pair.slice(at + 1));
  }
}

// Fills in the sign-in page and agrees to whatever is asked.
export function agreeing({ user, password }) {
  return (page) => {
    const has = (name) => page.forms.some((form) => form.fields.has(name));
    if (has("password")) {
      if (page.alert) throw new Error(`not signed in: ${page.alert}`);
      return { name: user, password };
    }
    return has("decision") ? { decision: "allow" } : undefined;
  };
}

function parsed(url, response, html) {
  const forms = [...html.matchAll(/<form\b([^>]*)>(.*?)<\/form>/gs)].map(([, head, inside]) => {
    const fields = new Map();
    const buttons = new Set();
    for (const [, kind, rest] of inside.matchAll(/<(input|button)\b([^>]*)>/g)) {
      const name = attribute(rest, "name");
      if (name === undefined) continue;
      if (kind === "button") buttons.add(name);
      if (!fields.has(name)) fields.set(name, attribute(rest, "value") ?? "");
    }
    return { action: attribute(head, "action") ?? url, fields, buttons };
  });
  const text = html.replace(/<head>.*?<\/head>/s, "").replace(/<[^>]*>/g, " ").replace(/\s+/g, " ").trim();
  const alert = /role="alert"[^>]*>(.*?)<\/div>/s.exec(html)?.[1].replace(/<[^>]*>/g, "").trim();
  const heading = unescaped(/<h1>(.*?)<\/h1>/s.exec(html)?.[1] ?? "");
  return { url, status: response.status, forms, heading, alert, text: unescaped(text) };
}

function attribute(text, name) {
  const found = new RegExp(`\\s${name}="([^"]*)"`).exec(text);
  return found ? unescaped(found[1]) : undefined;
}

function unescaped(text) {
  const named = { amp: "&", lt: "<", gt: ">", quot: '"', middot: "·" };
  return text.replace(/&(?:#(\d+)|(\w+));/g, (whole, code, name) =>
    code ? String.fromCodePoint(Number(code)) : (named[name] ?? whole),
  );
}
