// Where the groups are drawn: dagre for graphs that a reader can take in at once, else columns by position along the network.
import * as dagre from '@dagrejs/dagre';
import type { Graph } from './model';

export interface Place { x: number; y: number }
const DAGRE_UP_TO = 260;

/** Edges in the direction of the network, each pair once: what comes back (gradients) goes along the same line. */
function pairs(graph: Graph): [number, number][] {
  const { position } = graph.groups;
  const seen = new Set<number>(), list: [number, number][] = [];
  for (let i = 0; i < graph.edges.length; i += 3) {
    const [a, b] = [graph.edges[i], graph.edges[i + 1]];
    const [from, to] = position[a] < position[b] || (position[a] === position[b] && a < b) ? [a, b] : [b, a];
    const key = from * position.length + to;
    if (!seen.has(key)) {
      seen.add(key);
      list.push([from, to]);
    }
  }
  return list;
}
function byDagre(graph: Graph): Place[] {
  const g = new dagre.graphlib.Graph();
  g.setGraph({ rankdir: 'LR', ranksep: 34, nodesep: 16, ranker: 'tight-tree' });
  g.setDefaultEdgeLabel(() => ({}));
  graph.groups.name.forEach((_, i) => g.setNode(String(i), { width: 12, height: 12 }));
  pairs(graph).forEach(([from, to]) => g.setEdge(String(from), String(to)));
  dagre.layout(g);
  return levelled(graph.groups.name.map((_, i) => {
    const { x, y } = g.node(String(i)) as Place;
    return { x, y };
  }));
}
/** Long networks drift to one side of dagre's layout: without the trend they use the whole height. */
function levelled(places: Place[]): Place[] {
  const mean = (values: number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const mx = mean(places.map((p) => p.x)), my = mean(places.map((p) => p.y));
  const xx = mean(places.map((p) => (p.x - mx) ** 2)), xy = mean(places.map((p) => (p.x - mx) * (p.y - my)));
  const slope = xx > 0 ? xy / xx : 0;
  return places.map(({ x, y }) => ({ x, y: y - slope * (x - mx) }));
}
/** A column per position; within it in the order of the mean of the neighbours to the left. */
function byColumns(graph: Graph): Place[] {
  const { position } = graph.groups;
  const before: number[][] = position.map(() => []);
  pairs(graph).forEach(([from, to]) => before[to].push(from));
  const places: Place[] = position.map((x) => ({ x, y: 0 }));
  const columns = new Map<number, number[]>();
  position.forEach((x, i) => {
    const column = columns.get(x);
    if (column) column.push(i);
    else columns.set(x, [i]);
  });
  for (const x of [...columns.keys()].sort((a, b) => a - b)) {
    const column = columns.get(x)!;
    const wish = new Map(column.map((i) => [i, before[i].length ? before[i].reduce((sum, j) => sum + places[j].y, 0) / before[i].length : 0]));
    column.sort((a, b) => wish.get(a)! - wish.get(b)! || a - b);
    column.forEach((i, at) => { places[i].y = at - (column.length - 1) / 2; });
  }
  return places;
}
export const layOut = (graph: Graph): Place[] => (graph.groups.name.length <= DAGRE_UP_TO ? byDagre(graph) : byColumns(graph));
