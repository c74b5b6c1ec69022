// The frame of the page: navigation, the state of the connection, and the view that the address names.
import { access } from "./lib/api.js";
import { lasting } from "./lib/format.js";
import { html, render, useEffect, useRef, useState } from "./lib/html.js";
import { live, start } from "./lib/live.js";
import { linkTo, route } from "./lib/router.js";
import { useStore } from "./lib/store.js";
import { theme, toggle } from "./lib/theme.js";
import { Key } from "./parts/key.js";
import { Nothing } from "./parts/states.js";
import { GROUPS, VIEWS } from "./views/views.js";

const STATES = { connecting: "Connecting", live: "Live", paused: "Paused", lost: "No connection" };

function Pulse() {
  const { state, frame, why } = useStore(live);
  const age = frame?.status?.freshness_seconds;
  const behind = state !== "live" || age === null || age === undefined ? "" : age < 0.05 ? ", up to date" : `, ${lasting(age)} behind`;
  return html`<p class=${`pulse ${state}`} role="status" title=${why}><i aria-hidden="true"></i><span>${STATES[state]}${behind}</span></p>`;
}

function Rail({ view }) {
  const [open, setOpen] = useState(false);
  const shown = useStore(theme);
  const { key } = useStore(access);
  useEffect(() => setOpen(false), [view]);
  return html`<div class=${open ? "rail open" : "rail"}>
    <a class="brand" href="#/overview"><svg viewBox="0 0 32 32" aria-hidden="true"><rect width="32" height="32" rx="7" /><path d="M4 12c4-4 8-4 12 0s8 4 12 0M4 21c4-4 8-4 12 0s8 4 12 0" fill="none" stroke-width="3" stroke-linecap="round" /></svg>Millrace</a>
    <div class="foot"><${Pulse} />
      <div class="row"><button class="small" onClick=${toggle}>${shown === "dark" ? "Light theme" : "Dark theme"}</button>
        ${key && html`<button class="small" onClick=${() => access.set({ ...access.get(), asked: true, why: "" })}>Change key</button>`}</div>
    </div>
    <button class="menu" aria-expanded=${open} aria-controls="views" onClick=${() => setOpen(!open)}>Menu</button>
    <nav id="views" aria-label="Views">${GROUPS.map(([title, names]) => html`<div key=${title}><h2>${title}</h2>
      ${names.map((name) => html`<a key=${name} href=${linkTo(name)} aria-current=${name === view ? "page" : undefined}>${VIEWS[name].title}</a>`)}</div>`)}
    </nav>
  </div>`;
}

function Stand() {
  const { frame } = useStore(live);
  const status = frame?.status;
  if (!status || status.unknown) return null;
  return html`<p class="stand"><span>generation <b class="mono">${status.generation ?? "none yet"}</b></span><span>segment <b>${status.segment ?? "–"}</b></span><span>epoch <b>${status.epoch ?? "–"}</b></span></p>`;
}

function Missing({ view }) {
  return html`<${Nothing} title="There is no such view" action=${html`<a href="#/overview">Go to the overview</a>`}>The address names “${view}”.<//>`;
}

function Page() {
  const { view, ids, params } = useStore(route);
  const { asked } = useStore(access);
  const heading = useRef(null);
  const first = useRef(true);
  const { title = "Not found", about = "", View = Missing } = Object.hasOwn(VIEWS, view) ? VIEWS[view] : {};
  const named = ids[0] ? `${title} ${ids[0]}` : title;
  useEffect(() => {
    document.title = `${named} · Millrace`;
    if (!first.current) heading.current?.focus();
    first.current = false;
  }, [named]);
  if (asked) return html`<main id="main"><${Key} /></main>`;
  return html`<a class="skip" href="#main" onClick=${(event) => { event.preventDefault(); heading.current?.focus(); }}>Skip to the content</a>
    <header class="banner"><${Rail} view=${view} /></header>
    <main id="main"><div class="head"><div><h1 ref=${heading} tabindex="-1">${title}</h1>${about && html`<p>${about}</p>`}</div><${Stand} /></div>
      <${View} key=${view} view=${view} ids=${ids} params=${params} /></main>`;
}

start();
render(html`<${Page} />`, document.getElementById("page"));
