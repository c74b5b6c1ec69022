// Every part: whether it answers, how fast, and what to do.
import { useAnswer } from "../lib/answer.js";
import { lasting, moment, number } from "../lib/format.js";
import { html } from "../lib/html.js";
import { live } from "../lib/live.js";
import { useStore } from "../lib/store.js";
import { Chart } from "../parts/chart.js";
import { Nothing, Panel, Prose, Shown } from "../parts/states.js";

const TONES = { up: "good", slow: "warn", off: "", down: "bad" };
const WORDS = { up: "up", slow: "slow", off: "not running", down: "down" };

function Parts({ parts }) {
  return html`<div class="scroll"><table><thead><tr><th scope="col">Part</th><th scope="col">State</th><th scope="col" class="number">Answers in</th><th scope="col">Says</th><th scope="col" class="narrow-off">What to do</th></tr></thead>
    <tbody>${parts.map((row) => html`<tr key=${row.part} data-part=${row.part} data-state=${row.state}><th scope="row" class="part">${row.part}</th><td><span class=${`tag ${TONES[row.state] ?? ""}`}>${WORDS[row.state] ?? row.state}</span></td>
      <td class="number">${row.milliseconds === null ? "–" : lasting(row.milliseconds / 1000)}</td><td class="why">${row.says}${row.remedy && html`<div class="narrow-only"><b>${row.remedy}</b></div>`}</td><td class="why narrow-off">${row.remedy || "nothing"}</td></tr>`)}</tbody></table></div>`;
}

function Course({ samples }) {
  if (samples.length < 3) return html`<${Nothing} title="Measuring">The course of the last ten minutes is drawn as it is measured.<//>`;
  const when = (ms) => new Date(ms).toLocaleTimeString("en-GB");
  const times = samples.map((row) => Math.round(1000 * row.at));
  return html`<div class="grid halves"><${Chart} height=${150} when=${when} name="Lag" unit="events" times=${times} series=${[{ label: "lag, events", values: samples.map((row) => row.lag), colour: "speed", fill: true }]} />
    <${Chart} height=${150} when=${when} name="Events per second" unit="events per second" times=${times} series=${[{ label: "applied per second", values: samples.map((row) => row.applied_per_second), colour: "accent", fill: true }]} /></div>`;
}

function Log({ status }) {
  const partitions = Object.keys(status.end ?? status.applied ?? {}).sort((a, b) => a - b);
  return html`<div class="scroll"><table><thead><tr><th scope="col">Partition</th><th scope="col" class="number">End</th><th scope="col" class="number">Applied</th><th scope="col" class="number">Boundary</th><th scope="col" class="number">Lag</th></tr></thead>
    <tbody>${partitions.map((name) => html`<tr key=${name}><td>${name}</td><td class="number">${number(status.end?.[name])}</td><td class="number">${number(status.applied?.[name])}</td><td class="number">${number(status.boundary?.[name])}</td>
      <td class="number">${number(status.end ? status.end[name] - (status.applied?.[name] ?? 0) : null)}</td></tr>`)}</tbody></table></div>`;
}

export function Health() {
  const answer = useAnswer("/parts");
  const { frame, samples } = useStore(live);
  const status = frame?.status;
  const messages = status?.messages ?? [];
  return html`<div class="stack">
    <${Panel} flush title="Parts" about="each was asked one small question just now" actions=${html`<button class="small" onClick=${answer.reload}>Ask again</button>`}>
      <${Shown} answer=${answer} lines=${6}>${({ parts }) => html`<${Parts} parts=${parts} />`}<//><//>
    <${Panel} title="What to do">${messages.length ? html`<ul class="stack">${messages.map((text) => html`<li class="note plain" key=${text}><${Prose} text=${text} /></li>`)}</ul>` : html`<p class="quiet">Nothing: no part asks for anything.</p>`}<//>
    <${Panel} title="The last minutes"><${Course} samples=${samples} /><//>
    ${status && !status.unknown && html`<${Panel} flush title="The log" about=${`events up to ${moment(status.as_of)}`}><${Log} status=${status} /><//>`}</div>`;
}
