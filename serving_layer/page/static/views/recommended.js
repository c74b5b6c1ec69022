// Rows of recommendations: source, confidence, what speaks for each, and the explanation behind a button.
import { useAnswer } from "../lib/answer.js";
import { pathOf } from "../lib/api.js";
import { figure, percent } from "../lib/format.js";
import { Fragment, html, useState } from "../lib/html.js";
import { linkTo } from "../lib/router.js";
import { Category, Item } from "../parts/item.js";
import { Bars, Meter } from "../parts/spark.js";
import { Nothing, Shown } from "../parts/states.js";

function Explanation({ user, item }) {
  const answer = useAnswer(pathOf("explain", user, item));
  return html`<${Shown} answer=${answer} lines=${2}>${(data) => html`<div class="grid halves explained">
    <div><h3>Share of each source</h3>${Object.keys(data.sources).length
      ? html`<${Bars} name="Share of each source" rows=${Object.entries(data.sources).sort((a, b) => b[1] - a[1]).map(([name, value]) => ({ name, value }))} />`
      : html`<p class="quiet">No source names it.</p>`}</div>
    <div><h3>What speaks for it</h3>${data.because.length
      ? html`<ul>${data.because.slice(0, 6).map((row) => html`<li key=${row.item_id}><a href=${linkTo("item", [row.item_id])}>${row.item_id}</a> <span class="quiet">rated ${figure(row.rating)}, co-rating ${figure(row.co_rating)}, adds ${figure(row.contribution)}</span></li>`)}</ul>`
      : html`<p class="quiet">No item of the history.</p>`}
      ${data.rules.length > 0 && html`<h3>House rules</h3><ul>${data.rules.map((rule) => html`<li>${rule.name}: ${rule.does}</li>`)}</ul>`}</div>
  </div>`}<//>`;
}

function Reasons({ ids, about }) {
  return ids.map((id, at) => html`${at > 0 && ", "}<a key=${id} href=${linkTo("item", [id])}>${about.get(id)?.title ?? id}</a>`);
}

export function Recommended({ user, items, about, act, kind }) {
  const [open, setOpen] = useState(null);
  if (!items.length) return html`<${Nothing} title="Nothing to recommend">Every item was seen, or no item has an event yet.<//>`;
  return html`<div class="scroll"><table class="recommended">
    <thead><tr><th scope="col" class="rank"><span class="hidden">Rank</span></th><th scope="col">Item</th><th scope="col" class="narrow-off">Category</th><th scope="col" class="narrow-off">Source</th>
      <th scope="col" class="narrow-off">Because of</th><th scope="col" class="number">Confidence</th><th scope="col"><span class="hidden">Act</span></th></tr></thead>
    <tbody>${items.map((row, at) => html`<${Fragment} key=${row.item_id}><tr data-item=${row.item_id}>
      <td class="rank">${at + 1}</td><td><${Item} id=${row.item_id} about=${about.get(row.item_id)} /></td>
      <td class="narrow-off"><${Category} row=${row} /></td><td class="narrow-off"><span class="tag accent">${row.source ?? "preferences"}</span></td>
      <td class="narrow-off why">${row.because.length ? html`<${Reasons} ids=${row.because} about=${about} />` : "–"}</td>
      <td class="number"><${Meter} share=${row.confidence} /> ${percent(row.confidence)}</td>
      <td class="number acts"><button class="small" aria-expanded=${open === row.item_id} onClick=${() => setOpen(open === row.item_id ? null : row.item_id)}>Why</button>
        <button class="small" data-act=${row.item_id} onClick=${() => act(row.item_id)}>${kind}</button></td></tr>
      ${open === row.item_id && html`<tr><td colspan="7"><${Explanation} user=${user} item=${row.item_id} /></td></tr>`}<//>`)}</tbody></table></div>`;
}
