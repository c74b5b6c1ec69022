// Addresses of views: #/view/id?name=value. Ids may hold any character; each part is encoded by itself.
import { store } from "./store.js";

function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

function read() {
  const [path, query] = location.hash.replace(/^#\/?/, "").split("?", 2);
  const [view, ...ids] = path.split("/").map(decoded);
  return { view: view || "overview", ids, params: new URLSearchParams(query ?? "") };
}

export const route = store(read());
addEventListener("hashchange", () => route.set(read()));

export function linkTo(view, ids = [], params = {}) {
  const known = Object.entries(params).filter(([, value]) => value);
  const query = new URLSearchParams(known).toString();
  return `#/${[view, ...ids].map(encodeURIComponent).join("/")}${query ? `?${query}` : ""}`;
}

export function go(view, ids, params) {
  location.hash = linkTo(view, ids, params);
}

// Changes the parameters of the present view without a step in the browser's history.
export function adjust(changes) {
  const { view, ids, params } = route.get();
  history.replaceState(null, "", linkTo(view, ids, { ...Object.fromEntries(params), ...changes }));
  route.set(read());
}
