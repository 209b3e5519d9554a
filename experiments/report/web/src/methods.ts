// The table of methods, and the same as a picture.
import { axis, h, mount, tip, type Mounted, type Option } from './chart';
import { formatCount, formatTick, formatTime, inUnit, unitFor } from './format';
import type { Change, Problem, Row } from './model';
import { categoryColor, colors } from './theme';

function changeCell(change: Change | null): HTMLElement {
  if (!change) return h('td', {}, '-');
  const side = change.mean < -0.0005 ? 'good' : change.mean > 0.0005 ? 'bad' : '';
  const interval: Record<string, string> = change.interval_text ? { title: `95 % interval of the paired difference: ${change.interval_text}` } : {};
  return h('td', { class: side, ...interval }, change.text, change.interval_text ? h('small', { class: 'hint' }, ` (${change.interval_text})`) : '');
}
function tableRow(problem: Problem, row: Row, isBest: boolean): HTMLElement {
  const method = problem.methods[row.method];
  const label = h('td', {}, method.label, method.computed_here ? h('span', { class: 'tag', title: 'run by placer report with the same groups, costs, seeds and samples' }, 'computed here') : '');
  return h('tr', isBest ? { class: 'best', 'data-method': method.label } : { 'data-method': method.label }, label,
    ...[row.mean_text, row.min_text, row.max_text, row.gap_text].map((text) => h('td', {}, text)), changeCell(row.vs_heuristic), changeCell(row.vs_annealing),
    ...[row.samples_text, row.unique_text, row.wall_text, `${row.feasible}/${row.trials}`].map((text) => h('td', {}, text)));
}
function picture(problem: Problem): Mounted {
  const rows = problem.rows.filter((row) => row.step_seconds);
  const unit = unitFor(rows.map((row) => row.step_seconds!.min));
  const longest = Math.max(...rows.map((row) => problem.methods[row.method].label.length));
  const room = Math.min(240, Math.max(120, 7 * longest));
  return mount(Math.max(170, rows.length * 24 + 70), 'Step time of each method: mean, and range over the seeds', 'methods-chart', (narrow): Option => {
    const { ink, alarm, card, soft } = colors();
    const values = rows.map((row) => row.step_seconds!);
    return {
      grid: { left: narrow ? 96 : room + 10, right: 24, top: 26, bottom: 44 },
      xAxis: axis({ type: 'value', scale: true, name: `step time (${unit})`, nameLocation: 'middle', nameGap: 28, axisLabel: { formatter: formatTick, showMinLabel: false },
        min: problem.bound_seconds ? ({ min }: { min: number }) => Math.min(min, inUnit(problem.bound_seconds!, unit)) * 0.97 : undefined }),
      yAxis: axis({ type: 'category', inverse: true, data: rows.map((row) => problem.methods[row.method].label), axisLabel: { color: ink, width: narrow ? 86 : room, overflow: 'truncate' },
        splitLine: { show: false } }),
      tooltip: { ...base(card), trigger: 'item', formatter: ({ dataIndex }: { dataIndex: number }) => {
        const row = rows[dataIndex];
        return tip(problem.methods[row.method].label, [['mean', row.mean_text], ['range', `${row.min_text} .. ${row.max_text}`],
          ['deviation', formatTime(row.step_seconds!.deviation, unit)], ['seeds', formatCount(row.feasible)]]);
      } },
      series: [{
        type: 'custom', data: values.map((value, i) => [inUnit(value.mean, unit), i, inUnit(value.min, unit), inUnit(value.max, unit)]), encode: { x: [0, 2, 3], y: 1 },
        renderItem: (_: unknown, api: Option) => {
          const [x, y] = api.coord([api.value(0), api.value(1)]);
          const from = api.coord([api.value(2), api.value(1)])[0], to = api.coord([api.value(3), api.value(1)])[0];
          const fill = categoryColor(problem.methods[rows[api.value(1)].method].uses_budget ? 0 : 1);
          return { type: 'group', children: [
            { type: 'rect', shape: { x: from - 4, y: y - 4, width: to - from + 8, height: 8, r: 4 }, style: { fill, opacity: 0.3 } },
            { type: 'circle', shape: { cx: x, cy: y, r: 5.5 }, style: { fill, stroke: card, lineWidth: 1.5 } }] };
        },
        markLine: problem.bound_seconds ? { silent: true, symbol: 'none', lineStyle: { color: alarm, type: 'dashed' }, label: { formatter: 'bound', color: soft, position: 'start' },
          data: [{ xAxis: inUnit(problem.bound_seconds, unit) }] } : undefined,
      }],
    };
  });
}
const base = (card: string): Option => ({ backgroundColor: card, borderColor: colors().line, textStyle: { color: colors().ink, fontSize: 13 }, confine: true });

export function methods(problem: Problem): [HTMLElement, Mounted[]] {
  const budgets = [...new Set(problem.methods.filter((method) => method.uses_budget).map((method) => formatCount(method.budget_samples) + (method.budget_seconds === null ? '' : ` in ${method.budget_seconds} s`)))];
  const chart = picture(problem);
  const best = problem.rows.findIndex((row) => row.step_seconds);
  const head = ['method', 'mean', 'min', 'max', 'gap limit', 'vs best heuristic', 'vs annealing', 'samples', 'unique', 'wall', 'feasible'];
  return [h('section', { id: 'methods' }, h('h2', {}, budgets.length === 1 ? `Methods at equal samples (${budgets[0]})` : 'Methods'),
    h('p', { class: 'hint' }, 'Mean and range over seeds. Gap limit: no placement can be better by more than that. Differences are paired by seed; 95 % intervals from five seeds on. '
      + 'Heuristics stop after a few samples. Wall times of rows computed here are those of this report, not of the run.'),
    h('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': 'Table of methods' }, h('table', {}, h('thead', {}, h('tr', {}, ...head.map((text) => h('th', { scope: 'col' }, text)))),
      h('tbody', {}, ...problem.rows.map((row, i) => tableRow(problem, row, i === best))))), chart.element,
    problem.head_room ? h('p', { class: 'hint' }, problem.head_room) : ''), [chart]];
}
