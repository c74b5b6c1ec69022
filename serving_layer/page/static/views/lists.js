// A user's own lists of items: made, changed and deleted here, with what each recommends by words and by behaviour.
import { useAnswer, useItems } from "../lib/answer.js";
import { call, pathOf } from "../lib/api.js";
import { figure, number, since } from "../lib/format.js";
import { html, useState } from "../lib/html.js";
import { go, linkTo } from "../lib/router.js";
import { Ask } from "../parts/ask.js";
import { Category, Item } from "../parts/item.js";
import { Nothing, Panel, Shown } from "../parts/states.js";
import { Lately } from "./lately.js";

const ROWS = 10;
const LEAST_WEIGHT = 0.001;
const MOST_WEIGHT = 1000;

// Sends one change at a time; what was refused stays until the next one.
function useChange(then) {
  const [busy, setBusy] = useState(false);
  const [refused, setRefused] = useState("");
  async function change(path, method, body) {
    setBusy(true);
    setRefused("");
    try {
      then(await call(path, { method, body }));
    } catch (error) {
      setRefused(error.message);
    }
    setBusy(false);
  }
  return { change, busy, refused };
}

function Refused({ why }) {
  return why ? html`<div class="note bad" role="alert"><strong>Not changed.</strong> ${why}</div>` : null;
}

function Names({ user, answer, chosen }) {
  const { change, refused } = useChange(({ list_id: made }) => {
    answer.reload();
    go("lists", [user, made]);
  });
  return html`<${Panel} title=${`Lists of ${user}`} about="they are no events: nothing is counted by them"><div class="stack"><${Refused} why=${refused} />
    <${Shown} answer=${answer} lines=${2}>${({ lists }) => (lists.length
      ? html`<ul class="lists" aria-label="Lists">${lists.map((row) => html`<li key=${row.list_id}><a href=${linkTo("lists", [user, row.list_id])} aria-current=${row.list_id === chosen ? "page" : undefined}>${row.list_id}</a>
          <span class="quiet">${number(row.size)} ${row.size === 1 ? "item" : "items"}, changed ${since(row.changed_at)}</span></li>`)}</ul>`
      : html`<p class="quiet">None yet. A list works for somebody without events, too: its items’ words are enough.</p>`)}<//>
    <${Ask} label="New list" button="Make it" clears onAsk=${(name) => change(pathOf("users", user, "lists"), "POST", { list_id: name })} /></div><//>`;
}

function Entries({ own, change, busy }) {
  const about = useItems(own.items.map((row) => row.item_id));
  const path = pathOf("users", own.user_id, "lists", own.list_id);
  if (!own.items.length) return html`<${Nothing} title="Nothing in it yet">Add the first item below.<//>`;
  return html`<div class="scroll"><table><thead><tr><th scope="col">Item</th><th scope="col" class="number">Weight</th><th scope="col"><span class="hidden">Act</span></th></tr></thead>
    <tbody>${own.items.map((row) => html`<tr key=${row.item_id} data-item=${row.item_id}><td><${Item} id=${row.item_id} about=${about.get(row.item_id)} /></td><td class="number">${figure(row.weight)}</td>
      <td class="number"><button class="plain quiet" disabled=${busy} aria-label=${`Remove ${row.item_id}`} onClick=${() => change(path, "PATCH", { remove: [row.item_id] })}>Remove</button></td></tr>`)}</tbody></table></div>`;
}

function Delete({ path, change, busy }) {
  const [sure, setSure] = useState(false);
  if (!sure) return html`<button class="small" onClick=${() => setSure(true)}>Delete the list</button>`;
  return html`<span class="sure">Delete it? <button class="small first" disabled=${busy} onClick=${() => change(path, "DELETE")}>Delete</button> <button class="small" onClick=${() => setSure(false)}>Cancel</button></span>`;
}

