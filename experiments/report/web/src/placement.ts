// The groups of the model, coloured by device; hover, search, pan and zoom.
import { axis, dot, h, mount, tip, type Mounted, type Option } from './chart';
import { extent, formatBytes, formatCount, formatTime, picoseconds } from './format';
import { listenToKeys, zoomButtons } from './keyboard';
import { layOut, type Place } from './layout';
import { opNames, type Plan, type Problem } from './model';
import { colors } from './theme';

const MAX_FOUND = 30;
/** The end of a name that says something: `conv/2` rather than `2`. */
function shortName(name: string): string {
  const parts = name.split('/');
  const end = parts[parts.length - 1];
  return (end.length < 3 && parts.length > 1 ? `${parts[parts.length - 2]}/${end}` : end).slice(0, 16);
}
const layouts = new WeakMap<object, Place[]>();

export function placement(problem: Problem, plan: Plan): [HTMLElement, Mounted[]] | null {
  const graph = problem.graph;
  if (!graph) return null;
  const places = layouts.get(graph) ?? layOut(graph);
  layouts.set(graph, places);
  const { groups } = graph;
  const names = opNames(graph), large = places.length > 400;
  const longest = Math.max(1, extent(plan.time_of_group)[1]);
  const size = (g: number): number => (large ? 3 : 7) + (large ? 9 : 19) * Math.sqrt(Math.max(0, plan.time_of_group[g]) / longest);
  const line = (edge: number): Option => ({ coords: [graph.edges[edge], graph.edges[edge + 1]].map((g) => [places[g].x, places[g].y]) });
  const same: Option[] = [], cut: Option[] = [], edgesOf: number[][] = places.map(() => []);
  for (let i = 0; i < graph.edges.length; i += 3) {
    const [a, b] = [graph.edges[i], graph.edges[i + 1]];
    (plan.device_of_group[a] === plan.device_of_group[b] ? same : cut).push(line(i));
    edgesOf[a].push(i);
    edgesOf[b].push(i);
  }
  function facts(g: number): [string, string][] {
    let received = 0, sent = 0;
    for (const i of edgesOf[g]) {
      if (plan.device_of_group[graph!.edges[i]] === plan.device_of_group[graph!.edges[i + 1]]) continue;
      if (graph!.edges[i] === g) sent += graph!.edges[i + 2];
      else received += graph!.edges[i + 2];
    }
    return [['device', problem.devices[plan.device_of_group[g]].name], ['time', formatTime(picoseconds(plan.time_of_group[g]))], ['ops', formatCount(groups.num_ops[g])],
      ['outputs', formatBytes(groups.output_bytes[g])], ['held for the whole step', formatBytes(groups.resident_bytes[g])],
      ['from other devices', formatBytes(received)], ['to other devices', formatBytes(sent)]];
  }
  const xs = places.map((p) => p.x), ys = places.map((p) => p.y);
  const range = (values: number[]): [number, number] => {
    const [low, high] = extent(values);
    const margin = Math.max((high - low) * 0.03, 0.5);
    return [low - margin, high + margin];
  };
  const [x0, x1] = range(xs), [y0, y1] = range(ys);
  const dots = problem.devices.map((_, d) => places.flatMap((p, g) => (plan.device_of_group[g] === d ? [[p.x, p.y, g]] : [])));
  let selected: number | null = null;

  const chart = mount(520, 'Groups of the model along the network, coloured by device. Arrow keys pan, plus and minus zoom, 0 shows all.', 'placement-chart', (narrow): Option => {
    const { soft, ink, alarm, card, accent } = colors();
    const hidden = { show: false };
    const lines = (data: Option[], color: string, opacity: number, width: number): Option => ({ type: 'lines', coordinateSystem: 'cartesian2d', data, silent: true, large, largeThreshold: 400, clip: true,
      symbol: 'none', lineStyle: { color, opacity, width, curveness: 0 }, progressive: 0, z: 1 });
    return {
      grid: { left: 4, right: 4, top: narrow ? 58 : 34, bottom: 4 },
      legend: { top: 0, left: 0, type: 'scroll', textStyle: { color: soft }, icon: 'roundRect', itemWidth: 12, itemHeight: 12, data: problem.devices.map((device) => device.name) },
      xAxis: axis({ type: 'value', min: x0, max: x1, ...hidden }), yAxis: axis({ type: 'value', inverse: true, min: y0, max: y1, ...hidden }),
      dataZoom: [{ type: 'inside', xAxisIndex: 0, filterMode: 'none', zoomOnMouseWheel: 'ctrl', moveOnMouseMove: true, minSpan: 0.5 },
        { type: 'inside', yAxisIndex: 0, filterMode: 'none', zoomOnMouseWheel: 'ctrl', moveOnMouseMove: true, minSpan: 0.5 }],
      tooltip: { trigger: 'item', formatter: ({ data }: { data: number[] }) => tip(groups.name[data[2]], facts(data[2])) },
      series: [lines(same, soft, large ? 0.12 : 0.35, 1), lines(cut, alarm, large ? 0.22 : 0.55, large ? 0.7 : 1.3),
        { ...lines(selected === null ? [] : edgesOf[selected].map(line), accent, 0.95, 2), large: false, id: 'near', z: 2 },
        ...problem.devices.map((device, d) => ({
          type: 'scatter', name: device.name, data: dots[d], itemStyle: { color: device.color, borderColor: card, borderWidth: large ? 0 : 1 }, z: 3, clip: true, progressive: 0,
          symbol: 'circle', symbolSize: (value: number[]) => size(value[2]),
          label: { show: !large && places.length <= 130 && !narrow, position: 'bottom', distance: 2, fontSize: 10, color: soft, formatter: ({ data }: { data: number[] }) => shortName(groups.name[data[2]]) },
          labelLayout: { hideOverlap: true }, emphasis: { scale: 1.35, itemStyle: { borderColor: ink, borderWidth: 2 } },
        }))],
    };
  });
  const details = h('div', { class: 'details', 'aria-live': 'polite', id: 'placement-details' }, 'Point at a group, tap it, or search by name.');
  function select(g: number): void {
    selected = g;
    chart.chart.setOption({ series: [{ id: 'near', data: edgesOf[g].map(line) }] });
    details.replaceChildren(dot(problem.devices[plan.device_of_group[g]].color), h('b', {}, groups.name[g]), ' \u00b7 ', facts(g).map(([word, value]) => `${word} ${value}`).join(' \u00b7 '));
  }
  function show(g: number): void {
    const around = (at: number, low: number, high: number): Option => ({ startValue: Math.max(low, at - (high - low) * 0.12), endValue: Math.min(high, at + (high - low) * 0.12) });
    chart.chart.dispatchAction({ type: 'dataZoom', batch: [{ dataZoomIndex: 0, ...around(places[g].x, x0, x1) }, { dataZoomIndex: 1, ...around(places[g].y, y0, y1) }] });
    select(g);
    const device = plan.device_of_group[g];
    chart.chart.dispatchAction({ type: 'showTip', seriesIndex: 3 + device, dataIndex: dots[device].findIndex((each) => each[2] === g) });
  }
  const section = h('section', { id: 'placement' }, h('h2', {}, 'Placement'),
    h('p', { class: 'hint' }, 'A dot is a group of ops that share a device, larger where it takes more time; from left to right along the network. Orange lines cross devices. Drag to pan, Ctrl and wheel to zoom.'),
    h('div', { class: 'bar' }, searchBox(groups.name, names, graph.ops.group, show), zoomButtons(chart, [0, 1], 'the placement')), chart.element, details);
  chart.ready = (ready) => {
    for (const event of ['mouseover', 'click']) ready.on(event, 'series.scatter', (params: unknown) => select((params as { data: number[] }).data[2]));
  };
  listenToKeys(chart, [0, 1]);
  return [section, [chart]];
}

