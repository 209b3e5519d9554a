// Pan and zoom by keys and buttons, through the same dataZoom components that wheel and drag move.
import { type Chart, type Mounted, type Zoom, button, h, zoomsOf } from './chart';

function move(chart: Chart, index: number, change: (zoom: Zoom) => Zoom): void {
  const zoom = zoomsOf(chart)[index];
  let { start, end } = change(zoom);
  const width = Math.min(end - start, 100);
  start = Math.min(Math.max(start, 0), 100 - width);
  end = start + width;
  chart.dispatchAction({ type: 'dataZoom', dataZoomIndex: index, start, end });
}
export function zoomBy(chart: Chart, factor: number, axes: number[]): void {
  axes.forEach((index) => move(chart, index, ({ start, end }) => {
    const middle = (start + end) / 2, half = Math.max(((end - start) / 2) * factor, 0.001);
    return { start: middle - half, end: middle + half };
  }));
}
export function panBy(chart: Chart, share: number, axis: number): void {
  move(chart, axis, ({ start, end }) => ({ start: start + (end - start) * share, end: end + (end - start) * share }));
}
export function zoomOut(chart: Chart, axes: number[]): void {
  axes.forEach((index) => chart.dispatchAction({ type: 'dataZoom', dataZoomIndex: index, start: 0, end: 100 }));
}

/** Arrow keys pan, + and - zoom, 0 shows everything. @param axes  dataZoom of x and, if there is one, of y @param more  what other keys do */
export function listenToKeys(it: Mounted, axes: [number] | [number, number], more: Record<string, () => void> = {}): void {
  it.element.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const [x, y] = axes, { chart } = it;
    const actions: Record<string, (() => void) | undefined> = {
      ArrowLeft: () => panBy(chart, -0.2, x),
      ArrowRight: () => panBy(chart, 0.2, x),
      ArrowUp: y === undefined ? undefined : () => panBy(chart, 0.2, y),
      ArrowDown: y === undefined ? undefined : () => panBy(chart, -0.2, y),
      '+': () => zoomBy(chart, 0.6, axes),
      '=': () => zoomBy(chart, 0.6, axes),
      '-': () => zoomBy(chart, 1 / 0.6, axes),
      '0': () => zoomOut(chart, axes),
      ...more,
    };
    const action = actions[event.key];
    if (action) {
      action();
      event.preventDefault();
    }
  });
}
export function zoomButtons(it: Mounted, axes: number[], what: string): HTMLElement {
  return h('span', { class: 'bar', style: 'margin:0' },
    button('+', () => zoomBy(it.chart, 0.6, axes), { 'aria-label': `Zoom into ${what}` }),
    button('\u2212', () => zoomBy(it.chart, 1 / 0.6, axes), { 'aria-label': `Zoom out of ${what}` }),
    button('Show all', () => zoomOut(it.chart, axes), { 'aria-label': `Show all of ${what}` }));
}
