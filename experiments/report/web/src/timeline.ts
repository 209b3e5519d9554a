// What every device and link did during the step. What is shorter than a pixel is drawn together until the reader zooms in.
import { axis, button, echarts, h, mount, slider, tip, dot, zoomsOf, type Mounted, type Option } from './chart';
import { formatBytes, formatTick, formatTime, inUnit, picoseconds, unitFor } from './format';
import { listenToKeys, panBy, zoomButtons } from './keyboard';
import { opNames, spansOf, type Plan, type Problem, type Span } from './model';
import { colors } from './theme';

/** One bar: a span, or several that are too short to stand alone. */
interface Bar { row: number; kind: number; start: number; end: number; critical: boolean; spans: Span[] }

/** Spans of a window as bars of at least a pixel. */
function barsOf(rows: Span[][], from: number, to: number, pixel: number): Bar[] {
  const bars: Bar[] = [];
  for (const spans of rows) {
    let open: Bar | null = null;
    for (const span of spans) {
      if (span.end < from || span.start > to || span.end === span.start) continue;
      const short: boolean = span.end - span.start < 2 * pixel;
      if (open && short && span.start - open.end < pixel && open.end - open.start < 6 * pixel && open.kind === span.kind && open.critical === span.critical) {
        open.end = span.end;
        open.spans.push(span);
        continue;
      }
      const bar: Bar = { row: span.row, kind: span.kind, start: span.start, end: span.end, critical: span.critical, spans: [span] };
      open = short ? bar : null;
      bars.push(bar);
    }
  }
  return bars;
}