function searchBox(groups: string[], ops: string[], groupOfOp: number[], show: (group: number) => void): HTMLElement {
  const input = h('input', { type: 'search', id: 'search', placeholder: 'Search groups and ops by name', 'aria-label': 'Search groups and ops by name', role: 'combobox',
    'aria-controls': 'found', 'aria-expanded': 'false', autocomplete: 'off' }) as HTMLInputElement;
  const list = h('ul', { class: 'found', id: 'found', role: 'listbox', hidden: '' });
  let found: { text: string; group: number }[] = [], at = -1;
  function close(): void {
    list.hidden = true;
    input.setAttribute('aria-expanded', 'false');
  }
  function choose(index: number): void {
    if (!found[index]) return;
    close();
    show(found[index].group);
  }
  function mark(index: number): void {
    at = index;
    [...list.children].forEach((item, i) => item.setAttribute('aria-selected', String(i === at)));
    list.children[at]?.scrollIntoView({ block: 'nearest' });
  }
  input.addEventListener('input', () => {
    const wanted = input.value.trim().toLowerCase();
    found = [];
    for (let i = 0; wanted && i < groups.length && found.length < MAX_FOUND; i++) {
      if (groups[i].toLowerCase().includes(wanted)) found.push({ text: groups[i], group: i });
    }
    for (let i = 0; wanted && i < ops.length && found.length < MAX_FOUND; i++) {
      if (ops[i].toLowerCase().includes(wanted) && ops[i] !== groups[groupOfOp[i]]) found.push({ text: ops[i], group: groupOfOp[i] });
    }
    list.replaceChildren(...(found.length || !wanted ? [] : [h('li', { 'aria-disabled': 'true' }, 'nothing of that name')]), ...found.map(({ text, group }, i) => {
      const item = h('li', { role: 'option', 'aria-selected': 'false' }, text, text === groups[group] ? '' : h('small', {}, ` in ${groups[group]}`));
      item.addEventListener('mousedown', (event) => { event.preventDefault(); choose(i); });
      return item;
    }));
    list.hidden = !wanted;
    input.setAttribute('aria-expanded', String(!list.hidden));
    mark(found.length ? 0 : -1);
  });
  input.addEventListener('keydown', (event) => {
    if (event.key === 'ArrowDown') mark(Math.min(at + 1, found.length - 1));
    else if (event.key === 'ArrowUp') mark(Math.max(at - 1, 0));
    else if (event.key === 'Enter') choose(at);
    else if (event.key === 'Escape') close();
    else return;
    event.preventDefault();
  });
  input.addEventListener('blur', close);
  return h('div', { class: 'grow' }, input, list);
}
