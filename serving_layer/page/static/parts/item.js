// An item or a user in a list: the title where there is one, the id below it, a link to its view.
import { html } from "../lib/html.js";
import { linkTo } from "../lib/router.js";

export function Item({ id, about }) {
  const title = about?.title;
  return html`<span class="item"><a href=${linkTo("item", [id])}>${title ?? id}</a>
    ${title && html`<small class="mono">${id}</small>`}</span>`;
}

export function Category({ row }) {
  const names = row.categories ?? (row.category ? [row.category] : []);
  return names.map((name) => html`<span class="tag">${name}</span> `);
}

// Counts of both layers, hour by hour, as merged.
export function merged(row) {
  return row ? row.batch.map((count, at) => count + row.speed[at]) : [];
}
