// What a view shows before, instead of and beside an answer.
import { html } from "../lib/html.js";

// Text of the server, in which backticks surround what is typed.
export function Prose({ text }) {
  return (text ?? "").split("`").map((part, at) => (at % 2 ? html`<code>${part}</code>` : part));
}

export function Panel({ title, about, flush = false, level = 2, children, actions }) {
  return html`<section class="panel">
    <header><div><${level === 2 ? "h2" : "h3"}>${title}<//>${about && html`<p>${about}</p>`}</div>${actions}</header>
    <div class=${flush ? "body flush" : "body"}>${children}</div>
  </section>`;
}

export function Nothing({ title, children, action }) {
  return html`<div class="nothing"><h3>${title}</h3><p>${children}</p>${action && html`<div class="do">${action}</div>`}</div>`;
}

export function Waiting({ lines = 4 }) {
  return html`<div class="waiting" role="status"><span class="hidden">Loading</span>${Array.from({ length: lines }, () => html`<i></i>`)}</div>`;
}

const REMEDIES = {
  0: "Is Millrace running? This page tries again by itself.",
  403: "Give a key with the role by “Change key”.",
  503: "This page tries again by itself.",
};

export function Failed({ error, reload }) {
  const title = error.status === 404 ? "There is none" : error.status === 0 ? "No connection" : "No answer";
  return html`<div class="nothing" role="alert"><h3>${title}</h3>
    <p><${Prose} text=${error.message} /> ${REMEDIES[error.status] ?? ""}</p>
    ${reload && error.status !== 404 && html`<div class="do"><button onClick=${reload}>Try again</button></div>`}
  </div>`;
}

const PARTS = {
  speed: "the speed view: events since the last generation are missing",
  batch: "the batch view: only recent events are counted",
  model: "models: they are being loaded",
  catalogue: "the catalogue: hidden items may be listed, titles may be missing",
  log: "the log: how far behind answers are is unknown",
};

export function Degraded({ parts }) {
  if (!parts?.length) return null;
  return html`<div class="note" role="status"><strong>Degraded.</strong> This answer lacks ${parts.map((part) => PARTS[part] ?? part).join("; ")}.</div>`;
}

// Shows ``children(data)``, or why it cannot. An error beside an older answer is a note above it.
export function Shown({ answer, lines, children }) {
  const { data, error, reload } = answer;
  if (!data) return error ? html`<${Failed} error=${error} reload=${reload} />` : html`<${Waiting} lines=${lines} />`;
  return html`${error && html`<div class="note bad" role="status"><strong>Not up to date.</strong> ${error.message}</div>`}
    <${Degraded} parts=${data.degraded} />${children(data)}`;
}
