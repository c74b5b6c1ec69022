// The proof on a sample: an independent slow recompute, compared value by value while you watch.
import { call } from "../lib/api.js";
import { lasting, number } from "../lib/format.js";
import { html, useEffect, useRef, useState } from "../lib/html.js";
import { Failed, Panel, Waiting } from "../parts/states.js";

const LOOK = 400;
const SAMPLES = [10, 50, 200];
const KINDS = { users: "users", items: "items", pairs: "pairs", counts: "hourly counts", histories: "histories", seen: "words of seen sets", categories: "item categories", activity: "activity counters", active_users: "hours of active users", excess: "excess", duplicates: "duplicates", facts: "facts" };

function useProof() {
  const [state, setState] = useState(null);
  const [error, setError] = useState(null);
  const timer = useRef(0);
  const alive = useRef(true);
  async function look() {
    try {
      const now = await call("/verify");
      if (!alive.current) return;
      setState(now);
      setError(null);
      if (now.outcome === "running") timer.current = setTimeout(look, LOOK);
    } catch (failure) {
      if (alive.current) setError(failure);
    }
  }
  useEffect(() => {
    look();
    return () => {
      alive.current = false;
      clearTimeout(timer.current);
    };
  }, []);
  async function begin(sample) {
    try {
      setState(await call("/verify", { method: "POST", body: { sample } }));
      setError(null);
      clearTimeout(timer.current);
      timer.current = setTimeout(look, LOOK);
    } catch (failure) {
      setError(failure);
    }
  }
  return { state, error, begin, look };
}

const SAYS = {
  never: ["Nothing was proved yet", "Choose a sample: so many items with all their sums, and everybody who touched them."],
  running: ["Under way", ""],
  proved: ["Equal, to the last thousandth", "Every compared value of the merged views is what the slow recompute gets."],
  mismatches: ["Not equal", "These values differ. Keep the log of this run, and run the command in full."],
  failed: ["It did not finish", ""],
};

function State({ state }) {
  const [title, text] = SAYS[state.outcome] ?? [state.outcome, ""];
  const took = state.ended_at && state.began_at ? (state.ended_at - state.began_at) / 1000 : null;
  const sizes = Object.entries(KINDS).filter(([name]) => state[name] !== undefined);
  return html`<div class="proof" data-outcome=${state.outcome}><div role="status"><p class="count number" hidden=${state.outcome === "never"}><b data-figure="sums">${number(state.sums)}</b> values compared</p>
      <p><span class=${`tag ${{ proved: "good", mismatches: "bad", failed: "bad" }[state.outcome] ?? ""}`}>${title}</span> ${text || state.error || state.phase}</p></div>
    ${state.outcome !== "never" && html`<dl class="facts"><dt>Mismatches</dt><dd class="number" data-figure="mismatches">${number(state.mismatches)}</dd><dt>Events recomputed</dt><dd class="number">${number(state.events)}</dd>${took !== null && html`<dt>Took</dt><dd>${lasting(took)}</dd>`}
      ${sizes.map(([name, label]) => html`<dt>${label}</dt><dd class="number">${number(state[name])}</dd>`)}</dl>`}
    ${state.examples?.length > 0 && html`<ul class="stack">${state.examples.map((text) => html`<li class="note bad" key=${text}>${text}</li>`)}</ul>`}</div>`;
}

export function Verify() {
  const { state, error, begin, look } = useProof();
  const [sample, setSample] = useState(50);
  const busy = state?.outcome === "running";
  return html`<div class="stack"><${Panel} title="Prove it on a sample" about="reads the event lake and the log's tail, folds every event one by one with other code, and compares">
      <div class="ask"><label>Items<select value=${sample} onChange=${(event) => setSample(Number(event.target.value))}>${SAMPLES.map((size) => html`<option key=${size} value=${size}>${size}</option>`)}</select></label>
        <button class="first" disabled=${busy} onClick=${() => begin(sample)}>${busy ? "Under way" : "Verify"}</button>
        <span class="quiet">The whole: <code>millrace verify</code></span></div>
      ${error && html`<div class="note bad" role="alert" style=${{ marginTop: "0.8rem" }}>${error.message}</div>`}<//>
    <section class="panel"><div class="body" style=${{ paddingTop: "1rem" }}>${state ? html`<${State} state=${state} />` : error ? html`<${Failed} error=${error} reload=${look} />` : html`<${Waiting} />`}</div></section></div>`;
}
