// Numbers, times and lengths of time as text. What is unknown is a dash.
const NONE = "–";
const whole = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });
const formats = new Map();

function known(value) {
  return value !== null && value !== undefined && Number.isFinite(value);
}

export function number(value, digits = 0) {
  if (!known(value)) return NONE;
  if (!digits) return whole.format(value);
  if (!formats.has(digits)) {
    formats.set(digits, new Intl.NumberFormat("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits }));
  }
  return formats.get(digits).format(value);
}

// As many digits as matter: 0.034, 1.25, 12.5, 340.
export function figure(value) {
  if (!known(value)) return NONE;
  const size = Math.abs(value);
  if (size === 0 || Number.isInteger(value)) return whole.format(value);
  return number(value, size < 0.1 ? 4 : size < 1 ? 3 : size < 10 ? 2 : size < 100 ? 1 : 0);
}

export function percent(share, digits = 0) {
  return known(share) ? `${number(100 * share, digits)} %` : NONE;
}

export function signed(value, digits = 1) {
  return known(value) ? `${value < 0 ? "−" : "+"}${number(Math.abs(value), digits)}` : NONE;
}

export function lasting(seconds) {
  if (!known(seconds)) return NONE;
  if (seconds < 1) return `${number(1000 * seconds)} ms`;
  if (seconds < 90) return `${number(seconds, seconds < 10 ? 1 : 0)} s`;
  if (seconds < 5400) return `${number(seconds / 60)} min`;
  return seconds < 172800 ? `${number(seconds / 3600)} h` : `${number(seconds / 86400)} d`;
}

export function clock(ms) {
  return known(ms) ? new Date(ms).toLocaleTimeString("en-GB") : NONE;
}

export function moment(ms) {
  if (!known(ms)) return NONE;
  return new Date(ms).toLocaleString("en-GB", { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
}

export function since(ms, now = Date.now()) {
  if (!known(ms)) return NONE;
  const seconds = (now - ms) / 1000;
  return seconds < 5 ? "just now" : `${lasting(seconds)} ago`;
}
