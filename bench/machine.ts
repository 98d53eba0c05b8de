/** What the figures were measured on. */
import { cpus, totalmem } from 'node:os';

export function describeMachine(): string {
  const all = cpus();
  return `${all.length} cores of ${all[0]?.model.trim() ?? 'unknown'}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}`;
}
