// The stream of frames: one for the whole page, closed while the page is hidden, opened again when it breaks.
// It is read by fetch, since EventSource cannot send a key.
import { access, refused, request } from "./api.js";
import { store } from "./store.js";

const KEPT_SAMPLES = 600;
const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 8000;

// state: connecting, live, paused, lost. frame: the newest one. samples: those of the last minutes.
export const live = store({ state: "connecting", frame: null, samples: [], why: "" });
// Changes with each commit that answers hold; views ask again when it does.
export const commit = store("");

let stream = null;
let pause = FIRST_PAUSE;
let again = 0;

export function start() {
  document.addEventListener("visibilitychange", () => (document.hidden ? hold() : open()));
  access.watch(({ asked }) => (asked ? close() : open()));
  if (document.hidden) hold();
  else open();
}

function change(part) {
  live.set({ ...live.get(), ...part });
}

function close() {
  clearTimeout(again);
  stream?.abort();
  stream = null;
}

function hold() {
  close();
  change({ state: "paused" });
}

async function open() {
  close();
  const mine = (stream = new AbortController());
  if (live.get().state !== "lost") change({ state: "connecting" });
  try {
    const response = await request("/api/v1/live", { signal: mine.signal, accept: "text/event-stream" });
    if (!response.ok) throw await refused(response);
    pause = FIRST_PAUSE;
    await read(response.body.getReader());
    lost(mine, "The stream ended.");
  } catch (error) {
    lost(mine, error.status ? error.message : "The server does not answer.", error.status);
  }
}

function lost(mine, why, status) {
  if (mine !== stream || status === 401) return;
  change({ state: "lost", why });
  again = setTimeout(open, pause);
  pause = Math.min(2 * pause, LONGEST_PAUSE);
}

async function read(reader) {
  const decoder = new TextDecoder();
  let text = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    text += decoder.decode(value, { stream: true });
    const parts = text.split("\n\n");
    text = parts.pop();
    for (const part of parts) take(part);
  }
}

function take(part) {
  const data = part
    .split("\n")
    .filter((line) => line.startsWith("data: "))
    .map((line) => line.slice(6))
    .join("\n");
  if (!data) return;
  const frame = JSON.parse(data);
  const samples = [...live.get().samples, ...frame.samples].slice(-KEPT_SAMPLES);
  live.set({ state: "live", frame, samples, why: "" });
  const seen = JSON.stringify([frame.trending?.fresh_to, frame.trending?.generation, frame.trending?.degraded]);
  if (seen !== commit.get()) commit.set(seen);
}