export function timeline(problem: Problem, plan: Plan): [HTMLElement, Mounted[]] | null {
  if (!plan.timeline) return null;
  const { kinds, rows: rowNames, left_out: leftOut } = plan.timeline;
  const rows = spansOf(plan.timeline), step = plan.step.step_time_seconds * 1e12;
  const unit = unitFor([plan.step.step_time_seconds]);
  const ms = (time: number): number => inUnit(picoseconds(time), unit);
  const names = problem.graph ? opNames(problem.graph) : [];
  const used = [...new Set(rows.flatMap((spans) => spans.map((span) => span.kind)))].sort((a, b) => a - b);
  let bars: Bar[] = [], onlyCritical = false;

  /** The part of the step that is shown. */
  function inView(): [number, number] {
    const [zoom] = zoomsOf(chart.chart);
    return zoom ? [(zoom.start / 100) * step, (zoom.end / 100) * step] : [0, step];
  }
  function data(): number[][] {
    const [from, to] = inView();
    bars = barsOf(rows, from, to, (to - from) / chart.chart.getWidth());
    return bars.map((bar, i) => [ms(bar.start), bar.row, ms(bar.end), i]);
  }
  function details(spans: Span[]): HTMLElement {
    if (spans.length > 1) {
      const busy = spans.reduce((sum, span) => sum + span.end - span.start, 0);
      return tip(`${spans.length} short ones, ${kinds[spans[0].kind].name}`, [['busy', formatTime(picoseconds(busy))], ['', 'zoom in to tell them apart']]);
    }
    const [span] = spans, op = names[span.op] ?? `op ${span.op}`;
    const group = problem.graph && names.length ? problem.graph.groups.name[problem.graph.ops.group[span.op]] : null;
    const lines: [string, string][] = [['time', formatTime(picoseconds(span.end - span.start))], ['from', formatTime(picoseconds(span.start))]];
    if (span.copy) {
      lines.push(['bytes', formatBytes(span.copy.bytes)], ['to', problem.devices[span.copy.device].name], ['waited for the link', formatTime(picoseconds(span.copy.waited))]);
    } else {
      lines.push(['device', rowNames[span.row].name]);
      if (names.length) lines.push(['outputs', formatBytes(problem.graph!.ops.bytes[span.op])]);
    }
    if (group && group !== op) lines.push(['group', group]);
    lines.push(['', kinds[span.kind].name + (span.critical ? ', on the critical path' : '')]);
    return tip(span.copy ? `output of ${op}` : op, lines);
  }
  const height = 110 + rows.length * 30;
  const chart = mount(height, 'Timeline of the step. Left and right pan, plus and minus zoom, 0 shows all. N and P tell of the next and the previous op or copy of a row, up and down of the row beside.', 'timeline-chart', (narrow): Option => {
    const { ink, alarm, soft } = colors();
    const left = narrow ? 92 : 210;
    return {
      grid: { left, right: 16, top: 8, bottom: 68 },
      xAxis: axis({ type: 'value', min: 0, max: ms(step), name: `time (${unit})`, nameLocation: 'middle', nameGap: 24, axisLabel: { formatter: formatTick, showMaxLabel: false } }),
      yAxis: axis({ type: 'category', inverse: true, data: rowNames.map((row) => row.name), axisLabel: { color: ink, interval: 0, width: left - 12, overflow: 'truncate', hideOverlap: false }, splitLine: { show: true, lineStyle: { color: soft, opacity: 0.15 } } }),
      dataZoom: [{ type: 'inside', xAxisIndex: 0, filterMode: 'none', zoomOnMouseWheel: 'ctrl', moveOnMouseMove: true, minSpan: 0.01 }, { ...slider(), xAxisIndex: 0, filterMode: 'none', left, right: 16, minSpan: 0.01 }],
      tooltip: { trigger: 'item', formatter: ({ data: at }: { data: number[] }) => details(bars[at[3]].spans) },
      series: [{
        id: 'bars', type: 'custom', clip: true, data: data(), encode: { x: [0, 2], y: 1 }, progressive: 0,
        renderItem: (params: Option, api: Option) => {
          const bar = bars[api.value(3)];
          const [x0, y] = api.coord([api.value(0), api.value(1)]), [x1] = api.coord([api.value(2), api.value(1)]);
          const thick = api.size([0, 1])[1] * 0.66;
          const shape = echarts.graphic.clipRectByRect({ x: x0, y: y - thick / 2, width: Math.max(x1 - x0, 0.8), height: thick }, params.coordSys);
          if (!shape || !bar) return undefined;
          const fill = { type: 'rect', shape, style: { fill: kinds[bar.kind].color, opacity: onlyCritical && !bar.critical ? 0.16 : 1 }, emphasis: { style: { stroke: ink, lineWidth: 1.5 } } };
          return bar.critical ? { type: 'group', children: [fill, { type: 'rect', silent: true, shape: { ...shape, y: shape.y + shape.height + 1, height: 3.5 }, style: { fill: alarm } }] } : fill;
        },
      }],
    };
  });
  // Keys go from one op or copy to another, also where several are drawn as one bar: along a row, or to what the row beside does at that time.
  const box = h('div', { class: 'details', 'aria-live': 'polite', id: 'timeline-details' },
    'Point at a bar, or tap it. By keyboard: n and p for the next and the previous one of the row, up and down for the row beside.');
  let visited: Span | null = null;
  const stops = (row: number): Span[] => rows[row].filter((span) => span.end > span.start);
  function outline(): void {
    const at = bars.findIndex((bar) => visited !== null && bar.spans.includes(visited));
    chart.chart.dispatchAction({ type: 'downplay', seriesIndex: 0 });
    if (at >= 0) chart.chart.dispatchAction({ type: 'highlight', seriesIndex: 0, dataIndex: at });
  }
  function visit(span: Span | undefined): void {
    if (!span) return;
    visited = span;
    box.replaceChildren(details([span]));
    const [from, to] = inView(), middle = (span.start + span.end) / 2;
    if (middle < from || middle > to) panBy(chart.chart, (middle - (from + to) / 2) / (to - from), 0);
    else outline();
  }
  function along(by: 1 | -1): void {
    const [from, to] = inView();
    const isShown = (span: Span): boolean => span.end >= from && span.start <= to;
    if (visited && isShown(visited)) {
      const row = stops(visited.row);
      visit(row[row.indexOf(visited) + by]);
    } else {
      const first = (row: number): Span | undefined => stops(row).find(isShown);
      visit((visited && first(visited.row)) ?? rows.map((_, row) => first(row)).find((span) => span !== undefined));
    }
  }
  function beside(by: 1 | -1): void {
    if (!visited) return along(1);
    const { row, start } = visited;
    for (let next = row + by; next >= 0 && next < rows.length; next += by) {
      const there = stops(next), begun = there.filter((span) => span.start <= start);
      if (there.length) return visit(begun[begun.length - 1] ?? there[0]);
    }
  }

  const redraw = (): void => {
    chart.chart.setOption({ series: [{ id: 'bars', data: data() }] });
    if (visited) outline();
  };
  chart.ready = (ready) => {
    let waiting = false;
    ready.on('datazoom', () => {
      if (waiting) return;
      waiting = true;
      requestAnimationFrame(() => { waiting = false; redraw(); });
    });
    ready.on('click', 'series.custom', (params: unknown) => visit(bars[(params as { data: number[] }).data[3]]?.spans[0]));
  };
  listenToKeys(chart, [0], { n: () => along(1), p: () => along(-1), ArrowUp: () => beside(-1), ArrowDown: () => beside(1) });
  const toggle = button('Critical path only', () => {
    onlyCritical = !onlyCritical;
    toggle.setAttribute('aria-pressed', String(onlyCritical));
    redraw();
  }, { 'aria-pressed': 'false', id: 'critical-toggle' });
  const legend = h('p', { class: 'keys' }, ...used.map((kind) => h('span', {}, dot(kinds[kind].color), kinds[kind].name)));
  const mark = dot('var(--alarm)');
  mark.style.height = '.3em';
  legend.append(h('span', {}, mark, 'on the critical path'));
  return [h('section', { id: 'timeline' }, h('h2', {}, 'Timeline of the step'),
    h('p', { class: 'hint' }, 'Simulated. The critical path is the chain of ops and copies that ends last, each waiting for the one before.'
      + (leftOut ? ` The ${leftOut} shortest bars are left out.` : '')),
    h('div', { class: 'bar' }, zoomButtons(chart, [0], 'the timeline'), toggle), legend, chart.element, box), [chart]];
}
