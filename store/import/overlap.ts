/** Two rules of one list that ask for the same numbers: which of them serves would depend on which was there first. */
import type { Cells } from './rows-sql.ts';

/** From and to, both included. */
type Lengths = readonly [least: number, most: number];

const meet = ([least, most]: Lengths, [otherLeast, otherMost]: Lengths): boolean => least <= otherMost && otherLeast <= most;

function lengths(cells: Cells, side: '' | 'source_'): Lengths {
  return [Number(cells[`${side}min_length`] ?? 1), Number(cells[`${side}max_length`] ?? 99)];
}

/**
 * Rules with the first one before them that asks for numbers they ask for too. `cells`: of location_rules, device_rules or
 * provider_rules, defaults included. A rule that is off serves nothing, and other rows are none.
 */
export function overlaps<Rule extends { readonly cells: Cells }>(rules: readonly Rule[]): readonly { readonly rule: Rule; readonly before: Rule }[] {
  const found: { rule: Rule; before: Rule }[] = [];
  const alike = new Map<string, Rule[]>();
  for (const rule of rules) {
    const { cells } = rule;
    if (cells['enabled'] !== true) continue;
    const key = JSON.stringify([cells['applies'], cells['cut'], cells['source_cut']]);
    const group = alike.get(key) ?? [];
    alike.set(key, group);
    const before = group.find((one) => meet(lengths(one.cells, ''), lengths(cells, '')) && meet(lengths(one.cells, 'source_'), lengths(cells, 'source_')));
    if (before === undefined) group.push(rule);
    else found.push({ rule, before });
  }
  return found;
}
