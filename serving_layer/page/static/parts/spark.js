// A small line of numbers in a row of a table, and bars of a ranking.
import { number } from "../lib/format.js";
import { html } from "../lib/html.js";

const WIDTH = 100;
const HEIGHT = 24;

export function Spark({ values, name, wide = false }) {
  const most = Math.max(1e-9, ...values);
  const step = WIDTH / Math.max(1, values.length - 1);
  const points = values.map((value, at) => [at * step, HEIGHT - 1 - (value / most) * (HEIGHT - 3)]);
  const line = points.map(([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`).join(" ");
  const [x, y] = points.at(-1) ?? [0, HEIGHT];
  const last = values.at(-1) ?? 0;
  return html`<svg class=${wide ? "spark wide" : "spark"} viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none" role="img"
      aria-label=${`${name}: now ${number(last, last % 1 ? 1 : 0)}, highest ${number(most, most % 1 ? 1 : 0)}`}>
    <polygon class="area" points="0,${HEIGHT} ${line} ${WIDTH},${HEIGHT}" />
    <polyline class="line" points=${line} />
    <line class="end" x1=${x} y1=${y} x2=${x} y2=${y} />
  </svg>`;
}

export function Bars({ rows, name }) {
  const most = Math.max(1e-9, ...rows.map((row) => row.value));
  return html`<ul class="bars" aria-label=${name}>
    ${rows.map((row) => html`<li key=${row.name}><span class="name">${row.link ? html`<a href=${row.link}>${row.name}</a>` : row.name}</span>
      <span class="number">${number(row.value)}</span>
      <span class="track" aria-hidden="true"><i style=${{ width: `${(100 * row.value) / most}%` }}></i></span></li>`)}
  </ul>`;
}

export function Meter({ share }) {
  return html`<span class="meter" aria-hidden="true"><i style=${{ width: `${100 * Math.max(0, Math.min(1, share))}%` }}></i></span>`;
}
