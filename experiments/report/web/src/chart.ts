// ECharts with what the page uses, and what all its charts have in common.
import * as echarts from 'echarts/core';
import { CustomChart, LineChart, LinesChart, ScatterChart } from 'echarts/charts';
import { AriaComponent, DataZoomComponent, GridComponent, LegendComponent, MarkLineComponent, TooltipComponent } from 'echarts/components';
import { LabelLayout } from 'echarts/features';
import { CanvasRenderer } from 'echarts/renderers';
import { colors, onThemeChange } from './theme';

echarts.use([CustomChart, LineChart, LinesChart, ScatterChart, AriaComponent, DataZoomComponent, GridComponent, LegendComponent,
  MarkLineComponent, TooltipComponent, LabelLayout, CanvasRenderer]);

// The option types of tree-shaken ECharts are unions over all series; the page builds plain objects.
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type Option = any;
export type Chart = echarts.ECharts;
export { echarts };

type Child = Node | string | null | undefined | false;
/** An element; strings become text, never markup. */
export function h(tag: string, attributes: Record<string, string> = {}, ...children: Child[]): HTMLElement {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children.filter((child): child is Node | string => child !== null && child !== undefined && child !== false));
  return element;
}
export function button(text: string, onClick: () => void, attributes: Record<string, string> = {}): HTMLButtonElement {
  const element = h('button', { type: 'button', ...attributes }, text) as HTMLButtonElement;
  element.addEventListener('click', onClick);
  return element;
}
export function dot(color: string): HTMLElement {
  const element = h('span', { class: 'dot', 'aria-hidden': 'true' });
  element.style.background = color;
  return element;
}
/** A tooltip: a title and lines of a word and its value. */
export function tip(title: string, lines: [string, string][]): HTMLElement {
  return h('div', { class: 'tip' }, h('div', {}, h('b', {}, title)), ...lines.map(([word, value]) => h('div', {}, h('span', {}, `${word} `), value)));
}

/** The part of an axis that is in view, in percent. */
export interface Zoom { start: number; end: number }
interface View { dataZoom?: Zoom[]; legend?: { selected?: Record<string, boolean> }[] }
const viewOf = (chart: Chart): View | undefined => chart.getOption() as View | undefined;
/** Of each axis that zooms; none before the chart is drawn. */
export const zoomsOf = (chart: Chart): Zoom[] => viewOf(chart)?.dataZoom ?? [];

export interface Mounted { element: HTMLElement; chart: Chart; refresh(): void; resize(): void; ready: (chart: Chart) => void }
const mounted = new Set<Mounted>();
const NARROW = 560;

/** A chart in a box that can have the focus; its option is made anew when the theme changes, or whether it is narrow. */
export function mount(height: number, label: string, id: string, option: (narrow: boolean) => Option): Mounted {
  const element = h('div', { class: 'chart', id, tabindex: '0', role: 'img', 'aria-label': label });
  element.style.height = `${height}px`;
  let chart: Chart | null = null, narrow = false;
  const isNarrow = (): boolean => element.clientWidth < NARROW;
  const it: Mounted = {
    element,
    ready: () => undefined,
    get chart(): Chart {
      if (!chart) {
        chart = echarts.init(element);
        Object.assign(element, { placerChart: chart });  // for tests and the browser's console
      }
      return chart;
    },
    refresh(): void {
      narrow = isNarrow();
      const next: Option = { ...base(), ...option(narrow) };
      // What the reader zoomed to, or switched off in the legend, stays so.
      const before = viewOf(it.chart), zooms = before?.dataZoom ?? [];
      if (next.dataZoom) next.dataZoom = next.dataZoom.map((zoom: Option, i: number) => (zooms[i] ? { ...zoom, start: zooms[i].start, end: zooms[i].end } : zoom));
      if (next.legend && before?.legend?.[0]) next.legend = { ...next.legend, selected: before.legend[0].selected };
      it.chart.setOption(next, { notMerge: true });
    },
    resize(): void {
      it.chart.resize();
      if (isNarrow() !== narrow) it.refresh();
    },
  };
  mounted.add(it);
  return it;
}
/** Draws, once the element is in the page. */
export function draw(it: Mounted): void {
  it.refresh();
  it.ready(it.chart);
  new ResizeObserver(() => { if (it.element.isConnected) it.resize(); }).observe(it.element);
}
export function disposeAll(): void {
  mounted.forEach((it) => it.chart.dispose());
  mounted.clear();
}
onThemeChange(() => mounted.forEach((it) => it.refresh()));

function base(): Option {
  const { ink, card, line } = colors();
  return {
    animation: false,
    textStyle: { fontFamily: getComputedStyle(document.body).fontFamily, color: ink },
    tooltip: { backgroundColor: card, borderColor: line, textStyle: { color: ink, fontSize: 13 }, confine: true, transitionDuration: 0 },
    aria: { enabled: true, label: { enabled: false } },
  };
}
export function axis(more: Option = {}): Option {
  const { soft, line } = colors();
  return {
    axisLabel: { color: soft, fontSize: 11.5, hideOverlap: true, ...more.axisLabel },
    axisLine: { lineStyle: { color: line }, ...more.axisLine },
    axisTick: { lineStyle: { color: line }, ...more.axisTick },
    splitLine: { lineStyle: { color: line, opacity: 0.7 }, ...more.splitLine },
    nameTextStyle: { color: soft, fontSize: 12 },
    ...Object.fromEntries(Object.entries(more).filter(([key]) => !['axisLabel', 'axisLine', 'axisTick', 'splitLine'].includes(key))),
  };
}
export function slider(): Option {
  const { soft, line, accent, faint } = colors();
  return {
    type: 'slider', height: 18, bottom: 6, borderColor: line, backgroundColor: faint, fillerColor: `${accent}33`, brushSelect: false, showDataShadow: false,
    showDetail: false, handleStyle: { color: accent, borderColor: accent }, moveHandleStyle: { color: soft, opacity: 0.5 }, emphasis: { handleStyle: { color: accent } },
  };
}
