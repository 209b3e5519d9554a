// Best step time against samples: mean over seeds with their range, and baselines as lines.
import { axis, h, mount, tip, type Mounted, type Option } from './chart';
import { extent, formatCount, formatTick, formatTime, inUnit, unitFor } from './format';
import type { Problem, Trial } from './model';
import { categoryColor, colors } from './theme';

interface Point { samples: number; mean: number; low: number; high: number }
const POINTS = 120;

function bestAfter(curve: number[], samples: number): number {
  let best = NaN;
  for (let i = 0; i < curve.length && curve[i] <= samples; i += 2) best = curve[i + 1];
  return best;
}
/** At even distances on a logarithmic axis, from where every seed knows something. */
function points(trials: Trial[]): Point[] {
  const curves = trials.map((trial) => trial.curve).filter((curve) => curve.length > 0);
  if (curves.length === 0) return [];
  const first = Math.max(1, ...curves.map((curve) => curve[0]));
  const last = Math.max(first, ...trials.map((trial) => trial.samples));
  const counts = new Set(Array.from({ length: POINTS }, (_, i) => Math.round(first * (last / first) ** (i / (POINTS - 1)))));
  return [...counts].map((samples) => {
    const bests = curves.map((curve) => bestAfter(curve, samples));
    return { samples, mean: bests.reduce((sum, best) => sum + best, 0) / bests.length, low: Math.min(...bests), high: Math.max(...bests) };
  });
}
export function curves(problem: Problem): [HTMLElement, Mounted[]] | null {
  const lines = problem.methods.filter((method) => method.uses_budget).map((method) => ({ method, points: points(method.trials) })).filter((line) => line.points.length > 0);
  if (lines.length === 0) return null;
  const unit = unitFor([...lines.map((line) => line.points[line.points.length - 1].mean), ...problem.lines.map((line) => line.seconds)]);
  const y = (seconds: number): number => inUnit(seconds, unit);
  const references = [...problem.lines].sort((a, b) => a.seconds - b.seconds).map((line) => ({ label: line.label, seconds: line.seconds }));
  // Lines that nearly touch share a label; all are listed below the chart.
  const span = Math.max(...references.map((line) => line.seconds), 0) - (problem.bound_seconds ?? references[0]?.seconds ?? 0);
  const clusters: { label: string; seconds: number }[][] = [];
  for (const line of references) {
    const open = clusters[clusters.length - 1];
    if (open && line.seconds - open[0].seconds < 0.045 * span) open.push(line);
    else clusters.push([line]);
  }
  const labelOf = (label: string): string => {
    const cluster = clusters.find(([first]) => first.label === label);
    return cluster ? label + (cluster.length > 1 ? ` +${cluster.length - 1}` : '') : '';
  };
  const last = Math.max(...lines.map((line) => line.points[line.points.length - 1].samples));
  const chart = mount(420, 'Learning curves: best step time against samples', 'curves-chart', (narrow): Option => {
    const { soft, alarm } = colors();
    const series: Option[] = [];
    lines.forEach(({ method, points: at }, i) => {
      const color = categoryColor(i);
      if (method.trials.length > 1) {
        const band = { type: 'line', stack: `band${i}`, symbol: 'none', step: 'end', silent: true, lineStyle: { opacity: 0 }, tooltip: { show: false }, z: 1 };
        series.push({ ...band, name: `low${i}`, data: at.map((p) => [p.samples, y(p.low)]) },
          { ...band, name: `high${i}`, data: at.map((p) => [p.samples, y(p.high - p.low)]), areaStyle: { color, opacity: 0.18 }, stackStrategy: 'all' });
      }
      series.push({ type: 'line', name: method.label, step: 'end', symbol: 'none', data: at.map((p) => [p.samples, y(p.mean)]), lineStyle: { width: 2.5, color }, itemStyle: { color }, z: 3 });
    });
    series.push({ type: 'line', name: 'baselines', data: [], markLine: { symbol: 'none', silent: true, label: { position: narrow ? 'insideEndTop' : 'end', fontSize: 11, color: soft, distance: 4 },
      labelLayout: { hideOverlap: true }, lineStyle: { type: 'dashed', color: soft, opacity: 0.7 },
      data: [...references.map((line) => ({ yAxis: y(line.seconds), label: { formatter: labelOf(line.label) } })),
        ...(problem.bound_seconds ? [{ yAxis: y(problem.bound_seconds), lineStyle: { color: alarm, opacity: 1 }, label: { formatter: 'bound', color: alarm } }] : [])] } });
    const values = [...lines.flatMap((line) => line.points.flatMap((p) => [p.low, p.high])), ...references.map((line) => line.seconds), ...(problem.bound_seconds ? [problem.bound_seconds] : [])];
    const [low, high] = extent(values).map(y), wide = high > 4 * low;
    return {
      grid: { left: 66, right: narrow ? 14 : 118, top: 40, bottom: 46 },
      legend: { top: 2, left: 0, type: 'scroll', textStyle: { color: soft }, data: lines.map((line) => line.method.label) },
      xAxis: axis({ type: 'log', min: Math.min(...lines.map((line) => line.points[0].samples)), max: last, name: 'samples', nameLocation: 'middle', nameGap: 28, axisLabel: { formatter: (v: number) => formatCount(Math.round(v)) }, splitLine: { show: false } }),
      yAxis: axis({ type: wide ? 'log' : 'value', min: wide ? low * 0.9 : Math.max(0, low - (high - low) * 0.05), max: wide ? high * 1.1 : high + (high - low) * 0.05, name: `step time (${unit})`, nameLocation: 'middle', nameGap: 48, axisLabel: { formatter: formatTick, showMinLabel: false, showMaxLabel: false } }),
      tooltip: { trigger: 'axis', axisPointer: { type: 'line', lineStyle: { color: soft } }, formatter: (items: { axisValue: number }[]) => {
        const samples = Number(items[0]?.axisValue ?? 0);
        return tip(`${formatCount(Math.round(samples))} samples`, lines.map(({ method, points: at }) => {
          const p = [...at].reverse().find((each) => each.samples <= samples) ?? at[0];
          return [method.label, `${formatTime(p.mean, unit)}${method.trials.length > 1 ? ` (${formatTime(p.low, unit)} .. ${formatTime(p.high, unit)})` : ''}`];
        }));
      } },
      series,
    };
  });
  return [h('section', { id: 'curves' }, h('h2', {}, 'Learning curves'),
    h('p', { class: 'hint' }, 'Best step time so far: mean over seeds, shaded from the best seed to the worst. Dashed: heuristics, and the bound that nothing beats.'), chart.element,
    references.length ? h('p', { class: 'keys' }, ...references.map((line) => h('span', {}, `${line.label} ${formatTime(line.seconds, unit)}`))) : ''), [chart]];
}
