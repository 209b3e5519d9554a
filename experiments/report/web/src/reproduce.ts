// How to make the numbers again.
import { button, h } from './chart';
import type { Problem, Report, Source } from './model';

function rows(pairs: [string, string][]): HTMLElement {
  return h('dl', {}, ...pairs.flatMap(([word, value]) => [h('dt', {}, word), h('dd', {}, value)]));
}
function source(each: Source, open: boolean): HTMLElement {
  const copy = button('Copy config', () => { void navigator.clipboard?.writeText(each.config).then(() => { copy.textContent = 'Copied'; }); });
  return h('details', open ? { open: '' } : {}, h('summary', {}, `${each.method}: ${each.path}`),
    h('p', { class: 'hint' }, 'Save this as config.txtpb, with another output_dir, where the paths in it are right, then:'), h('pre', { tabindex: '0' }, each.command), h('pre', { tabindex: '0' }, each.config), copy,
    ...(each.environments.length ? each.environments.map(rows) : [h('p', { class: 'hint' }, 'The run does not say on which machine it was made.')]));
}
export function reproduce(report: Report, problem: Problem): HTMLElement {
  const computed = problem.methods.filter((method) => method.computed_here).map((method) => method.label);
  return h('section', { id: 'reproduce' }, h('h2', {}, 'How to reproduce'),
    problem.facts ? rows([['graph', `${problem.facts.graph}, fingerprint ${problem.facts.graph_fingerprint}`], ['cluster', `${problem.facts.cluster}, fingerprint ${problem.facts.cluster_fingerprint}`],
      ['seeds', [...new Set(problem.methods.flatMap((method) => method.trials.map((trial) => trial.seed)))].join(', ')]]) : '',
    ...problem.sources.map((each, i) => source(each, i === 0)), h('h3', {}, 'This report'), h('pre', { tabindex: '0' }, report.command),
    computed.length ? h('p', { class: 'hint' }, `It ran ${computed.join(', ')}.`) : '', rows(report.environment));
}
