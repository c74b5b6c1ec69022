// Rows of trending items: the hours, and why each is listed.
import { figure, number } from "../lib/format.js";
import { html } from "../lib/html.js";
import { Category, Item, merged } from "../parts/item.js";
import { Spark } from "../parts/spark.js";
import { Nothing } from "../parts/states.js";

const REASONS = {
  nothing_rises: "Nothing rises faster than chance now, so the list shows what is popular.",
  too_little_history: "There is too little history to tell a trend, so the list shows what is popular.",
};

function Why({ row }) {
  if (row.basis !== "trend") return html`<span class="why">popular: <b>${number(row.count)}</b> events</span>`;
  return html`<span class="why"><b>${number(row.count)}</b> events where <b>${figure(row.expected)}</b> were expected: at least <b>${number(row.score, row.score < 10 ? 2 : 1)}×</b> the usual rate</span>`;
}

export function TrendTable({ answer, about, short = false, what = "" }) {
  if (!answer.items.length) {
    return html`<${Nothing} title="Nothing to list">${what || "No event lies in this window."}<//>`;
  }
  const reason = REASONS[answer.basis_reason];
  return html`${reason && html`<p class="why" style=${{ padding: "0 1rem 0.6rem" }}>${reason}</p>`}
    <div class="scroll"><table>
      <thead><tr><th class="rank" scope="col"><span class="hidden">Rank</span></th><th scope="col">Item</th>${!short && html`<th scope="col" class="narrow-off">Category</th>`}
        <th scope="col">By hour</th><th scope="col" class="narrow-off">Why it is listed</th><th scope="col" class="number">Score</th></tr></thead>
      <tbody>${answer.items.map((row, at) => html`<tr key=${row.item_id} data-item=${row.item_id}>
        <td class="rank">${at + 1}</td><td><${Item} id=${row.item_id} about=${about.get(row.item_id)} /><div class="narrow-only"><${Why} row=${row} /></div></td>
        ${!short && html`<td class="narrow-off"><${Category} row=${row} /></td>`}
        <td>${about.has(row.item_id) && html`<${Spark} name="Events by hour" values=${merged(about.get(row.item_id))} />`}</td>
        <td class="narrow-off"><${Why} row=${row} /></td><td class="number">${figure(row.score)}</td></tr>`)}</tbody>
    </table></div>`;
}
