// The installation at a glance: rates, freshness, lag, what serves, what is wrong, what trends.
import { useAnswer, useItems } from "../lib/answer.js";
import { clock, figure, lasting, moment, number } from "../lib/format.js";
import { html } from "../lib/html.js";
import { live } from "../lib/live.js";
import { linkTo } from "../lib/router.js";
import { useStore } from "../lib/store.js";
import { Chart } from "../parts/chart.js";
import { Bars, Spark } from "../parts/spark.js";
import { Degraded, Failed, Nothing, Panel, Prose, Shown, Waiting } from "../parts/states.js";
import { TrendTable } from "./trend_table.js";

const STEADY = 0.5; // events per second by which a lag may change and still be steady

function rate(value) {
  return number(value, value !== null && Math.abs(value) < 10 ? 1 : 0);
}

function lagSays({ lag_slope: slope, drained_in_seconds: drained }, lag) {
  if (lag === null || lag === undefined) return "the log does not answer";
  if (lag === 0) return "every event is in the answers";
  if (slope === null || slope === undefined) return "measuring";
  if (Math.abs(slope) < STEADY) return "steady";
  if (slope > 0) return html`<span class="rise">grows by ${figure(slope)}/s</span>`;
  return html`<span class="fall">falls by ${figure(-slope)}/s</span>, drained in ${lasting(drained)}`;
}

// From the log to the answers, as the speed layer counts it; without its numbers the age of what waits.
function Freshness({ figures }) {
  const counted = figures.delay_p50 !== null;
  const [p50, p95] = counted ? [figures.delay_p50, figures.delay_p95] : [figures.age_p50, figures.age_p95];
  return html`<div><dt>Freshness</dt><dd data-figure="freshness">${lasting(p50)} <small>p50</small></dd>
    <dd>p95 ${lasting(p95)}, ${counted ? "from the log to the answer" : `of what waits, over ${lasting(figures.age_over_seconds)}`}</dd></div>`;
}

function Figures({ frame, samples }) {
  const { status, figures } = frame;
  const rates = samples.map((sample) => sample.applied_per_second ?? 0);
  const worst = Object.entries(status.rejected_by_reason ?? {}).sort((a, b) => b[1] - a[1])[0];
  return html`<dl class="figures">
    <div><dt>Events per second</dt><dd data-figure="rate">${rate(figures.applied_per_second)}</dd>
      <dd>arriving ${rate(figures.arriving_per_second)}/s${rates.some((rate) => rate > 0) && html`<${Spark} wide name="Events per second" values=${rates.slice(-120)} />`}</dd></div>
    <${Freshness} figures=${figures} />
    <div><dt>Lag</dt><dd data-figure="lag">${number(status.lag_events)} <small>events</small></dd><dd>${lagSays(figures, status.lag_events)}</dd></div>
    <div><dt>Counted events</dt><dd data-figure="events">${number(status.events)}</dd>
      <dd>${status.duplicates ? `${number(status.duplicates)} duplicates had no effect` : "no duplicates"}</dd></div>
    <div><dt>Rejected</dt><dd data-figure="rejected">${number(status.rejected)}</dd><dd>${worst ? `most: ${worst[0]}` : "none"}</dd></div>
  </dl>`;
}

function Messages({ status }) {
  const list = status.messages ?? [];
  if (!list.length) return null;
  return html`<${Panel} title="What to do" about=${`${list.length} ${list.length === 1 ? "message" : "messages"}`}>
    <ul class="stack">${list.map((text) => html`<li class="note plain" key=${text}><${Prose} text=${text} /></li>`)}</ul><//>`;
}

function Serving({ status, quality }) {
  const speed = status.speed ?? {};
  const facts = [
    ["Generation", html`<a class="mono" href=${linkTo("generations")}>${status.generation ?? "none yet"}</a>`],
    ["Segment", status.segment === null ? "none" : `${status.segment}, on top of the generation`],
    ["Events up to", moment(status.as_of)],
    ["Speed layer", speed.alive ? `runs on ${status.modes?.engine || "its engine"}` : speed.alive === false ? "does not run" : "unknown"],
    ["Quality", quality ? `NDCG@10 ${number(quality["ndcg@10"], 3)} on ${number(quality.users)} users` : "not measured yet"],
  ];
  return html`<${Panel} title="Serving now"><dl class="facts">${facts.map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl><//>`;
}

function Rejected({ status }) {
  const rows = Object.entries(status.rejected_by_reason ?? {}).sort((a, b) => b[1] - a[1]).map(([name, value]) => ({ name, value }));
  if (!rows.length) return null;
  return html`<${Panel} title="Rejected events" about="kept as dead letters"><${Bars} name="Rejected events by reason" rows=${rows} /><//>`;
}

function Day({ day }) {
  if (!day.events) return html`<${Nothing} title="No events yet">Send some by <code>millrace produce</code>, or click in the view of a user.<//>`;
  return html`<${Chart} name="Counted events by hour, the last 24 hours" unit="events" height=${170} times=${day.hours.map(({ hour }) => hour)}
    series=${[{ label: "events", values: day.hours.map(({ events }) => events), colour: "accent", fill: true, bars: true }]} />`;
}

function Now({ trending }) {
  const about = useItems(trending.items.map((row) => row.item_id));
  return html`<${TrendTable} answer=${trending} about=${about} short />`;
}

export function Overview() {
  const { frame, samples, state, why } = useStore(live);
  const day = useAnswer("/analytics/dashboard", { n: 10 });
  if (!frame?.status) {
    return state === "lost" ? html`<${Panel} title="No connection"><${Failed} error=${{ status: 0, message: why }} /><//>` : html`<section class="panel"><${Waiting} lines=${8} /></section>`;
  }
  const { status, trending } = frame;
  if (status.unknown) return html`<${Panel} title="Nothing to show yet"><${Nothing} title="Not ready">${status.unknown}<//><//>`;
  return html`<div class="stack"><${Degraded} parts=${status.degraded} />
    <${Figures} frame=${frame} samples=${samples} />
    <div class="grid two">
      <div class="stack">
        <${Panel} flush title="Trending now" about=${trending ? `24 hours to ${clock(trending.as_of)}` : ""} actions=${html`<a href=${linkTo("trending")}>All windows</a>`}>
          ${trending ? html`<${Now} trending=${trending} />` : html`<${Waiting} />`}<//>
        <${Panel} title="The last day" about=${day.data ? `${number(day.data.counted_items)} items counted` : ""}><${Shown} answer=${day}>${(data) => html`<${Day} day=${data} />`}<//><//>
        <${Messages} status=${status} />
      </div>
      <div class="stack">
        <${Serving} status=${status} quality=${day.data?.quality} />
        ${day.data?.categories.length > 0 && html`<${Panel} title="Categories" about="events of the last day">
          <${Bars} name="Events of the last day by category" rows=${day.data.categories.slice(0, 8).map((row) => ({ name: row.category, value: row.count, link: linkTo("trending", [], { category: row.category }) }))} /><//>`}
        <${Rejected} status=${status} />
      </div>
    </div></div>`;
}
