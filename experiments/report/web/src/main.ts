import { button, disposeAll, draw, h, type Mounted } from './chart';
import { curves } from './curves';
import { limits } from './limits';
import { memory } from './memory';
import { methods } from './methods';
import type { Plan, Problem, Report } from './model';
import { placement } from './placement';
import { reproduce } from './reproduce';
import { summary } from './summary';
import { applyTheme, isDark, toggleTheme } from './theme';
import { timeline } from './timeline';

type Part = [HTMLElement, Mounted[]] | null;

function select(label: string, names: string[], at: number, onChange: (index: number) => void): HTMLElement {
  const element = h('select', { 'aria-label': label }, ...names.map((name, i) => h('option', { value: String(i) }, name))) as HTMLSelectElement;
  element.value = String(at);
  element.addEventListener('change', () => onChange(Number(element.value)));
  return element;
}
function planParts(problem: Problem, plan: Plan): Part[] {
  return [placement(problem, plan), timeline(problem, plan), memory(problem, plan), [limits(problem, plan), []]];
}
function show(report: Report, problemAt: number, planAt: number): void {
  disposeAll();
  delete document.documentElement.dataset.ready;
  const problem = report.problems[problemAt], plan = problem.plans[planAt];
  const chooser = problem.plans.length > 1 ? h('section', {}, h('div', { class: 'bar', style: 'margin:0' }, 'Placement, timeline, memory and limits of',
    select('Plan', problem.plans.map((each) => `${each.label} (${each.step.step_time_text})`), planAt, (at) => show(report, problemAt, at)))) : null;
  const parts: Part[] = [[summary(problem), []],
    problem.notes.length ? [h('section', { class: 'notes' }, h('h2', {}, 'To know'), h('ul', {}, ...problem.notes.map((note) => h('li', {}, note)))), []] : null,
    methods(problem), curves(problem), chooser ? [chooser, []] : null, ...(plan ? planParts(problem, plan) : []), [reproduce(report, problem), []]];
  const there = parts.filter((part): part is [HTMLElement, Mounted[]] => part !== null);
  const theme = button(isDark() ? 'Light' : 'Dark', () => {
    toggleTheme();
    theme.textContent = isDark() ? 'Light' : 'Dark';
  }, { id: 'theme', class: 'right', 'aria-label': 'Light or dark' });
  const problems = report.problems.length > 1 ? select('Problem', report.problems.map((each) => each.name), problemAt, (at) => show(report, at, 0)) : null;
  const links = there.map(([element]) => element).filter((element) => element.id)
    .map((element) => h('a', { href: `#${element.id}` }, element.querySelector('h2')?.textContent?.replace(/ at equal.*| of the step$| over time$/, '') ?? element.id));
  document.getElementById('page')!.replaceChildren(
    h('header', {}, h('h1', {}, report.title), report.title.includes(problem.name) ? '' : h('p', { class: 'sub' }, problem.name)),
    h('nav', { 'aria-label': 'Sections' }, h('div', {}, problems, ...links, theme)),
    h('main', {}, ...there.map(([element]) => element)), h('footer', {}, 'Made by placer report'));
  // Chart by chart, so that the reader sees the first ones while the others are drawn.
  const charts = there.flatMap(([, mounted]) => mounted);
  const next = (): void => {
    const chart = charts.shift();
    if (chart) {
      draw(chart);
      setTimeout(next);
    } else {
      document.documentElement.dataset.ready = 'yes';
      performance.mark('placer-ready');
    }
  };
  next();
}

const report = JSON.parse(document.getElementById('data')!.textContent ?? '{}') as Report;
applyTheme();
document.title = report.title;
show(report, 0, 0);
