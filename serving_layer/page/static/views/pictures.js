// What looks like a picture that the reader sends; nothing of it is kept.
import { useAnswer, useItems } from "../lib/answer.js";
import { call } from "../lib/api.js";
import { number } from "../lib/format.js";
import { html, useEffect, useRef, useState } from "../lib/html.js";
import { linkTo } from "../lib/router.js";
import { Category, Item } from "../parts/item.js";
import { Meter } from "../parts/spark.js";
import { Degraded, Nothing, Panel, Prose, Shown, Waiting } from "../parts/states.js";

const ROWS = 12;
const NOTHING = { file: null, data: null, error: null };

// Sends the picture; of two that follow each other closely only the last one's answer is shown.
function useLook() {
  const [look, setLook] = useState(NOTHING);
  const under = useRef(null);
  useEffect(() => () => under.current?.abort(), []);

  async function send(file) {
    under.current?.abort();
    const mine = (under.current = new AbortController());
    setLook({ ...NOTHING, file });
    const body = new FormData();
    body.append("file", file);
    try {
      const data = await call("/similar-image", { method: "POST", params: { n: ROWS }, body, signal: mine.signal });
      setLook({ file, data, error: null });
    } catch (error) {
      if (error.name !== "AbortError") setLook({ file, data: null, error });
    }
  }
  return { ...look, send };
}

// The picture itself, where the browser can show its format.
function Preview({ file }) {
  const [source, setSource] = useState(null);
  useEffect(() => {
    const reader = new FileReader();
    setSource(null);
    reader.onload = () => setSource(reader.result);
    reader.readAsDataURL(file);
    return () => reader.abort();
  }, [file]);
  if (!source) return null;
  return html`<img class="preview" src=${source} alt="The picture that was sent" onError=${() => setSource(null)} />`;
}

function Choose({ send, file }) {
  const [over, setOver] = useState(false);
  const choose = (files) => files?.[0] && send(files[0]);
  const drop = (event) => {
    event.preventDefault();
    setOver(false);
    choose(event.dataTransfer.files);
  };
  return html`<div class=${over ? "drop over" : "drop"} onDragOver=${(event) => { event.preventDefault(); setOver(true); }} onDragLeave=${() => setOver(false)} onDrop=${drop}>
    ${file && html`<${Preview} file=${file} />`}
    <label class="field">Choose a picture, or drop one here
      <input type="file" accept="image/*" onChange=${(event) => { choose(event.target.files); event.target.value = ""; }} /></label>
    <p class="quiet">JPEG, PNG, WebP, GIF, BMP or TIFF, up to 10 MiB.</p></div>`;
}

function Alike({ data }) {
  const about = useItems(data.items.map((row) => row.item_id));
  if (!data.items.length) return html`<${Nothing} title="Nothing to list">Every item with a picture is hidden.<//>`;
  return html`<${Degraded} parts=${data.degraded} /><div class="scroll"><table>
    <thead><tr><th scope="col" class="rank"><span class="hidden">Rank</span></th><th scope="col">Item</th><th scope="col" class="narrow-off">Category</th><th scope="col" class="number">Likeness</th></tr></thead>
    <tbody>${data.items.map((row, at) => html`<tr key=${row.item_id} data-item=${row.item_id}><td class="rank">${at + 1}</td><td><${Item} id=${row.item_id} about=${about.get(row.item_id)} /></td>
      <td class="narrow-off"><${Category} row=${row} /></td><td class="number"><${Meter} share=${row.score} /> ${number(row.score, 2)}</td></tr>`)}</tbody></table></div>`;
}

function Found({ file, data, error }) {
  if (error) return html`<div role="alert"><${Nothing} title="No answer"><${Prose} text=${error.message} /><//></div>`;
  if (data) return html`<${Alike} data=${data} />`;
  if (file) return html`<${Waiting} lines=${6} />`;
  return html`<${Nothing} title="No picture yet">The items whose pictures look most like yours are listed here.<//>`;
}

function Looking({ pictures }) {
  const { send, file, data, error } = useLook();
  return html`<div class="grid two"><${Panel} flush title="Looks like it" about=${file ? `${file.name}, among ${number(pictures)} pictures` : `among ${number(pictures)} pictures`}>
      <${Found} file=${file} data=${data} error=${error} /><//>
    <${Panel} title="Your picture" about="it is looked at and not kept"><${Choose} send=${send} file=${file} /><//></div>`;
}

export function Pictures() {
  const answer = useAnswer("/pictures", {}, { follow: false });
  return html`<${Shown} answer=${answer}>${({ pictures }) => (pictures
    ? html`<${Looking} pictures=${pictures} />`
    : html`<section class="panel"><${Nothing} title="No pictures are indexed yet" action=${html`<a href=${linkTo("item")}>Look up an item by behaviour or words</a>`}>
        Run <code>millrace pictures index FOLDER</code> with a folder of pictures named after their items. This page takes them as soon as they are there.<//></section>`)}<//>`;
}
