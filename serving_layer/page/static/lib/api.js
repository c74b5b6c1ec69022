// Requests to /api/v1. The key, where one is asked for, is kept for this tab alone.
import { store } from "./store.js";

const KEY = "millrace.key";
const ROOT = "/api/v1";

function kept() {
  try {
    return sessionStorage.getItem(KEY) ?? "";
  } catch {
    return "";
  }
}

export const access = store({ key: kept(), asked: false, why: "" });

export function useKey(key) {
  try {
    if (key) sessionStorage.setItem(KEY, key);
    else sessionStorage.removeItem(KEY);
  } catch { /* storage may be forbidden: the key lasts as long as the page */ }
  access.set({ key, asked: false, why: "" });
}

export function askForKey(why) {
  access.set({ ...access.get(), asked: true, why });
}

// What the server says is wrong, as a sentence that names the remedy; status 0: it cannot be reached.
export class Problem extends Error {
  constructor(status, detail, document = {}) {
    super(detail);
    this.status = status;
    this.document = document;
  }
}

export function pathOf(...parts) {
  return `/${parts.map(encodeURIComponent).join("/")}`;
}

function query(params) {
  const pairs = new URLSearchParams();
  for (const [name, value] of Object.entries(params ?? {})) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== undefined && one !== null && one !== "") pairs.append(name, one);
    }
  }
  const text = pairs.toString();
  return text ? `?${text}` : "";
}

export function urlOf(path, params) {
  return ROOT + path + query(params);
}

export function request(url, { method = "GET", body, signal, accept } = {}) {
  const { key } = access.get();
  const headers = key ? { Authorization: `Bearer ${key}` } : {};
  if (accept) headers.Accept = accept;
  if (body === undefined || body instanceof FormData) return fetch(url, { method, headers, signal, body });
  headers["Content-Type"] = "application/json";
  return fetch(url, { method, headers, signal, body: JSON.stringify(body) });
}

export async function refused(response) {
  let document = {};
  try {
    document = await response.json();
  } catch { /* a proxy's own page */ }
  const problem = new Problem(response.status, document.detail ?? `The server answered ${response.status}.`, document);
  if (response.status === 401) askForKey(access.get().key ? problem.message : "");
  return problem;
}

export async function call(path, { params, ...rest } = {}) {
  let response;
  try {
    response = await request(urlOf(path, params), rest);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(0, "The server does not answer.");
  }
  if (!response.ok) throw await refused(response);
  return response.json();
}
