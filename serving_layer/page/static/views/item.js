// One item: its record, its hours, and its neighbours with the merge laid open.
import { useAnswer, useItems } from "../lib/answer.js";
import { pathOf } from "../lib/api.js";
import { figure, number } from "../lib/format.js";
import { html } from "../lib/html.js";
import { adjust, go, linkTo } from "../lib/router.js";
import { Ask } from "../parts/ask.js";
import { Chart } from "../parts/chart.js";
import { Category, Item as Name } from "../parts/item.js";
import { Nothing, Panel, Prose, Shown } from "../parts/states.js";

const RANGES = { 24: "Day", 168: "Week", 720: "30 days" };
const ABOUT = {
  behaviour: "neighbours by co-rating: what the generation holds, plus what the segments add, is the merged sum",
  words: "described like it: title, description, categories, brand and tags",
  picture: "looks like it, by the features of its picture",
};
const WAYS = { behaviour: "By behaviour", words: "By words", picture: "By pictures" };

function Popular() {
  const answer = useAnswer("/trending", { n: 12, window: "7d" }, { follow: false });
  const about = useItems(answer.data?.items.map((row) => row.item_id) ?? []);
  return html`<${Panel} title="Trending this week"><${Shown} answer=${answer}>${({ items }) => (items.length
    ? html`<ul class="chips">${items.map(({ item_id: id }) => html`<li key=${id}><a class="tag" href=${linkTo("item", [id])}>${about.get(id)?.title ?? id}</a></li>`)}</ul>`
    : html`<${Nothing} title="No items yet">The first event brings the first item.<//>`)}<//><//>`;
}

function Record({ data }) {
  const facts = [
    ["Id", html`<span class="mono">${data.item_id}</span>`],
    ["Category", data.category === null ? "none" : html`<${Category} row=${data} />`],
    ["Brand", data.brand],
    ["Price", data.price === null || data.price === undefined ? null : number(data.price, 2)],
    ["Tags", data.tags ? (Array.isArray(data.tags) ? data.tags : Object.keys(data.tags)).join(", ") || null : null],
    ["Norm", `${figure(data.norm)}, the sum of all users’ ratings`],
    ["Listed", data.hidden ? "no: hidden or deleted" : "yes"],
  ];
  return html`<dl class="facts">${facts.filter(([, value]) => value).map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl>`;
}

function Hours({ id, hours }) {
  const answer = useAnswer("/items", { item: [id], hours });
  return html`<${Panel} title="Events by hour" about="batch: counted by the generation; speed: added since" actions=${html`<div class="choice" role="group" aria-label="Range">${Object.entries(RANGES).map(([range, title]) => html`<button key=${range} class="small" aria-pressed=${Number(range) === hours} onClick=${() => adjust({ hours: range })}>${title}</button>`)}</div>`}>
    <${Shown} answer=${answer}>${(data) => {
      const [row] = data.items;
      return html`<${Chart} name=${`Events by hour of ${row.title ?? id}`} unit="events" times=${data.hours} series=${[
        { label: "merged (batch + speed)", values: row.batch.map((count, at) => count + row.speed[at]), colour: "speed", bars: true },
        { label: "batch", values: row.batch, colour: "batch", bars: true },
      ]} />`;
    }}<//><//>`;
}

// What the segments add: below 0 where ratings were retracted.
function added(value) {
  return value < 0 ? `−${figure(-value)}` : `+${figure(value)}`;
}

function Parts({ row }) {
  const whole = Math.max(row.co_rating, 1e-9);
  return html`<span class="parts" aria-hidden="true"><i class="batch" style=${{ width: `${(100 * row.batch) / whole}%` }}></i><i class="speed" style=${{ width: `${Math.max(0, (100 * row.speed) / whole)}%` }}></i></span>`;
}

