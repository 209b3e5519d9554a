// Why the step takes as long as it does: sentences, where the time of the critical path went, and tables of devices and links.
import { dot, h } from './chart';
import type { Busy, Plan, Problem } from './model';

function table(head: string[], rows: (string | HTMLElement)[][]): HTMLElement {
  return h('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': `Table of ${head[0]}s` }, h('table', {}, h('thead', {}, h('tr', {}, ...head.map((text) => h('th', { scope: 'col' }, text)))),
    h('tbody', {}, ...rows.map((cells) => h('tr', {}, ...cells.map((cell) => h('td', {}, cell)))))));
}
export function limits(problem: Problem, plan: Plan): HTMLElement {
  const { step } = plan;
  const chain = step.critical_chain.map((share) => {
    const bar = h('i', { class: share.kind });
    bar.style.width = `${share.share * 100}%`;
    const what = share.kind === 'device' ? `ops on ${share.name}` : share.kind === 'link' ? `copies over ${share.name}` : share.name;
    return h('div', { class: 'share' }, h('span', {}, what), h('span', { class: 'track' }, bar), h('span', {}, `${share.text} (${share.time_text})`));
  });
  const load = problem.facts?.objective === 'max-load';
  return h('section', { id: 'limits' }, h('h2', {}, 'What limits the step'),
    step.feasible ? '' : h('p', { class: 'bad' }, `Does not fit: ${step.reason ?? ''}`),
    h('p', { class: 'hint' }, `${load ? 'Load of the busiest device' : 'Step time'} ${step.step_time_text}, bound ${step.bound_text}, at most ${step.gap_text} above the optimum; ${step.moved_text} moved between devices.`),
    h('ul', { class: 'limits' }, ...step.limits.map((sentence) => h('li', {}, sentence))),
    problem.head_room ? h('p', {}, problem.head_room) : '',
    chain.length ? h('h3', {}, 'Where the time of the critical path went') : '', ...chain,
    h('h3', {}, 'Devices'),
    table(['device', 'busy', 'of step', 'peak memory', 'capacity', 'used'], step.devices.map((use, d) => [h('span', {}, dot(problem.devices[d]?.color ?? 'gray'), use.name), use.busy_text, use.busy_share_text, use.peak_text, use.capacity_text, use.memory_share_text])),
    step.links.length ? h('h3', {}, 'Links') : '',
    step.links.length ? table(['link', 'busy', 'of step'], step.links.map((link: Busy) => [link.name, link.busy_text, link.busy_share_text])) : '');
}
