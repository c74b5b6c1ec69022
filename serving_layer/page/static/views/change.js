// What a click changed: the list before and after, side by side, and how long it took.
import { call, pathOf } from "../lib/api.js";
import { number } from "../lib/format.js";
import { html, useRef, useState } from "../lib/html.js";
import { Panel } from "../parts/states.js";
import { Item } from "../parts/item.js";
import { useItems } from "../lib/answer.js";

const WAIT = "10s";

// Posts an event of the user and asks for the list that holds it.
export function useAct(user, rows, list) {
  const [busy, setBusy] = useState(false);
  const [change, setChange] = useState(null);
  const [refused, setRefused] = useState("");
  const newest = useRef(null);
  newest.current = list;

  async function act(kind, item) {
    const before = newest.current?.items ?? [];
    setBusy(true);
    setRefused("");
    try {
      const began = performance.now();
      const { positions } = await call("/interactions", { method: "POST", body: { user_id: user, item_id: item, kind } });
      const acknowledged = performance.now();
      const prefix = Object.entries(positions).map(([partition, offset]) => `${partition}:${offset}`).join(",");
      const after = await call(pathOf("recommendations", user), { params: { n: rows, at_least: prefix, wait: WAIT } });
      const answered = performance.now();
      setChange({ kind, item, before, after: after.items, acknowledged: acknowledged - began, answered: answered - began });
    } catch (error) {
      setRefused(error.message);
    } finally {
      setBusy(false);
    }
  }
  return { act, busy, change, refused, dismiss: () => setChange(null) };
}

function moved(id, at, others) {
  const was = others.findIndex((row) => row.item_id === id);
  if (was < 0) return "new";
  return was === at ? "" : was > at ? `up ${was - at}` : `down ${at - was}`;
}

function Side({ title, rows, others, about, isAfter }) {
  return html`<div><h3>${title}</h3><ol class="side">${rows.map((row, at) => {
    const says = isAfter ? moved(row.item_id, at, others) : others.some((other) => other.item_id === row.item_id) ? "" : "gone";
    return html`<li key=${row.item_id} class=${says.split(" ")[0]}><span class="rank">${at + 1}</span><${Item} id=${row.item_id} about=${about.get(row.item_id)} />
      ${says && html`<span class=${`tag ${says === "new" ? "good" : says === "gone" ? "bad" : ""}`}>${says}</span>`}</li>`;
  })}</ol></div>`;
}

export function Change({ change, dismiss }) {
  const about = useItems([...change.before, ...change.after].map((row) => row.item_id));
  const same = JSON.stringify(change.before.map((row) => row.item_id)) === JSON.stringify(change.after.map((row) => row.item_id));
  return html`<${Panel} title=${`After a ${change.kind} of ${change.item}`} actions=${html`<button class="small" onClick=${dismiss}>Close</button>`}
      about=${html`<span role="status"><b class="number" data-figure="answered">${number(change.answered)} ms</b> from the click to the list that counts it, of which ${number(change.acknowledged)} ms to the broker’s acknowledgement${same ? ". The order stays the same." : ""}</span>`}>
    <div class="grid halves sides"><${Side} title="Before" rows=${change.before} others=${change.after} about=${about} />
      <${Side} title="After" rows=${change.after} others=${change.before} about=${about} isAfter /></div><//>`;
}
