// Light, dark, or what the system has.
import { store } from "./store.js";

const KEY = "millrace.theme";
const system = matchMedia("(prefers-color-scheme: dark)");

function chosen() {
  return document.documentElement.dataset.theme ?? (system.matches ? "dark" : "light");
}

export const theme = store(chosen());
system.addEventListener("change", () => theme.set(chosen()));

export function toggle() {
  const next = chosen() === "dark" ? "light" : "dark";
  document.documentElement.dataset.theme = next;
  try {
    localStorage.setItem(KEY, next);
  } catch { /* storage may be forbidden */ }
  theme.set(next);
}
