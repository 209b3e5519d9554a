// Bytes in use on every device over the step, below its capacity.
import { axis, button, h, mount, tip, type Mounted, type Option } from './chart';
import { formatBytes, formatTick, formatTime, inUnit, picoseconds, unitFor } from './format';
import { memoryOf, type Plan, type Problem } from './model';
import { colors } from './theme';

const HEIGHT = 96;

export function memory(problem: Problem, plan: Plan): [HTMLElement, Mounted[]] | null {
  if (plan.memory.length === 0) return null;
  const unit = unitFor([plan.step.step_time_seconds]);
  const end = inUnit(plan.step.step_time_seconds, unit);
  const series = plan.memory.map((flat) => {
    const points = memoryOf(flat).map(([time, bytes]) => [inUnit(picoseconds(time), unit), bytes]);
    if (points.length) points.push([end, points[points.length - 1][1]]);
    return points;
  });
  let fit = false;
  const chart = mount(HEIGHT * series.length + 60, 'Memory in use per device over the step, with its capacity', 'memory-chart', (narrow): Option => {
    const { ink, soft, alarm } = colors();
    const left = 76, right = 16;
    return {
      grid: series.map((_, i) => ({ left, right, top: 22 + i * HEIGHT, height: HEIGHT - 34 })),
      xAxis: series.map((_, i) => axis({ type: 'value', gridIndex: i, min: 0, max: end, axisLabel: { show: i === series.length - 1, formatter: formatTick, showMaxLabel: false }, splitLine: { show: false },
        ...(i === series.length - 1 ? { name: `time (${unit})`, nameLocation: 'middle', nameGap: 24 } : {}) })),
      yAxis: series.map((_, i) => {
        const use = plan.step.devices[i];
        return axis({ type: 'value', gridIndex: i, min: 0, max: (fit ? Math.max(use.peak_bytes, 1) : Math.max(use.capacity_bytes, use.peak_bytes)) * 1.08, splitNumber: 2,
          axisLabel: { formatter: (v: number) => formatBytes(Math.round(v)), showMaxLabel: false, fontSize: 10.5 },
          name: `${use.name}  peak ${use.peak_text} of ${use.capacity_text}${narrow ? '' : ` (${use.memory_share_text})`}`, nameLocation: 'end', nameGap: 6, nameTextStyle: { align: 'left', color: ink, fontSize: 11.5, padding: [0, 0, 0, 0] } });
      }),
      tooltip: { trigger: 'axis', axisPointer: { type: 'line', lineStyle: { color: soft } }, formatter: (items: { axisValue: number }[]) => {
        const time = Number(items[0]?.axisValue ?? 0);
        return tip(`at ${formatTime(time / inUnit(1, unit), unit)}`, series.map((points, i) => {
          const at = [...points].reverse().find(([t]) => t <= time);
          return [problem.devices[i].name, formatBytes(at ? at[1] : 0)];
        }));
      } },
      axisPointer: { link: [{ xAxisIndex: 'all' }] },
      series: series.map((points, i) => ({
        type: 'line', xAxisIndex: i, yAxisIndex: i, step: 'end', symbol: 'none', data: points, lineStyle: { width: 1.2, color: problem.devices[i].color }, areaStyle: { color: problem.devices[i].color, opacity: 0.35 }, itemStyle: { color: problem.devices[i].color },
        markLine: { silent: true, symbol: 'none', label: { show: false }, lineStyle: { color: alarm, type: 'dashed', width: 1.3 }, data: [{ yAxis: plan.step.devices[i].capacity_bytes }] },
      })),
    };
  });
  const toggle = button('Scale to what is used', () => {
    fit = !fit;
    toggle.setAttribute('aria-pressed', String(fit));
    chart.refresh();
  }, { 'aria-pressed': 'false' });
  return [h('section', { id: 'memory' }, h('h2', {}, 'Memory over time'), h('p', { class: 'hint' }, 'Simulated. The dashed line is the capacity of the device.'), h('div', { class: 'bar' }, toggle), chart.element), [chart]];
}
