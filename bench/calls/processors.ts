/** Callers and far ends on a processor of their own, as if they were other machines: what they use is then not taken from Asterisk. */
import { spawnSync } from 'node:child_process';
import { cpus } from 'node:os';

function keepTo(processors: string, pid: number): void {
  const done = spawnSync('taskset', ['--all-tasks', '--pid', '--cpu-list', processors, String(pid)], { encoding: 'utf8' });
  if (done.status !== 0) throw new Error(`Process ${pid} cannot be kept to processors ${processors}: ${done.error?.message ?? done.stderr}`);
}

/** Whatever this process starts stays where this process is at that moment. */
export class Processors {
  readonly #all = `0-${cpus().length - 1}`;
  readonly #callers = String(cpus().length - 1);
  readonly #system = `0-${cpus().length - 2}`;
  readonly #apart: boolean;

  constructor(apart: boolean) {
    if (apart && cpus().length < 2) throw new Error('Two processors at least are needed to keep callers apart.');
    this.#apart = apart;
  }

  /** What is measured is started within `work`; callers before and after it. */
  async ofSystem<Done>(work: () => Promise<Done>): Promise<Done> {
    if (!this.#apart) return work();
    keepTo(this.#system, process.pid);
    try {
      return await work();
    } finally {
      keepTo(this.#callers, process.pid);
    }
  }

  ofCallers(pid: number): void {
    if (this.#apart) keepTo(this.#callers, pid);
  }

  /** As it was. */
  release(): void {
    if (this.#apart) keepTo(this.#all, process.pid);
  }
}
