// One user: what was done, what is recommended and why, and what a click changes.
import { useAnswer, useItems } from "../lib/answer.js";
import { pathOf } from "../lib/api.js";
import { figure, number, since } from "../lib/format.js";
import { html, useState } from "../lib/html.js";
import { go, linkTo } from "../lib/router.js";
import { Ask } from "../parts/ask.js";
import { Item } from "../parts/item.js";
import { Bars } from "../parts/spark.js";
import { Nothing, Panel, Shown } from "../parts/states.js";
import { Change, useAct } from "./change.js";
import { Lately } from "./lately.js";
import { Recommended } from "./recommended.js";

const ROWS = 12;
const KINDS = ["view", "click", "like", "save", "cart", "purchase", "remove"];

function History({ answer, about, act }) {
  return html`<${Panel} flush title="History" about="the last items, the newest first"><${Shown} answer=${answer}>${({ items }) => (items.length
    ? html`<div class="scroll"><table><thead><tr><th scope="col">Item</th><th scope="col" class="number">Rating</th><th scope="col">Last touched</th><th scope="col"><span class="hidden">Act</span></th></tr></thead>
      <tbody>${items.map((row) => html`<tr key=${row.item_id} data-item=${row.item_id}><td><${Item} id=${row.item_id} about=${about.get(row.item_id)} /></td>
        <td class="number">${figure(row.rating)}</td><td class="quiet">${since(row.last_time)}</td>
        <td class="number"><button class="plain quiet" aria-label=${`Remove ${row.item_id}`} onClick=${() => act("remove", row.item_id)}>Remove</button></td></tr>`)}</tbody></table></div>`
    : html`<${Nothing} title="No history">This user has no event of weight yet, so the list is what is popular.<//>`)}<//><//>`;
}

function Profile({ answer }) {
  return html`<${Panel} title="Tastes" about="categories of the history, by rating"><${Shown} answer=${answer}>${(data) => html`
    ${data.categories.length ? html`<${Bars} name="Categories of the history" rows=${data.categories.slice(0, 6).map((row) => ({ name: row.category, value: row.rating }))} />` : html`<p class="quiet">None yet.</p>`}
    <dl class="facts" style=${{ marginTop: "0.8rem" }}><dt>Seen items</dt><dd>${number(data.seen_items)}</dd>
      ${data.preferences.length > 0 && html`<dt>Stated preferences</dt><dd>${data.preferences.map((name) => html`<span class="tag">${name}</span> `)}</dd>`}</dl>`}<//><//>`;
}

function Anything({ act, kind, setKind, busy }) {
  return html`<${Ask} label="Any item" button="Post it" onAsk=${(id) => act(kind, id)}>
    <label>Kind<select value=${kind} onChange=${(event) => setKind(event.target.value)}>${KINDS.map((name) => html`<option key=${name}>${name}</option>`)}</select></label>
<//>${busy && html`<p class="quiet" role="status">Posting</p>`}`;
}

function Known({ id }) {
  const [kind, setKind] = useState("click");
  const list = useAnswer(pathOf("recommendations", id), { n: ROWS });
  const history = useAnswer(pathOf("users", id, "history"), { n: 20 });
  const profile = useAnswer(pathOf("users", id, "profile"));
  const ids = [...(list.data?.items ?? []), ...(history.data?.items ?? [])].map((row) => row.item_id);
  const about = useItems(ids);
  const { act, busy, change, refused, dismiss } = useAct(id, ROWS, list.data);
  return html`<div class="stack">
    ${change && html`<${Change} change=${change} dismiss=${dismiss} />`}
    ${refused && html`<div class="note bad" role="alert"><strong>Not posted.</strong> ${refused}</div>`}
    <div class="grid two"><div class="stack">
      <${Panel} flush title=${`Recommended to ${id}`} about=${list.data && !list.data.personal ? "a new user: what is popular" : "without what was seen"}>
        <${Shown} answer=${list} lines=${9}>${(data) => html`<${Recommended} user=${id} items=${data.items} about=${about} act=${(item) => act(kind, item)} kind=${kind} />`}<//><//>
      <${Panel} title="Act as this user" about="posted as an event like any visitor's; the lists show before and after">
        <${Anything} act=${act} kind=${kind} setKind=${setKind} busy=${busy} /><//>
    </div><div class="stack">
      <${History} answer=${history} about=${about} act=${act} /><${Profile} answer=${profile} />
    </div></div></div>`;
}

export function User({ ids }) {
  const [id] = ids;
  return html`<div class="filters"><${Ask} label="User" value=${id ?? ""} onAsk=${(text) => go("user", [text])} />
      ${id && html`<a href=${linkTo("lists", [id])}>Lists of this user</a>`}</div>
    ${id ? html`<${Known} key=${id} id=${id} />` : html`<${Lately} view="user" />`}`;
}
