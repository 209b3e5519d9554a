// What every device and link did during the step. What is shorter than a pixel is drawn together until the reader zooms in.
import { axis, button, echarts, h, mount, slider, tip, dot, type Chart, type Mounted, type Option } from './chart';
import { formatBytes, formatTick, formatTime, inUnit, picoseconds, unitFor } from './format';
import { listenToKeys, zoomButtons } from './keyboard';
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

  function data(chart: Chart | null): number[][] {
    let from = 0, to = step, width = 1100;
    if (chart) {
      const zoom = (chart.getOption() as { dataZoom?: { start: number; end: number }[] }).dataZoom?.[0];
      if (zoom) [from, to] = [(zoom.start / 100) * step, (zoom.end / 100) * step];
      width = chart.getWidth();
    }
    bars = barsOf(rows, from, to, (to - from) / width);
    return bars.map((bar, i) => [ms(bar.start), bar.row, ms(bar.end), i]);
  }
  function details(bar: Bar): HTMLElement {
    if (bar.spans.length > 1) {
      const busy = bar.spans.reduce((sum, span) => sum + span.end - span.start, 0);
      return tip(`${bar.spans.length} short ones, ${kinds[bar.kind].name}`, [['busy', formatTime(picoseconds(busy))], ['', 'zoom in to tell them apart']]);
    }
    const [span] = bar.spans, op = names[span.op] ?? `op ${span.op}`;
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
  const chart = mount(height, 'Timeline of the step. Arrow keys pan, plus and minus zoom, 0 shows all.', 'timeline-chart', (narrow): Option => {
    const { ink, alarm, soft } = colors();
    const left = narrow ? 92 : 210;
    return {
      grid: { left, right: 16, top: 8, bottom: 68 },
      xAxis: axis({ type: 'value', min: 0, max: ms(step), name: `time (${unit})`, nameLocation: 'middle', nameGap: 24, axisLabel: { formatter: formatTick, showMaxLabel: false } }),
      yAxis: axis({ type: 'category', inverse: true, data: rowNames.map((row) => row.name), axisLabel: { color: ink, interval: 0, width: left - 12, overflow: 'truncate', hideOverlap: false }, splitLine: { show: true, lineStyle: { color: soft, opacity: 0.15 } } }),
      dataZoom: [{ type: 'inside', xAxisIndex: 0, filterMode: 'none', zoomOnMouseWheel: 'ctrl', moveOnMouseMove: true, minSpan: 0.01 }, { ...slider(), xAxisIndex: 0, filterMode: 'none', left, right: 16, minSpan: 0.01 }],
      tooltip: { trigger: 'item', formatter: ({ data: at }: { data: number[] }) => details(bars[at[3]]) },
      series: [{
        id: 'bars', type: 'custom', clip: true, data: data(null), encode: { x: [0, 2], y: 1 }, progressive: 0,
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
  const redraw = (): void => chart.chart.setOption({ series: [{ id: 'bars', data: data(chart.chart) }] });
  chart.ready = (ready) => {
    let waiting = false;
    ready.on('datazoom', () => {
      if (waiting) return;
      waiting = true;
      requestAnimationFrame(() => { waiting = false; redraw(); });
    });
  };
  listenToKeys(chart, [0]);
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
    h('div', { class: 'bar' }, zoomButtons(chart, [0], 'the timeline'), toggle), legend, chart.element), [chart]];
}
