// Light or dark: what the reader's system prefers, or what the button says. Charts read their colours here.

export interface Colors { ink: string; soft: string; line: string; card: string; faint: string; accent: string; alarm: string }
const listeners: (() => void)[] = [];
const query = matchMedia('(prefers-color-scheme: dark)');
let chosen: 'light' | 'dark' | null = null;

export const isDark = (): boolean => (chosen ?? (query.matches ? 'dark' : 'light')) === 'dark';
export const onThemeChange = (listener: () => void): void => { listeners.push(listener); };
export function applyTheme(): void {
  document.documentElement.dataset.theme = isDark() ? 'dark' : 'light';
  document.documentElement.style.colorScheme = isDark() ? 'dark' : 'light';
}
function change(): void {
  applyTheme();
  listeners.forEach((listener) => listener());
}
export function toggleTheme(): void {
  chosen = isDark() ? 'light' : 'dark';
  change();
}
query.addEventListener('change', () => { if (chosen === null) change(); });

export function colors(): Colors {
  const style = getComputedStyle(document.documentElement);
  const read = (name: string): string => style.getPropertyValue(`--${name}`).trim();
  return { ink: read('ink'), soft: read('soft'), line: read('line'), card: read('card'), faint: read('faint'), accent: read('accent'), alarm: read('alarm') };
}

// Okabe and Ito's colours, which stay apart for readers who confuse red and green, light enough or dark enough for the ground.
const light = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#b27b00', '#56b4e9', '#7a5195'];
const dark = ['#56b4e9', '#ff8a50', '#3ecf9f', '#e6a3c8', '#f0b840', '#8fb8ff', '#c9a0ff'];
export const categoryColor = (index: number): string => (isDark() ? dark : light)[index % light.length];
