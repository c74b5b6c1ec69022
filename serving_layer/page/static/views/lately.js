// Users who did something lately, each a link to a view of them.
import { useAnswer } from "../lib/answer.js";
import { html } from "../lib/html.js";
import { linkTo } from "../lib/router.js";
import { Nothing, Panel, Shown } from "../parts/states.js";

export function Lately({ view }) {
  const answer = useAnswer("/users", { n: 12 }, { follow: false });
  return html`<${Panel} title="Lately active"><${Shown} answer=${answer}>${({ users }) => (users.length
    ? html`<ul class="chips">${users.map(({ user_id: id }) => html`<li key=${id}><a class="tag" href=${linkTo(view, [id])}>${id}</a></li>`)}</ul>`
    : html`<${Nothing} title="No users yet">The first event brings the first user.<//>`)}<//><//>`;
}
