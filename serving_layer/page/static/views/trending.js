// What rises, by window and category.
import { useAnswer, useItems } from "../lib/answer.js";
import { clock, moment } from "../lib/format.js";
import { html } from "../lib/html.js";
import { adjust } from "../lib/router.js";
import { Panel, Shown } from "../parts/states.js";
import { TrendTable } from "./trend_table.js";

const WINDOWS = { "1h": "Hour", "6h": "6 hours", "24h": "Day", "7d": "Week" };
const HOURS = { "1h": 24, "6h": 24, "24h": 48, "7d": 168 };
const ROWS = 50;

function Matching({ category, names }) {
  return html`No item of “${category}” has an event in this window. Try a longer window${names.length > 0 && html`, or one of ${names.slice(0, 12).map((name, at) => html`${at > 0 && ", "}<button class="plain" onClick=${() => adjust({ category: name })}>${name}</button>`)}`}.`;
}

export function Trending({ params }) {
  const window = Object.hasOwn(WINDOWS, params.get("window")) ? params.get("window") : "24h";
  const category = params.get("category") ?? "";
  const answer = useAnswer("/trending", { window, category, n: ROWS });
  const day = useAnswer("/analytics/dashboard", { n: 1 }, { follow: false });
  const about = useItems(answer.data?.items.map((row) => row.item_id) ?? [], HOURS[window]);
  const names = day.data?.categories.map((row) => row.category) ?? [];
  const offered = category && !names.includes(category) ? [category, ...names] : names;
  return html`<div class="filters">
      <div class="choice" role="group" aria-label="Window">${Object.entries(WINDOWS).map(([name, title]) => html`<button key=${name} aria-pressed=${name === window} onClick=${() => adjust({ window: name })}>${title}</button>`)}</div>
      <label class="ask">Category <select value=${category} onChange=${(event) => adjust({ category: event.target.value })}>
        <option value="">all</option>${offered.map((name) => html`<option key=${name} value=${name}>${name}</option>`)}</select></label>
    </div>
    <div class="stack"><${Panel} flush title=${category ? `Trending in ${category}` : "Trending in all categories"} about=${answer.data ? `${WINDOWS[window].toLowerCase()} to ${moment(answer.data.as_of)}, read at ${clock(Date.now())}` : ""}>
      <${Shown} answer=${answer} lines=${10}>${(data) => html`<${TrendTable} answer=${data} about=${about}
        what=${category ? html`<${Matching} category=${category} names=${data.would_match ?? []} />` : ""} />`}<//>
    <//></div>`;
}
