// Numbers as the command prints them (experiments/format.cc, FormatBytes).

export type Unit = 's' | 'ms' | 'us';
const perSecond: Record<Unit, number> = { s: 1, ms: 1e3, us: 1e6 };

/** One unit for numbers that are compared. */
export function unitFor(seconds: number[]): Unit {
  let smallest = Infinity, largest = 0;
  for (const time of seconds) {
    if (time > 0) {
      smallest = Math.min(smallest, time);
      largest = Math.max(largest, time);
    }
  }
  if (largest >= 10 || smallest >= 1) return largest > 0 ? 's' : 'ms';
  return largest >= 10e-3 || smallest >= 1e-3 ? 'ms' : 'us';
}
export const inUnit = (seconds: number, unit: Unit): number => seconds * perSecond[unit];
export function formatTime(seconds: number, unit: Unit = unitFor([seconds])): string {
  return `${inUnit(seconds, unit).toFixed(3)} ${unit}`;
}
export function formatBytes(bytes: number): string {
  if (Math.abs(bytes) < 1000) return `${bytes} B`;
  const units = ['kB', 'MB', 'GB', 'TB', 'PB', 'EB'];
  let value = bytes / 1000, unit = 0;
  while (Math.abs(value) >= 999.995 && unit + 1 < units.length) {
    value /= 1000;
    unit += 1;
  }
  return `${value.toFixed(2)} ${units[unit]}`;
}
export const formatCount = (count: number): string => String(count).replace(/\B(?=(\d{3})+$)/g, ',');
export const formatPercent = (share: number): string => `${(share * 100).toFixed(1)} %`;
export const formatChange = (share: number): string =>
  Math.abs(share) < 0.0005 ? '0.0 %' : `${share > 0 ? '+' : ''}${(share * 100).toFixed(1)} %`;
/** Of an axis: no more digits than needed. */
export const formatTick = (value: number): string => String(Number(value.toPrecision(6)));
/** Smallest and largest. V8 does not take a long list as the arguments of Math.max. */
export function extent(values: number[]): [number, number] {
  let low = Infinity, high = -Infinity;
  for (const value of values) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  return [low, high];
}
export const picoseconds = (time: number): number => time * 1e-12;
