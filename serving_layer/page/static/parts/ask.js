// Asks for an id: of a user or of an item. Any characters are fine.
import { html, useEffect, useState } from "../lib/html.js";

export function Ask({ label, value = "", button = "Look up", clears = false, onAsk, children }) {
  const [text, setText] = useState(value);
  useEffect(() => setText(value), [value]);
  const submit = (event) => {
    event.preventDefault();
    if (!text) return;
    onAsk(text);
    if (clears) setText("");
  };
  return html`<form class="ask" role=${clears ? undefined : "search"} onSubmit=${submit}>
    <label>${label}<input type="search" spellcheck="false" autocapitalize="off" autocomplete="off" size="28" value=${text} onInput=${(event) => setText(event.target.value)} /></label>
    ${children}<button class="first" type="submit">${button}</button>
  </form>`;
}
