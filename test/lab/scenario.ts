/**
 * SIPp scenarios with blanks: `{{name}}` is filled in, `{{name|default}}` may be left out, `{{> part}}` includes
 * scenarios/parts/part.xml, and `{{> part for keys}}` includes it once for each character of `keys`, which is `{{key}}` in
 * it, with a CSeq of its own. A line that only holds an empty blank disappears (an empty line would end the headers).
 */

import { readFileSync } from 'node:fs';

export type ScenarioValues = Record<string, string | number>;

const FOLDER = new URL('scenarios/', import.meta.url);

/** `scenario` is a name such as `call`, or XML of the test's own. */
export function fillScenario(scenario: string, values: ScenarioValues): string {
  const text = scenario.trimStart().startsWith('<') ? scenario : readFileSync(new URL(`${scenario}.xml`, FOLDER), 'utf8');
  const lines = includeParts(pressKeys(text, values), values).split('\n').map((line) => {
    const filled = line.replaceAll(/\{\{(\w+)(\|[^}]*)?\}\}/g, (_, name: string, byDefault?: string) => {
      const value = values[name] ?? byDefault?.slice(1);
      if (value === undefined) throw new Error(`Scenario ${scenario.slice(0, 60)} needs a value for ${name}.`);
      return String(value);
    });
    return filled.trim() === '' && line.trim() !== '' ? undefined : filled;
  });
  return lines.filter((line) => line !== undefined).join('\n');
}

function pressKeys(text: string, values: ScenarioValues): string {
  return text.replaceAll(/^\{\{> ([\w-]+) for keys\}\}$/gm, (_, part: string) => {
    const keys = String(values['keys'] ?? '').split('');
    const press = readFileSync(new URL(`parts/${part}.xml`, FOLDER), 'utf8').trimEnd();
    const parts = keys.map((key, index) => {
      return press.replaceAll('{{key}}', key).replaceAll('{{keyCseq}}', String(Number(values['nextCseq']) + index));
    });
    return parts.join('\n');
  });
}

function includeParts(text: string, values: ScenarioValues): string {
  return text.replaceAll(/^\{\{> ([\w-]+)\}\}$/gm, (_, part: string) => {
    // One scenario serves callers with and without credentials.
    const name = part === 'invite' && values['username'] !== undefined ? 'invite-digest' : part;
    return includeParts(readFileSync(new URL(`parts/${name}.xml`, FOLDER), 'utf8').trimEnd(), values);
  });
}
