// Insights: whatever /insights lists, each with its sentence, its chart where time matters, and its rows.
import { useAnswer } from "../lib/answer.js";
import { moment } from "../lib/format.js";
import { html } from "../lib/html.js";
import { adjust, linkTo } from "../lib/router.js";
import { Nothing, Panel, Shown } from "../parts/states.js";
import { charted } from "./insight_charts.js";
import { Rows } from "./insight_rows.js";

const DAY = 86_400_000;
const RANGES = { "": "As usual", 1: "Day", 7: "Week", 28: "4 weeks" };
const VERDICTS = { found: ["good", "The data tell"], no_difference: ["", "No difference"], too_little_data: ["warn", "Too little data"] };
const ZONED = new Set(["best-time"]); // hours are those of the reader
const ARRIVALS = new Set(["freshness"]); // hours are those in which events entered the log
const LISTS = ["differences", "weekdays"];

function titled(name) {
  return name.replaceAll(/[-_]/g, " ").replace(/^./, (letter) => letter.toUpperCase());
}

function named(list) {
  return (list?.insights ?? []).map((one) => (typeof one === "string" ? { name: one } : { ...one, name: one.name ?? one.insight }));
}

function Refused({ error }) {
  const { would_match: matches, exists, insights } = error.document;
  return html`<${Nothing} title=${error.status === 404 ? "There is no such insight" : "No answer"}>${error.message}
    ${matches?.length > 0 && html`<br />Categories here: ${matches.slice(0, 20).map((name, at) => html`${at > 0 && ", "}<button class="plain" onClick=${() => adjust({ category: name })}>${name}</button>`)}`}
    ${exists && html`<br />Data exist from ${moment(exists.from)} to ${moment(exists.to)}.`}
    ${insights && html`<br />Known are ${insights.join(", ")}.`}<//>`;
}

function Answer({ name, data }) {
  const [tone, word] = VERDICTS[data.verdict] ?? [];
  const charts = charted(name, data);
  return html`<div class="stack"><section class="panel"><div class="body" style=${{ paddingTop: "0.9rem" }}>
      ${word && html`<span class=${`tag ${tone}`}>${word}</span> `}<p class="says">${data.says ?? ""}</p>
      <p class="quiet">${Number.isFinite(data.from) ? `Counted from ${moment(data.from)} to ${moment(data.to)}` : "Nothing is counted yet"}${data.zone ? `, hours in ${data.zone}` : ""}.</p></div></section>
    ${charts && html`<${Panel} title=${charts.title}>${charts.chart}<//>`}
    ${data.rows?.length > 0 && html`<${Panel} flush title="In numbers"><${Rows} rows=${data.rows} name=${titled(name)} /><//>`}
    ${LISTS.filter((list) => data[list]?.length).map((list) => html`<${Panel} flush key=${list} title=${titled(list)}><${Rows} rows=${data[list]} name=${titled(list)} /><//>`)}
    ${!data.rows?.length && html`<section class="panel"><${Nothing} title="No rows">Nothing was counted in this range.<//></section>`}</div>`;
}

function One({ name, about, params }) {
  const span = params.get("days") ?? "";
  const day = useAnswer("/analytics/dashboard", { n: 1 }, { follow: false });
  const category = params.get("category") ?? "";
  const asOf = ARRIVALS.has(name) ? Date.now() : day.data?.as_of;
  const hour = asOf ? (Math.floor(asOf / 3_600_000) + 1) * 3_600_000 : null;
  const range = Number(span) && hour ? { from: hour - Number(span) * DAY, to: hour } : {};
  const zone = ZONED.has(name) ? Intl.DateTimeFormat().resolvedOptions().timeZone : "";
  const answer = useAnswer(`/insights/${encodeURIComponent(name)}`, { category, zone, ...range });
  const names = day.data?.categories.map((row) => row.category) ?? [];
  const offered = category && !names.includes(category) ? [category, ...names] : names;
  return html`${about && html`<p class="quiet about">${about}</p>`}<div class="filters"><div class="choice" role="group" aria-label="Range">${Object.entries(RANGES).sort(([a], [b]) => a - b).map(([days, title]) => html`<button key=${days} aria-pressed=${days === span} onClick=${() => adjust({ days })}>${title}</button>`)}</div>
      <label class="ask">Category <select value=${category} onChange=${(event) => adjust({ category: event.target.value })}><option value="">all</option>${offered.map((one) => html`<option key=${one} value=${one}>${one}</option>`)}</select></label></div>
    ${answer.error && !answer.data && answer.error.status !== 0 ? html`<section class="panel"><${Refused} error=${answer.error} /></section>` : html`<${Shown} answer=${answer} lines=${8}>${(data) => html`<${Answer} name=${name} data=${data} />`}<//>`}`;
}

export function Insights({ ids, params }) {
  const list = useAnswer("/insights", {}, { follow: false });
  if (list.error?.status === 404) return html`<section class="panel"><${Nothing} title="No insights here">This installation does not count them.<//></section>`;
  return html`<${Shown} answer=${list}>${(data) => {
    const known = named(data);
    const chosen = ids[0] ?? known[0]?.name;
    return html`<nav class="tabs" aria-label="Insights">${known.map(({ name }) => html`<a key=${name} href=${linkTo("insights", [name])} aria-current=${name === chosen ? "page" : undefined}>${titled(name)}</a>`)}</nav>
      ${chosen ? html`<${One} key=${chosen} name=${chosen} about=${known.find(({ name }) => name === chosen)?.about} params=${params} />` : html`<section class="panel"><${Nothing} title="None">No insight is listed.<//></section>`}`;
  }}<//>`;
}