function Merge({ data }) {
  const about = useItems(data.items.map((row) => row.item_id));
  if (!data.items.length) return html`<${Nothing} title="No neighbours yet">Nobody has touched this item together with another one.<//>`;
  return html`<div class="scroll"><table><thead><tr><th scope="col">Item</th><th scope="col" class="narrow-off">Category</th>
      <th scope="col" class="number"><span class="key batch"></span>Batch</th><th scope="col" class="number"><span class="key speed"></span>+ speed</th><th scope="col" class="number">= merged</th><th scope="col" class="narrow-off"><span class="hidden">Parts</span></th><th scope="col" class="number">Similarity</th></tr></thead>
    <tbody><tr class="own"><td>This item’s norm</td><td class="narrow-off"></td><td class="number">${figure(data.norm_batch)}</td><td class="number">${figure(data.norm_speed)}</td><td class="number"><b>${figure(data.norm)}</b></td><td class="narrow-off"></td><td></td></tr>
      ${data.items.map((row) => html`<tr key=${row.item_id} data-item=${row.item_id}><td><${Name} id=${row.item_id} about=${about.get(row.item_id)} /></td><td class="narrow-off"><${Category} row=${row} /></td>
      <td class="number">${figure(row.batch)}</td><td class="number">${row.speed ? html`<span class="plus">${added(row.speed)}</span>` : "0"}</td><td class="number"><b>${figure(row.co_rating)}</b></td>
      <td class="narrow-off"><${Parts} row=${row} /></td><td class="number">${number(row.score, 3)}</td></tr>`)}</tbody></table></div>`;
}

function NoPictures() {
  return html`<${Nothing} title="No pictures are indexed yet">Run <code>millrace pictures index FOLDER</code> with a folder of pictures named after their items.<//>`;
}

function Near({ id, way }) {
  const pictures = useAnswer(way === "picture" ? "/pictures" : null, {}, { follow: false });
  const isAsked = way !== "picture" || pictures.data?.pictures > 0;
  const answer = useAnswer(isAsked ? pathOf("items", id, "similar") : null, { by: way, n: 15 });
  const about = useItems(answer.data?.items.map((row) => row.item_id) ?? []);
  if (pictures.data?.pictures === 0) return html`<${NoPictures} />`;
  if (answer.error?.status === 404) return html`<${Nothing} title="No picture of this item"><${Prose} text=${answer.error.message} /><//>`;
  return html`<${Shown} answer=${answer}>${(data) => html`<ol class="side">${data.items.map((row, at) => html`<li key=${row.item_id}><span class="rank">${at + 1}</span><${Name} id=${row.item_id} about=${about.get(row.item_id)} /><span class="number">${number(row.score, 3)}</span></li>`)}</ol>`}<//>`;
}

function Known({ id, params }) {
  const hours = Number(params.get("hours")) in RANGES ? Number(params.get("hours")) : 168;
  const way = Object.hasOwn(WAYS, params.get("by")) ? params.get("by") : "behaviour";
  const item = useAnswer(pathOf("items", id));
  const merge = useAnswer(way === "behaviour" ? pathOf("items", id, "merge") : null, { n: 20 });
  if (item.error?.status === 404) return html`<section class="panel"><${Nothing} title="There is no such item">${item.error.message}<//></section>`;
  return html`<div class="grid two"><div class="stack">
      <${Panel} flush title="Goes with" about=${ABOUT[way]}
        actions=${html`<div class="choice" role="group" aria-label="Similar by">${Object.entries(WAYS).map(([name, title]) => html`<button key=${name} class="small" aria-pressed=${name === way} onClick=${() => adjust({ by: name })}>${title}</button>`)}</div>`}>
        ${way === "behaviour" ? html`<${Shown} answer=${merge} lines=${9}>${(data) => html`<${Merge} data=${data} />`}<//>` : html`<${Near} id=${id} way=${way} />`}<//>
    </div><div class="stack">
      <${Panel} title=${item.data?.title ?? id}><${Shown} answer=${item}>${(data) => html`<${Record} data=${data} />`}<//><//>
      <${Hours} id=${id} hours=${hours} /></div></div>`;
}

export function Item({ ids, params }) {
  const [id] = ids;
  return html`<div class="filters"><${Ask} label="Item" value=${id ?? ""} onAsk=${(text) => go("item", [text])} /></div>
    ${id ? html`<${Known} key=${id} id=${id} params=${params} />` : html`<${Popular} />`}`;
}
