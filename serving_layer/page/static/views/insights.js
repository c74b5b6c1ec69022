// Insights: whatever /insights lists, each with its sentence, its chart where time matters, and its rows.
import { useAnswer } from "../lib/answer.js";
import { moment } from "../lib/format.js";
import { html } from "../lib/html.js";
import { adjust, linkTo } from "../lib/router.js";
import { Nothing, Panel, Prose, Shown } from "../parts/states.js";
import { charted } from "./insight_charts.js";
import { Rows } from "./insight_rows.js";

const DAY = 86_400_000;
const RANGES = { "": "As usual", 1: "Day", 7: "Week", 28: "4 weeks" };
const VERDICTS = { found: ["good", "The data tell"], no_difference: ["", "No difference"], too_little_data: ["warn", "Too little data"] };
const ARRIVALS = new Set(["freshness"]); // hours are those in which events entered the log
const LISTS = { differences: "Phones against desktops", weekdays: "By weekday" };

function titled(name) {
  return name.replaceAll(/[-_]/g, " ").replace(/^./, (letter) => letter.toUpperCase());
}

function named(list) {
  return (list?.insights ?? []).map((one) => (typeof one === "string" ? { name: one } : { ...one, name: one.name ?? one.insight }));
}

function Refused({ error }) {
  const matches = error.document.would_match;
  if (!matches?.length) return html`<${Nothing} title="Nothing to show"><${Prose} text=${error.message} /><//>`;
  return html`<${Nothing} title="Nothing of this category">No event in this range is of it. There are ${matches.slice(0, 20).map((name, at) => html`${at > 0 && ", "}<button class="plain" onClick=${() => adjust({ category: name })}>${name}</button>`)}${matches.length > 20 && " and others"}.<//>`;
}

function Unknown({ name, known }) {
  return html`<section class="panel"><${Nothing} title="There is no such insight">The address names “${name}”. There are ${known.map((one, at) => html`${at > 0 && ", "}<a href=${linkTo("insights", [one.name])}>${titled(one.name)}</a>`)}.<//></section>`;
}

function Answer({ name, data }) {
  const [tone, word] = VERDICTS[data.verdict] ?? [];
  const charts = charted(name, data);
  return html`<div class="stack"><section class="panel"><div class="body" style=${{ paddingTop: "0.9rem" }}>
      ${word && html`<span class=${`tag ${tone}`}>${word}</span> `}<p class="says"><${Prose} text=${data.says} /></p>
      <p class="quiet">${Number.isFinite(data.from) ? `Counted from ${moment(data.from)} to ${moment(data.to)}` : "Nothing is counted yet"}${data.zone ? `, hours in ${data.zone}` : ""}.</p></div></section>
    ${charts && html`<${Panel} title=${charts.title}>${charts.chart}<//>`}
    ${data.rows?.length > 0 && html`<${Panel} flush title="In numbers"><${Rows} rows=${data.rows} name=${titled(name)} /><//>`}
    ${Object.entries(LISTS).filter(([list]) => data[list]?.length).map(([list, title]) => html`<${Panel} flush key=${list} title=${title}><${Rows} rows=${data[list]} name=${title} /><//>`)}</div>`;
}

function One({ name, about, takes = [], params }) {
  const span = params.get("days") ?? "";
  const day = useAnswer("/analytics/dashboard", { n: 1 }, { follow: false });
  const category = takes.includes("category") ? params.get("category") ?? "" : "";
  const asOf = ARRIVALS.has(name) ? Date.now() : day.data?.as_of;
  const hour = asOf ? (Math.floor(asOf / 3_600_000) + 1) * 3_600_000 : null;
  const range = Number(span) && hour ? { from: hour - Number(span) * DAY, to: hour } : {};
  const zone = takes.includes("zone") ? Intl.DateTimeFormat().resolvedOptions().timeZone : "";
  const answer = useAnswer(`/insights/${encodeURIComponent(name)}`, { category, zone, ...range });
  const names = day.data?.categories.map((row) => row.category) ?? [];
  const offered = category && !names.includes(category) ? [category, ...names] : names;
  return html`${about && html`<p class="quiet about">${about}</p>`}<div class="filters"><div class="choice" role="group" aria-label="Range">${Object.entries(RANGES).sort(([a], [b]) => a - b).map(([days, title]) => html`<button key=${days} aria-pressed=${days === span} onClick=${() => adjust({ days })}>${title}</button>`)}</div>
      ${takes.includes("category") && html`<label class="ask">Category <select value=${category} onChange=${(event) => adjust({ category: event.target.value })}><option value="">all</option>${offered.map((one) => html`<option key=${one} value=${one}>${one}</option>`)}</select></label>`}</div>
    ${answer.error && !answer.data && answer.error.status !== 0 ? html`<section class="panel"><${Refused} error=${answer.error} /></section>` : html`<${Shown} answer=${answer} lines=${8}>${(data) => html`<${Answer} name=${name} data=${data} />`}<//>`}`;
}

export function Insights({ ids, params }) {
  const list = useAnswer("/insights", {}, { follow: false });
  if (list.error?.status === 404) return html`<section class="panel"><${Nothing} title="No insights here">This installation does not count them.<//></section>`;
  return html`<${Shown} answer=${list}>${(data) => {
    const known = named(data);
    const chosen = ids[0] ?? known[0]?.name;
    const one = known.find(({ name }) => name === chosen);
    return html`<nav class="tabs" aria-label="Insights">${known.map(({ name }) => html`<a key=${name} href=${linkTo("insights", [name])} aria-current=${name === chosen ? "page" : undefined}>${titled(name)}</a>`)}</nav>
      ${one ? html`<${One} key=${chosen} ...${one} params=${params} />` : html`<${Unknown} name=${chosen} known=${known} />`}`;
  }}<//>`;
}
