// Values with the units of Grafana that the dashboards have.

const number = (value, digits) => {
  const text = value.toPrecision(digits);
  return text.includes("e") ? String(Number(text)) : text.includes(".") ? text.replace(/\.?0+$/, "") : text;
};
const figure = (value) => (Math.abs(value) >= 1000 ? String(Math.round(value)) : number(value, 3));

const scaled = (base, names, tail = "") => (value) => {
  if (value === 0) return `0 ${names[0]}${tail}`.trim();
  let step = 0;
  while (step < names.length - 1 && Math.abs(value) >= base * 0.9995) { value /= base; step++; }
  return `${figure(value)} ${names[step]}${tail}`.trim();
};
const thousands = (value) => (value !== 0 && Math.abs(value) < 1000 ? figure(value)
  : scaled(1000, ["", "K", "M", "B", "T"])(value).replace(" ", ""));

function seconds(value) {
  const size = Math.abs(value);
  if (size === 0) return "0 s";
  if (size < 1e-6) return `${figure(value * 1e9)} ns`;
  if (size < 1e-3) return `${figure(value * 1e6)} µs`;
  if (size < 1) return `${figure(value * 1e3)} ms`;
  if (size < 60) return `${figure(value)} s`;
  if (size < 3600) return `${figure(value / 60)} min`;
  return size < 86400 ? `${figure(value / 3600)} h` : `${figure(value / 86400)} d`;
}

const suffixed = (suffix) => (value) => `${thousands(value)} ${suffix}`;
const BINARY = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
const DECIMAL = ["B", "kB", "MB", "GB", "TB", "PB"];
const BITS = ["b", "kb", "Mb", "Gb", "Tb"];

// unit -> [text, what the panel's head says, whether an axis leaves the unit away]
const UNITS = {
  s: [seconds, ""],
  ms: [(value) => seconds(value / 1e3), ""],
  "µs": [(value) => seconds(value / 1e6), ""],
  ns: [(value) => seconds(value / 1e9), ""],
  bytes: [scaled(1024, BINARY), "", false, true],
  decbytes: [scaled(1000, DECIMAL), ""],
  bits: [scaled(1000, BITS), ""],
  Bps: [scaled(1000, DECIMAL, "/s"), ""],
  binBps: [scaled(1024, BINARY, "/s"), "", false, true],
  bps: [scaled(1000, BITS, "/s"), ""],
  reqps: [suffixed("req/s"), "req/s", true],
  cps: [suffixed("/s"), "per second", true],
  ops: [suffixed("ops/s"), "ops/s", true],
  percentunit: [(value) => `${figure(value * 100)} %`, ""],
  percent: [(value) => `${figure(value)} %`, ""],
  celsius: [suffixed("°C"), "°C", true],
  volt: [suffixed("V"), "V", true],
  amp: [suffixed("A"), "A", true],
  joule: [suffixed("J"), "J", true],
  watt: [suffixed("W"), "W", true],
  lengthm: [suffixed("m"), "m", true],
  massg: [suffixed("g"), "g", true],
  hertz: [suffixed("Hz"), "Hz", true],
};

/** A value in words: "12 ms". What is no number is "–". */
export function format(value, unit) {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  if (!Number.isFinite(value)) return value > 0 ? "+Inf" : "-Inf";
  return (UNITS[unit]?.[0] ?? thousands)(value);
}

/** The same beside an axis, without a unit that the panel's head has. */
export const formatTick = (value, unit) => (UNITS[unit]?.[2] ? thousands(value) : format(value, unit));

/** What the panel's head says of the unit, "" where each value says it. */
export const headOf = (unit) => UNITS[unit]?.[1] ?? "";

/** Whether steps of an axis are powers of two. */
export const isBinary = (unit) => Boolean(UNITS[unit]?.[3]);

/** The top of an axis where every value is 0. */
export const smallTop = (unit) => ({ s: 0.1, bytes: 1024 })[unit] ?? 1;

/** A span of time in words: "2 m", "20 s". */
export const span = (of) => (of % 3600 === 0 ? `${of / 3600} h` : of % 60 === 0 ? `${of / 60} m` : `${of} s`);
