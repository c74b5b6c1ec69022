// Asks for a key where the API needs one. It stays in this tab's session storage.
import { access, useKey } from "../lib/api.js";
import { html, useState } from "../lib/html.js";
import { useStore } from "../lib/store.js";

export function Key() {
  const { why, key } = useStore(access);
  const [text, setText] = useState("");
  const submit = (event) => {
    event.preventDefault();
    if (text.trim()) useKey(text.trim());
  };
  return html`<section class="panel gate"><div><h1>This installation asks for a key</h1>
      <p class="quiet">A key is made with <code>millrace keys create NAME --role read</code>. It is kept in this tab only.</p></div>
    ${why && html`<p class="note bad" role="alert">${why}</p>`}
    <form class="ask" onSubmit=${submit}>
      <label>API key<input type="password" autocomplete="off" spellcheck="false" size="34" value=${text} onInput=${(event) => setText(event.target.value)} /></label>
      <button class="first" type="submit">Open the page</button>
      ${key && html`<button type="button" onClick=${() => useKey(key)}>Keep the present one</button>`}
    </form></section>`;
}
