// The figures to begin with.
import { h } from './chart';
import { formatChange, formatCount, formatTime } from './format';
import type { Problem } from './model';

function fact(word: string, value: string, more: string, main = false): HTMLElement {
  return h('div', { class: main ? 'fact main' : 'fact' }, h('span', {}, word), h('b', {}, value), h('span', {}, more));
}
export function summary(problem: Problem): HTMLElement {
  const box = h('section', { class: 'cards', 'aria-label': 'Summary' });
  const plan = problem.plans[0];
  const best = problem.rows.find((row) => row.step_seconds);
  if (plan) {
    const load = problem.facts?.objective === 'max-load';
    box.append(fact(load ? 'Best load of the busiest device' : 'Best step time', plan.step.step_time_text, plan.label, true),
      fact('Lower bound', plan.step.bound_text, `at most ${plan.step.gap_text} above the optimum`));
  } else if (best) {
    box.append(fact('Best mean step time', best.mean_text, problem.methods[best.method].label, true));
  }
  const single = problem.facts?.best_single_device;
  if (single && plan) {
    box.append(fact('Against one device', formatChange(plan.step.step_time_seconds / single.step_time_seconds - 1),
      `${single.device}: ${formatTime(single.step_time_seconds)}`));
  }
  const heuristic = problem.rows.find((row) => row.method === problem.best_heuristic);
  if (heuristic?.step_seconds && plan) {
    box.append(fact('Against the best heuristic', formatChange(plan.step.step_time_seconds / heuristic.step_seconds.mean - 1),
      `${problem.methods[heuristic.method].label}: ${heuristic.mean_text}`));
  }
  if (problem.facts) {
    box.append(fact('Model', `${formatCount(problem.facts.ops)} ops`, `${formatCount(problem.facts.groups)} groups on ${problem.facts.devices} devices`));
  }
  return box;
}
