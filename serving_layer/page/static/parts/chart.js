// A time series: drawn by uPlot, named, with a cursor for keys and the same numbers as a table.
import { figure, moment } from "../lib/format.js";
import { html, useEffect, useId, useRef, useState } from "../lib/html.js";
import { theme } from "../lib/theme.js";
import { useStore } from "../lib/store.js";
import uPlot from "../vendor/uplot.js";

const GLYPH = 12;
const DAY = 86400;
const DAYS = [1, 2, 3, 7, 14, 28, 91, 365].map((days) => days * DAY);

// uPlot draws on a canvas, which knows no custom properties.
function colours(root) {
  const probe = document.createElement("i");
  root.append(probe);
  const of = (name) => {
    probe.style.color = `var(--${name})`;
    return getComputedStyle(probe).color;
  };
  const read = Object.fromEntries(["ink-3", "line", "accent", "accent-soft", "batch", "batch-soft", "speed", "speed-soft", "warn"].map((name) => [name, of(name)]));
  probe.remove();
  return read;
}

function shapes(series, tone) {
  return series.map(({ label, colour, fill, dashed, bars, scale }) => ({
    label,
    scale: scale ?? "y",
    stroke: tone[colour],
    fill: bars ? tone[colour] : fill ? tone[`${colour}-soft`] : undefined,
    width: bars ? 0 : 1.75,
    dash: dashed ? [5, 4] : undefined,
    paths: bars ? uPlot.paths.bars({ size: [0.7, 40] }) : undefined,
    points: { show: false },
  }));
}

// The least distance of two points, in seconds.
function stepOf(times) {
  return times.length > 1 ? Math.min(...times.slice(1).map((at, place) => at - times[place])) : 3600;
}

// Bars stand around their time: without half a step on both sides the outer ones would be cut.
function widened(series) {
  if (!series.some(({ bars }) => bars)) return undefined;
  return (u, low, high) => [low - stepOf(u.data[0]) / 2, high + stepOf(u.data[0]) / 2];
}

// Where delays of milliseconds and of minutes stand together each power of ten has the same room.
const LOG = { distr: 3, log: 10 };
const LINEAR = { range: (u, low, high) => [Math.min(0, low), high > 0 ? high * 1.08 : 4] };

function options(root, { series, height, log, write, times }, tone) {
  const axis = { stroke: tone["ink-3"], font: `${GLYPH}px Inter, system-ui, sans-serif`, ticks: { show: false } };
  const days = (u, at, found, space, step) => at.map((s) => (step >= 86400 ? new Date(s * 1000).toLocaleDateString("en-GB", { day: "numeric", month: "short" }) : new Date(s * 1000).toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit", second: step < 60 ? "2-digit" : undefined })));
  return {
    width: Math.max(200, root.clientWidth),
    height,
    padding: [8, 8, 0, 0],
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { size: 7 } },
    scales: { x: { time: true, range: widened(series) }, y: log ? LOG : LINEAR },
    axes: [
      { ...axis, grid: { show: false }, values: days, space: 70, size: 26, ...(stepOf(times) >= DAY && { incrs: DAYS }) },
      { ...axis, grid: { stroke: tone.line, width: 1 }, size: log ? 56 : 46, space: 34, values: (u, at) => at.map((value) => (value === null ? "" : write(value))) },
    ],
    series: [{}, ...shapes(series, tone)],
  };
}

function said(name, unit, times, series) {
  const parts = series.map(({ label, values }) => {
    const numbers = values.filter((value) => value !== null && value !== undefined);
    if (!numbers.length) return `${label}: no values`;
    const [first, last] = [numbers[0], numbers.at(-1)];
    const trend = last > first ? "rising" : last < first ? "falling" : "level";
    return `${label}: lowest ${figure(Math.min(...numbers))}, highest ${figure(Math.max(...numbers))}, last ${figure(last)}${unit ? ` ${unit}` : ""}, ${trend}`;
  });
  return `${name}, ${times.length} points. ${parts.join(". ")}. Arrow keys read single points.`;
}

function row(times, series, at, when) {
  return `${when(times[at])}: ${series.map(({ label, values }) => `${label} ${figure(values[at])}`).join(", ")}`;
}

// times: epoch ms. series: {label, values, colour, fill, dashed, bars}.
// log: values are above 0 and differ by powers of ten. write: of a value beside the axis.
export function Chart({ name, unit, times, series, height = 190, when = moment, log = false, write = figure }) {
  const plot = useRef(null);
  const drawn = useRef(null);
  const id = useId();
  const [at, setAt] = useState(null);
  const [asTable, setAsTable] = useState(false);
  const chosen = useStore(theme);
  const shape = JSON.stringify([series.map(({ values, ...rest }) => rest), height, chosen, log, stepOf(times) >= DAY * 1000]);
  const data = [times.map((ms) => ms / 1000), ...series.map(({ values }) => values)];
  const rows = useRef(null);
  rows.current = data;

  useEffect(() => {
    const root = plot.current;
    const made = new uPlot(options(root, { series, height, log, write, times: rows.current[0] }, colours(root)), rows.current, root);
    made.root.setAttribute("aria-hidden", "true");
    made.over.addEventListener("mousemove", () => setAt(made.cursor.idx ?? null));
    made.over.addEventListener("mouseleave", () => setAt(null));
    drawn.current = made;
    const sizes = new ResizeObserver(() => made.setSize({ width: Math.max(200, root.clientWidth), height }));
    sizes.observe(root);
    return () => {
      sizes.disconnect();
      made.destroy();
    };
  }, [shape]);

  useEffect(() => drawn.current?.setData(data), [JSON.stringify(data)]);

  function move(event) {
    const last = times.length - 1;
    const next = { ArrowLeft: (at ?? last + 1) - 1, ArrowRight: (at ?? -1) + 1, Home: 0, End: last, Escape: null }[event.key];
    if (next === undefined) return;
    event.preventDefault();
    const inside = next === null ? null : Math.max(0, Math.min(last, next));
    setAt(inside);
    const u = drawn.current;
    u.setCursor(inside === null ? { left: -10, top: -10 } : { left: u.valToPos(times[inside] / 1000, "x"), top: 10 });
  }

  return html`<figure class="chart">
    <div class="plot" ref=${plot} role="img" tabindex="0" aria-label=${said(name, unit, times, series)} onKeyDown=${move}></div>
    <figcaption>
      <span class="keys">${series.map(({ label, colour, dashed }) => html`<span><i class=${dashed ? "dashed" : ""} style=${{ background: `var(--${colour})`, "--tone": `var(--${colour})` }}></i>${label}</span>`)}</span>
      <span class="at number" role="status">${at !== null && at < times.length ? row(times, series, at, when) : ""}</span>
      <button class="small" aria-expanded=${asTable} aria-controls=${id} onClick=${() => setAsTable(!asTable)}>${asTable ? "Hide data" : "Show data"}</button>
    </figcaption>
    <div class="table" id=${id} hidden=${!asTable}>${asTable && html`<table><caption class="hidden">${name}</caption>
      <thead><tr><th scope="col">time</th>${series.map(({ label }) => html`<th scope="col" class="number">${label}</th>`)}</tr></thead>
      <tbody>${times.map((ms, place) => html`<tr><th scope="row">${when(ms)}</th>${series.map(({ values }) => html`<td class="number">${figure(values[place])}</td>`)}</tr>`)}</tbody>
    </table>`}</div>
  </figure>`;
}
