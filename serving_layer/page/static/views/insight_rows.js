// Rows of any insight as a table: rates and ratios with their intervals, counts, times, nested kinds and items.
import { figure, lasting, moment, number, percent, signed } from "../lib/format.js";
import { html } from "../lib/html.js";
import { linkTo } from "../lib/router.js";

const TIMES = new Set(["from", "to", "hour_ms"]);
const SECONDS = new Set(["p50", "p95", "p99", "max"]);
const SPREAD = new Set(["low", "high", "differs"]);
const WIDE_ONLY = new Set(["kinds", "devices"]); // on a phone they would make each row as high as the screen
const HEADS = { item_id: "Item", click_through: "Click-through", p50: "p50", p95: "p95", p99: "p99" };

function headed(name) {
  return HEADS[name] ?? name.replaceAll("_", " ").replace(/^./, (letter) => letter.toUpperCase());
}

function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isRate(value) {
  return isObject(value) && "rate" in value;
}

function isRatio(value) {
  return isObject(value) && "ratio" in value;
}

// Where each column's intervals lie, so that all rows share one axis.
function extents(rows, columns) {
  const most = {};
  for (const name of columns) {
    const bounds = rows.flatMap((row) => (isObject(row[name]) ? [row[name].high, row[name].rate, row[name].ratio] : name === "ratio" ? [row.high, row.ratio] : [])).filter(Number.isFinite);
    most[name] = Math.max(1e-9, ...bounds);
  }
  return most;
}

function Interval({ value, low, high, most, centre, supported = true }) {
  if (!Number.isFinite(value)) return null;
  const at = (x) => `${(100 * Math.min(x, most)) / most}%`;
  return html`<span class=${supported ? "interval narrow-off" : "interval not narrow-off"} aria-hidden="true"><i class="axis"></i>${centre && most >= centre && html`<i class="one" style=${{ left: at(centre) }}></i>`}
    ${Number.isFinite(low) && Number.isFinite(high) && html`<i class="span" style=${{ left: at(low), width: `${(100 * (Math.min(high, most) - low)) / most}%` }}></i>`}<i class="dot" style=${{ left: at(value) }}></i></span>`;
}

function Bounds({ low, high, write }) {
  return Number.isFinite(low) && Number.isFinite(high) ? html` <small class="quiet">${write(low)} to ${write(high)}</small>` : null;
}

function Rate({ value, most }) {
  const write = (share) => percent(share, share < 0.1 ? 1 : 0);
  return html`<span class="number">${write(value.rate)}<${Bounds} low=${value.low} high=${value.high} write=${write} /></span> <${Interval} value=${value.rate} low=${value.low} high=${value.high} most=${most} />`;
}

function Ratio({ value, most }) {
  const write = (ratio) => `${number(ratio, 2)}×`;
  return html`<span class="number">${Number.isFinite(value.ratio) ? write(value.ratio) : "–"}<${Bounds} low=${value.low} high=${value.high} write=${write} /></span> <${Interval} value=${value.ratio} low=${value.low} high=${value.high} most=${most} centre=${1} supported=${value.differs !== false} />`;
}

// In points: of two rates, which are shares.
function Difference({ row }) {
  const write = (share) => signed(100 * share);
  return html`<span class="number">${write(row.difference)} points<${Bounds} low=${row.low} high=${row.high} write=${write} /></span>${row.differs && html` <span class="tag good">differs</span>`}`;
}

function Cell({ name, value, row, most }) {
  if (isRate(value)) return html`<${Rate} value=${value} most=${most} />`;
  if (isRatio(value)) return html`<${Ratio} value=${value} most=${most} />`;
  if (name === "difference") return html`<${Difference} row=${row} />`;
  if (name === "hour") return `${value}:00`;
  if (name === "measure") return headed(value);
  if (name === "users") return number(value);
  if (name === "ratio") return html`<${Ratio} value=${row} most=${most} />`;
  if (name === "item_id") return html`<a href=${linkTo("item", [value])}>${row.title ?? value}</a>`;
  if (SECONDS.has(name)) return lasting(value);
  if (TIMES.has(name) && value > 1e11) return moment(value);
  if (name === "category" && value === null) return "all";
  if (value === null || value === undefined) return "–";
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (name === "share") return percent(value);
  if (typeof value === "number") return figure(value);
  if (Array.isArray(value)) return html`<${Several} list=${value} />`;
  if (isObject(value)) return Object.entries(value).map(([kind, count]) => html`<span class="tag">${kind} ${figure(count)}</span> `);
  return String(value);
}

function Several({ list }) {
  if (!list.length) return "none";
  return list.map((entry, at) => html`${at > 0 && ", "}${isObject(entry) ? html`<a href=${linkTo("item", [entry.item_id ?? ""])}>${entry.title ?? entry.item_id}</a>${Number.isFinite(entry.score) && html` <small class="quiet">${number(entry.score, 1)}×</small>`}` : String(entry)}`);
}

export function Rows({ rows, name }) {
  const isSpread = rows.some((row) => ("ratio" in row && !isObject(row.ratio)) || "difference" in row);
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))].filter((column) => !(isSpread && SPREAD.has(column)) && column !== "title" && column !== "weekday");
  const most = extents(rows, columns);
  const right = new Set(columns.slice(1).filter((column) => rows.every((row) => row[column] === null || typeof row[column] === "number") && !TIMES.has(column) && column !== "ratio" && column !== "difference"));
  const kind = (column) => [right.has(column) && "number", WIDE_ONLY.has(column) && "narrow-off", TIMES.has(column) && "moment"].filter(Boolean).join(" ");
  return html`<div class="scroll"><table class="rows"><caption class="hidden">${name}</caption><thead><tr>${columns.map((column) => html`<th key=${column} scope="col" class=${kind(column)}>${headed(column)}</th>`)}</tr></thead>
    <tbody>${rows.map((row, at) => html`<tr key=${at}>${columns.map((column) => html`<td key=${column} class=${kind(column)}><${Cell} name=${column} value=${row[column]} row=${row} most=${most[column]} /></td>`)}</tr>`)}</tbody></table></div>`;
}
