// The insights in which time matters, as charts; the others are told by their rows.
import { figure } from "../lib/format.js";
import { html } from "../lib/html.js";
import { Chart } from "../parts/chart.js";

const LEAST_DELAY = 0.001; // seconds: what is drawn of 0, which no logarithm has
const TONES = ["accent", "batch", "speed", "warn"];

function activity({ rows, step_seconds: step }) {
  const series = [{ label: "events", values: rows.map((row) => row.events), colour: "batch", bars: true }];
  if (rows.some((row) => Number.isFinite(row.users))) series.push({ label: "active users", values: rows.map((row) => row.users), colour: "speed" });
  return { title: step > 3600 ? "By day" : "By hour", chart: html`<${Chart} name="Events and active users" times=${rows.map((row) => Math.floor(row.from / (1000 * step)) * 1000 * step)} series=${series} />` };
}

function delay(seconds) {
  return seconds < 1 ? `${figure(1000 * seconds)} ms` : `${figure(seconds)} s`;
}

function freshness({ rows }) {
  const names = ["p50", "p95", "p99"];
  const series = names.map((name, at) => ({ label: `${name}, seconds`, values: rows.map((row) => (row[name] === null ? null : Math.max(row[name], LEAST_DELAY))), colour: TONES[at], dashed: at > 0 }));
  return { title: "From an event’s arrival to the answer", chart: html`<${Chart} name="Freshness by hour" unit="seconds" log write=${delay} times=${rows.map((row) => row.from)} series=${series} />` };
}

const CHARTS = { activity, freshness };

// The chart of that insight with its title; null where rows say it better.
export function charted(name, data) {
  return data.rows?.length > 1 && Object.hasOwn(CHARTS, name) ? CHARTS[name](data) : null;
}
