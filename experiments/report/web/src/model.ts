// What experiments/report/report_json.cc writes, and the long lists in it unpacked. Times are picoseconds unless a name says seconds.

export interface Change { mean: number; text: string; low?: number; high?: number; interval_text?: string }
export interface Spread { mean: number; min: number; max: number; deviation: number }
export interface Trial { seed: number; feasible: boolean; complete: boolean; step_seconds: number; text: string; samples: number; curve: number[] }
export interface Method { label: string; computed_here: boolean; uses_budget: boolean; budget_samples: number; budget_seconds: number | null; trials: Trial[] }
export interface Row {
  method: number; step_seconds: Spread | null; mean_text: string; min_text: string; max_text: string; gap_text: string;
  vs_heuristic: Change | null; vs_annealing: Change | null; samples_text: string; unique_text: string; wall_text: string;
  feasible: number; trials: number;
}
export interface Device { name: string; kind: string; color: string }
export interface Graph {
  groups: { name: string[]; num_ops: number[]; position: number[]; resident_bytes: number[]; output_bytes: number[] };
  edges: number[];
  ops: { shared: number[]; rest: string[]; types: string[]; type: number[]; group: number[]; bytes: number[] };
}
export interface Busy { name: string; busy_share: number; busy_text: string; busy_share_text: string }
export interface DeviceUse extends Busy {
  kind: string; peak_bytes: number; capacity_bytes: number; peak_text: string; capacity_text: string; memory_share_text: string;
}
export interface ChainShare { kind: 'device' | 'link' | 'idle'; name: string; share: number; text: string; time_text: string }
export interface Step {
  feasible: boolean; reason?: string; step_time_seconds: number; step_time_text: string; bound_text: string; gap_text: string; moved_text: string;
  devices: DeviceUse[]; links: Busy[]; critical_chain: ChainShare[]; limits: string[];
}
export interface TimelineRow { name: string; channel: boolean; spans: number[] }
export interface Timeline { rows: TimelineRow[]; kinds: { name: string; color: string }[]; left_out: number }
export interface Plan {
  label: string; method: number; seed: number; device_of_group: number[]; time_of_group: number[]; step: Step;
  timeline: Timeline | null; memory: number[][];
}
export interface Source { method: string; path: string; command: string; config: string; environments: [string, string][][] }
export interface Facts {
  graph: string; cluster: string; ops: number; groups: number; devices: number; objective: string; graph_fingerprint: string; cluster_fingerprint: string;
  best_single_device?: { device: string; step_time_seconds: number }; work_over_critical_path?: number;
}
export interface Problem {
  name: string; facts: Facts | null; devices: Device[]; methods: Method[]; rows: Row[]; best_heuristic: number | null;
  lines: { label: string; seconds: number }[]; bound_seconds: number | null; bound_text: string | null; head_room: string;
  graph: Graph | null; plans: Plan[]; notes: string[]; sources: Source[];
}
export interface Report { format: string; title: string; command: string; environment: [string, string][]; problems: Problem[] }

/** Names of ops, each stored as what it does not share with the one before. */
export function opNames(graph: Graph): string[] {
  const names: string[] = [];
  let before = '';
  graph.ops.rest.forEach((rest, i) => {
    before = before.slice(0, graph.ops.shared[i]) + rest;
    names.push(before);
  });
  return names;
}

export interface Span {
  row: number; kind: number; start: number; end: number; op: number; critical: boolean;
  copy: { bytes: number; device: number; waited: number } | null;
}
export function spansOf(timeline: Timeline): Span[][] {
  return timeline.rows.map(({ channel, spans: flat }, row) => {
    const spans: Span[] = [];
    let last = 0;
    for (let i = 0; i < flat.length; i += channel ? 8 : 5) {
      const start = last + flat[i + 1];
      last = start + flat[i + 2];
      spans.push({
        row, kind: flat[i], start, end: last, op: flat[i + 3], critical: flat[i + 4] === 1,
        copy: channel ? { bytes: flat[i + 5], device: flat[i + 6], waited: flat[i + 7] } : null,
      });
    }
    return spans;
  });
}

/** [time, bytes] pairs of a device. */
export function memoryOf(flat: number[]): [number, number][] {
  const points: [number, number][] = [];
  let time = 0;
  for (let i = 0; i < flat.length; i += 2) points.push([(time += flat[i]), flat[i + 1]]);
  return points;
}