function Own({ user, name, answer, changed, gone }) {
  const [weight, setWeight] = useState("1");
  const { change, busy, refused } = useChange((body) => (body.lists ? gone() : changed()));
  const path = pathOf("users", user, "lists", name);
  const add = (item) => change(path, "PATCH", { add: [{ item_id: item, weight: Number(weight) }] });
  return html`<${Refused} why=${refused} /><${Panel} flush title=${name} actions=${answer.data && html`<${Delete} path=${path} change=${change} busy=${busy} />`}>
    <${Shown} answer=${answer}>${(own) => html`<${Entries} own=${own} change=${change} busy=${busy} />
      <div class="below"><${Ask} label="Item" button="Add it" clears onAsk=${add}>
        <label>Weight<input type="number" required min=${LEAST_WEIGHT} max=${MOST_WEIGHT} step="any" value=${weight} onInput=${(event) => setWeight(event.target.value)} /></label><//></div>`}<//><//>`;
}

function Side({ title, rows, about, none }) {
  return html`<${Panel} flush title=${title}>${rows.length
    ? html`<div class="scroll"><table><thead><tr><th scope="col">Item</th><th scope="col" class="narrow-off">Category</th><th scope="col" class="number">Score</th></tr></thead>
      <tbody>${rows.map((row) => html`<tr key=${row.item_id} data-item=${row.item_id}><td><${Item} id=${row.item_id} about=${about.get(row.item_id)} /></td><td class="narrow-off"><${Category} row=${row} /></td><td class="number">${number(row.score, 3)}</td></tr>`)}</tbody></table></div>`
    : html`<${Nothing} title="Nothing to recommend">${none}<//>`}<//>`;
}

function Sides({ data }) {
  const about = useItems([...data.by_words, ...data.by_behaviour].map((row) => row.item_id));
  return html`${data.unknown_items?.length > 0 && html`<div class="note" role="status">Nothing names ${data.unknown_items.join(", ")}: no record and no event.</div>`}
    <div class="grid halves"><${Side} title="By words" rows=${data.by_words} about=${about} none=${data.missing ?? "No other item has words like those of the list."} />
      <${Side} title="By behaviour" rows=${data.by_behaviour} about=${about} none="Nobody has touched these items together with others." /></div>`;
}

function Chosen({ user, name, lists }) {
  const path = pathOf("users", user, "lists", name);
  const own = useAnswer(path, {}, { follow: false });
  const suits = useAnswer(`${path}/recommendations`, { n: ROWS });
  const changed = () => [own, suits, lists].forEach((answer) => answer.reload());
  const gone = () => {
    lists.reload();
    go("lists", [user]);
  };
  if (own.error?.status === 404) return html`<section class="panel"><${Nothing} title="There is no such list">${own.error.message}<//></section>`;
  return html`<${Own} user=${user} name=${name} answer=${own} changed=${changed} gone=${gone} />
    ${own.data?.items.length > 0 && html`<${Shown} answer=${suits}>${(data) => html`<${Sides} data=${data} />`}<//>`}`;
}

function Known({ user, name }) {
  const lists = useAnswer(pathOf("users", user, "lists"), {}, { follow: false });
  return html`<div class="grid aside"><${Names} user=${user} answer=${lists} chosen=${name} />
    <div class="stack">${name ? html`<${Chosen} key=${name} user=${user} name=${name} lists=${lists} />`
      : html`<section class="panel"><${Nothing} title="No list is open">Choose one, or make one: what suits it is shown beside it, by words and by behaviour.<//></section>`}</div></div>`;
}

export function Lists({ ids }) {
  const [user, name] = ids;
  return html`<div class="filters"><${Ask} label="User" value=${user ?? ""} onAsk=${(text) => go("lists", [text])} />
      ${user && html`<a href=${linkTo("user", [user])}>History and recommendations of this user</a>`}</div>
    ${user ? html`<${Known} key=${user} user=${user} name=${name} />` : html`<${Lately} view="lists" />`}`;
}
