// The kept generations: how good each ranks, what the gate says, and which one serves.
import { useAnswer } from "../lib/answer.js";
import { call } from "../lib/api.js";
import { moment, number } from "../lib/format.js";
import { html, useState } from "../lib/html.js";
import { Chart } from "../parts/chart.js";
import { Nothing, Panel, Shown } from "../parts/states.js";

function marks(row, held) {
  if (row.done !== null) return html`<span class="tag">in the making${row.done.length ? `, after ${row.done.at(-1)}` : ""}</span>`;
  return html`${row.active && html`<span class="tag accent">serves</span> `}${row.active && held && html`<span class="tag warn">held by a rollback</span> `}
    ${row.predecessor && html`<span class="tag">previous</span> `}${!row.gate.passed && html`<span class="tag bad">refused</span> `}`;
}

function verdict({ gate }) {
  if (!gate.passed) return gate.reasons.join("; ");
  return gate.warnings.length ? gate.warnings.join("; ") : "passed";
}

function ranking(row) {
  const blend = row.rankings.blend;
  return blend?.users ? number(blend["ndcg@10"], 3) : "–";
}

function Quality({ rows }) {
  const judged = rows.filter((row) => row.published_at && Object.values(row.rankings).some(({ users }) => users));
  if (judged.length < 2) return html`<${Nothing} title="No course yet">The next generations draw it: each is evaluated on the newest events.<//>`;
  const names = [...new Set(judged.flatMap((row) => Object.keys(row.rankings)))].sort((a, b) => (a === "blend" ? -1 : b === "blend" ? 1 : a < b ? -1 : 1)).slice(0, 4);
  const tones = ["accent", "batch", "speed", "warn"];
  return html`<${Chart} name="NDCG@10 by generation" times=${judged.map((row) => row.published_at)}
    series=${names.map((name, at) => ({ label: name, values: judged.map((row) => row.rankings[name]?.["ndcg@10"] ?? null), colour: tones[at], dashed: at > 0 }))} />`;
}

function Choose({ row, chosen, choose, serve, busy }) {
  if (row.active || row.done !== null) return null;
  if (chosen !== row.id) return html`<button class="small" onClick=${() => choose(row.id)}>Serve this one</button>`;
  return html`<span class="sure">Hold it there? <button class="small first" disabled=${busy} onClick=${() => serve({ generation: row.id })}>Serve it</button> <button class="small" onClick=${() => choose(undefined)}>Cancel</button></span>`;
}

function Table({ data, reload }) {
  const [chosen, choose] = useState(undefined);
  const [said, say] = useState(null);
  const [busy, setBusy] = useState(false);
  async function serve(body) {
    setBusy(true);
    try {
      await call("/generations/active", { method: "POST", body });
      say({ good: true, text: body.release ? "Released: scheduled runs activate their generations again." : `${body.generation} serves now, and is held until it is released.` });
      reload();
    } catch (error) {
      say({ good: false, text: error.message });
    }
    choose(undefined);
    setBusy(false);
  }
  const rows = [...data.generations].reverse();
  return html`<div role="status">${said && html`<div class=${said.good ? "note plain" : "note bad"} style=${{ margin: "0 1rem 0.8rem" }}>${said.text}</div>`}</div>
    <div class="scroll"><table><thead><tr><th scope="col">Generation</th><th scope="col">State</th><th scope="col" class="narrow-off">Published</th><th scope="col" class="number">Events</th><th scope="col" class="number">NDCG@10</th><th scope="col" class="narrow-off">Gate</th><th scope="col"><span class="hidden">Act</span></th></tr></thead>
      <tbody>${rows.map((row) => html`<tr key=${row.id ?? ""}><td><span class="item"><span class="mono">${row.id ?? "(the empty one)"}</span>${row.reason && html`<small>${row.reason}</small>`}</span></td><td>${marks(row, data.held)}</td>
        <td class="narrow-off">${moment(row.published_at)}</td><td class="number">${number(row.events)}</td><td class="number">${ranking(row)}</td><td class="why narrow-off">${row.done === null && row.id !== null ? verdict(row) : ""}</td>
        <td class="number">${row.id !== null && html`<${Choose} row=${row} chosen=${chosen} choose=${choose} serve=${serve} busy=${busy} />`}</td></tr>`)}</tbody></table></div>
    ${data.held && html`<p class="release"><button disabled=${busy} onClick=${() => serve({ release: true })}>Release the rollback</button> <span class="quiet">Scheduled runs publish without activating while it holds.</span></p>`}`;
}

export function Generations() {
  const answer = useAnswer("/generations");
  return html`<div class="stack"><${Panel} flush title="Kept generations" about="the newest first"><${Shown} answer=${answer}>${(data) => (data.generations.length
      ? html`<${Table} data=${data} reload=${answer.reload} />`
      : html`<${Nothing} title="None yet">Run <code>millrace batch run</code> to publish the first.<//>`)}<//><//>
    ${answer.data && html`<${Panel} title="Quality over time" about="how well each ranking predicts held-out events"><${Quality} rows=${answer.data.generations} /><//>`}</div>`;
}
